"""Each tier's image with nothing behind it: it says what it misses, waits, and is not ready."""

import time

import pytest
from deadline import wait_until

pytestmark = pytest.mark.slow

NOWHERE = {
    "MARQUEE_KAFKA": "kafka.invalid:9092",
    "MARQUEE_REDIS": "redis://redis.invalid:6379/0",
    "MARQUEE_STORE": "s3://marquee",
    "MARQUEE_CREDIT_KEYS": f"k1:{'0' * 64}",
    "AWS_ENDPOINT_URL": "http://store.invalid:7070",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
}
RUNS = {  # command, and words that its log must hold
    "offline": (None, ("store.invalid",)),
    "nearline": (None, ("redis.invalid", "store.invalid")),
    "archive": (["marquee-nearline", "archive"], ("store.invalid",)),
    "online": (None, ("store.invalid", "kafka.invalid")),
}
MOST_LINES = 40  # in the first quarter of a minute: said, not shouted


@pytest.fixture
def alone(stack):
    """Start an image with nothing behind it."""
    started = []

    def run(image, command, environment):
        container = stack.engine.containers.run(
            f"marquee/{image}:{stack.version(image)}",
            command,
            environment=environment,
            detach=True,
            init=True,
            read_only=True,
            tmpfs={"/tmp": ""},
            labels={"com.docker.compose.project": "marquee-test"},
        )
        started.append(container)
        return container

    yield run
    for container in started:
        container.remove(force=True, v=True)


@pytest.mark.parametrize("run", RUNS)
def test_alone_it_says_what_it_misses_keeps_trying_and_is_never_ready(alone, run):
    command, words = RUNS[run]
    started = time.monotonic()
    container = alone("nearline" if run == "archive" else run, command, NOWHERE)

    def says(what):
        return all(word in container.logs().decode() for word in what)

    wait_until(lambda: container.logs(), "its first line", seconds=60)
    print(f"\n{run} alone: its first line after {time.monotonic() - started:.1f} s")
    wait_until(lambda: says(words), f"{run} names {words}", seconds=60)
    wait_until(lambda: time.monotonic() - started > 15, "a quarter of a minute is over", seconds=60)

    container.reload()
    log = container.logs().decode()
    assert container.status == "running", log
    assert container.attrs["State"]["Health"]["Status"] != "healthy"
    assert len(log.splitlines()) < MOST_LINES, log
    container.stop(timeout=20)
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 0, container.logs().decode()[-2000:]


@pytest.mark.parametrize("image", ["offline", "nearline", "online"])
def test_without_a_setting_it_ends_at_once_and_names_the_variable(alone, image):
    container = alone(image, None, {})

    code = container.wait(timeout=60)["StatusCode"]

    assert code == 1
    assert b"MARQUEE_" in container.logs()
