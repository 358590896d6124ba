"""The command `marquee`: a person gets sentences, never a traceback."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from deadline import wait_until

from marquee_infra.child import Command
from marquee_infra.errors import PlatformError
from marquee_infra.platform import start_tiers, supervised
from marquee_infra.ports import LOOPBACK, claim

MARQUEE = (str(Path(sys.executable).parent / "marquee"), "up")


def up(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MARQUEE, *options],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_explained(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr + done.stdout
    assert all(word in done.stderr for word in words), done.stderr


def test_used_port_ends_the_command_with_a_sentence(tmp_path: Path):
    with socket.create_server((LOOPBACK, 0)) as server:
        port = str(server.getsockname()[1])
        assert_explained(up("--data", str(tmp_path), "--port", port), port, "--port")


def test_missing_java_ends_the_command_with_the_apt_command(tmp_path: Path):
    done = up("--data", str(tmp_path), "--port", "0", PATH=str(tmp_path), JAVA_HOME="")
    assert_explained(done, "no Java", "apt-get install -y openjdk-17-jre-headless")


def test_missing_redis_ends_the_command_with_the_apt_command(endpoints, tmp_path: Path):
    options = ("--data", str(tmp_path), "--port", "0", "--kafka", endpoints.kafka)
    done = up(*options, PATH=str(tmp_path))
    assert_explained(done, "redis-server is missing", "apt-get install -y redis-server")


def test_second_marquee_on_a_folder_ends_with_a_sentence(tmp_path: Path):
    with supervised(tmp_path):
        done = up("--data", str(tmp_path), "--port", "0")
    assert_explained(done, f"process {os.getpid()}", "--data")


def test_missing_kafka_ends_the_command_with_a_sentence(tmp_path: Path):
    options = ("--data", str(tmp_path), "--port", "0", "--kafka", "127.0.0.1:1")
    assert_explained(up(*options, "--redis", "redis://127.0.0.1:1"), "127.0.0.1:1", "--kafka")


def test_sigterm_during_the_start_ends_everything_with_exit_code_0(tmp_path: Path):
    with subprocess.Popen(
        [*MARQUEE, "--data", str(tmp_path), "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as marquee:
        wait_until((tmp_path / "kafka" / "kafka.log").exists, "Kafka starts")
        marquee.send_signal(signal.SIGTERM)
        _, complaint = marquee.communicate(timeout=40)
    assert (marquee.returncode, complaint) == (0, b"")
    with supervised(tmp_path):  # the lock is free: nobody is left
        pass


def stand_in(name: str, port: int) -> Command:
    server = ("-m", "http.server", "--bind", LOOPBACK, str(port))
    return Command(name=name, argv=(sys.executable, *server))


def test_tiers_start_after_the_one_shot_and_when_every_one_answers(tmp_path: Path):
    with supervised(tmp_path) as supervisor:
        ports = claim(tmp_path / "ports.json", ("a", "b"))
        start_tiers(
            supervisor,
            first=Command(name="init", argv=("true",)),
            then=tuple(stand_in(name, port) for name, port in ports.items()),
            alive_at={name: f"http://{LOOPBACK}:{port}/" for name, port in ports.items()},
        )
        assert [state.name for state in supervisor.states()] == ["a", "b"]


def test_no_tier_starts_after_a_failed_one_shot(tmp_path: Path):
    with supervised(tmp_path) as supervisor:
        with pytest.raises(PlatformError, match="init ended with code 1"):
            start_tiers(
                supervisor,
                first=Command(name="init", argv=("false",)),
                then=(stand_in("a", 1),),
                alive_at={},
            )
        assert supervisor.states() == ()
