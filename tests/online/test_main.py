"""The process as its parts leave it."""

import subprocess
import sys

FAILING = """
import asyncio
from marquee_online.main import end_with

async def fail():
    raise RuntimeError("a look-up that failed")

async def serve():
    asyncio.create_task(fail()).add_done_callback(end_with)
    await asyncio.sleep(60)

asyncio.run(serve())
"""


def test_a_background_task_that_fails_ends_the_process_and_says_why():
    done = subprocess.run(
        [sys.executable, "-c", FAILING], capture_output=True, text=True, timeout=30, check=False
    )

    assert done.returncode == 1
    assert "RuntimeError: a look-up that failed" in done.stderr
