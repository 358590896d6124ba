"""`marquee up` ends by SIGKILL; what it had acknowledged is there when it starts again."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
from deadline import wait_until
from models import file_store, publish, small_model
from people import page_with, ranked, send

MARQUEE = str(Path(sys.executable).parent / "marquee")
ASKED = {"device": "tv", "local_time": "2026-11-23T20:15"}


def start(data):
    """The running command and the URL of its online tier."""
    command = subprocess.Popen(
        [MARQUEE, "up", "--data", str(data), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    shown = ""
    while "Ctrl-C" not in shown:
        line = command.stdout.readline()
        assert line, shown
        shown += line
    return command, re.search(r"(http://[0-9.]+:[0-9]+)/docs", shown).group(1)


def test_killed_whole_and_started_again_it_goes_on_with_everything_acknowledged(tmp_path):
    model_id = publish(file_store(tmp_path / "store"), small_model())
    command, url = start(tmp_path)
    with httpx.Client(base_url=url, timeout=10) as http:
        wait_until(lambda: http.get("/readyz").json()["model_id"] == model_id, "it serves")
        for item in ("m0", "m2", "m4"):
            send(http, "kept", item)
        before = page_with(http, "kept", 3, **ASKED)
        for number in range(300):
            send(http, f"crowd-{number % 30}", f"m{number % 100}", event_id=f"e{number}")
    command.send_signal(signal.SIGKILL)
    command.communicate(timeout=30)

    command, url = start(tmp_path)
    with httpx.Client(base_url=url, timeout=10) as http:
        wait_until(lambda: http.get("/readyz").json()["model_id"] == model_id, "it serves again")
        after = page_with(http, "kept", 3, **ASKED)
        crowd = [page_with(http, f"crowd-{n}", 10)["state"]["events"] for n in range(30)]
    command.send_signal(signal.SIGTERM)
    command.communicate(timeout=60)

    assert ranked(after) == ranked(before)
    assert crowd == [10] * 30
    assert command.returncode == 0
