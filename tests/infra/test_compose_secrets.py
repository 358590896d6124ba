"""The compose file's secrets and Redis users, on a real Redis."""

import subprocess
import time
from pathlib import Path

import pytest
import redis

from marquee_infra import ports
from marquee_nearline.state_store import OK, StateStore
from marquee_shared.cluster import Cluster

SCRIPT = Path(__file__).parents[2] / "infra/compose/secrets.sh"
VOLUMES = ("store", "redis", "offline", "nearline", "online")
SECONDS = 20


@pytest.fixture
def secrets(tmp_path):
    for name in VOLUMES:
        (tmp_path / name).mkdir()
    make(tmp_path)
    return tmp_path


def make(folder):
    subprocess.run(["sh", str(SCRIPT), str(folder)], check=True)


class Server:
    """A Redis as the compose file starts it."""

    def __init__(self, folder, secrets):
        self.port = ports.claim(folder / "ports.json", ("acl",))["acl"]
        self._argv = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        self._argv += ["--dir", str(folder), "--save", "", "--appendonly", "yes"]
        self._argv += ["--appendfsync", "always", "--aclfile", str(secrets / "redis/users.acl")]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self._argv, stdout=subprocess.DEVNULL)
        client = redis.Redis(port=self.port, username="health", password="none")
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                assert client.ping()
                break
            except redis.RedisError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        client.close()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def url(self, secrets, user):
        text = (secrets / user / "redis").read_text()
        return text.replace("@redis:6379", f"@127.0.0.1:{self.port}")


@pytest.fixture
def server(tmp_path_factory, secrets):
    server = Server(tmp_path_factory.mktemp("redis"), secrets)
    yield server
    server.kill()


def test_what_a_function_wrote_is_there_after_a_kill(server, secrets):
    states = StateStore(server.url(secrets, "nearline"))
    states.install(1)
    epoch, _ = states.acquire("n1", 0, "topic")
    assert states.apply("n1", 0, (0, 1), epoch, {"u": b"blob"}) == OK

    server.kill()
    server.start()

    loaded = StateStore(server.url(secrets, "nearline")).load("n1", 0, ["u"])
    assert (loaded.offset, loaded.blobs) == (1, (b"blob",))


def test_nearline_can_do_all_that_it_does(server, secrets):
    states = StateStore(server.url(secrets, "nearline"))

    states.install(2)
    states.open_namespace("n2", 2)
    states.activate(Cluster(namespace="n2", partitions=2, previous="n1"))
    states.publish("n2", b"sums")
    states.sums("n2", 0)
    states.drop("n1", 2)

    assert states.cluster().namespace == "n2"
    assert list(states.users("n2", 0)) == []


def test_the_default_user_is_let_in_by_nobody(server):
    with (
        redis.Redis(port=server.port) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.get("cluster:meta")


def test_a_second_start_changes_no_secret(secrets):
    before = {path: path.read_text() for path in secrets.rglob("*") if path.is_file()}

    make(secrets)

    assert before
    assert {path: path.read_text() for path in before} == before
    assert len({before[secrets / t / "redis"] for t in ("nearline", "online")}) == 2
