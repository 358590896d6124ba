"""A Redis that is late for a page is not thereby late for the next one."""

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import urlparse

from marquee_online.states import States, Unavailable

TIMEOUT_MS = 50
GREETING_SECONDS = 0.2  # that every new connection takes


@asynccontextmanager
async def slow_to_greet(url):
    """The URL of a Redis whose connections answer late at first, and fast from then on."""
    parts = urlparse(url)

    writers = []

    async def relay(reader, writer):
        inner, outer = await asyncio.open_connection(parts.hostname, parts.port)
        writers.extend((writer, outer))
        await asyncio.sleep(GREETING_SECONDS)
        await asyncio.gather(copy(reader, outer), copy(inner, writer))

    async def copy(source, sink):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    finally:
        server.close()
        await asyncio.sleep(2 * GREETING_SECONDS)  # a greeting under way comes to its end
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


def test_a_connection_that_is_slow_to_come_serves_the_pages_after_it(platform):
    async def story():
        async with slow_to_greet(platform.endpoints.redis) as url:
            states = States(url, TIMEOUT_MS)
            await states.refresh()
            busy = [states.read(f"nobody-{n}") for n in range(3)]  # one of them has to connect
            started = asyncio.get_running_loop().time()
            first = await asyncio.gather(*busy, return_exceptions=True)
            waited = asyncio.get_running_loop().time() - started
            await asyncio.sleep(2 * GREETING_SECONDS)
            second = await asyncio.gather(*(states.read(f"nobody-{n}") for n in range(3)))
            await states.close()
        return first, waited, second

    first, waited, second = asyncio.run(story())

    assert any(isinstance(one, Unavailable) for one in first)
    assert waited < GREETING_SECONDS
    assert [found.state for found in second] == [None] * 3
