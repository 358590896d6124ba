"""The supervisor: the dead come back, a stop leaves nobody, nor does a SIGKILL of ourselves."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from deadline import wait_until

from marquee_infra.child import Child, Command
from marquee_infra.combined_log import CombinedLog
from marquee_infra.errors import PlatformError
from marquee_infra.processes import Supervisor

SLEEP = ("sleep", "600")


@pytest.fixture
def log(tmp_path: Path):
    made = CombinedLog(tmp_path / "marquee.log")
    yield made
    made.close()


@pytest.fixture
def supervisor(log: CombinedLog):
    with Supervisor(log) as made:
        yield made


def shell(name: str, script: str) -> Command:
    return Command(name=name, argv=("sh", "-c", script))


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_killed_process_is_restarted_and_counted(supervisor: Supervisor):
    supervisor.start(Command(name="tier", argv=SLEEP))
    (before,) = supervisor.states()
    os.kill(before.pid, signal.SIGKILL)
    wait_until(lambda: supervisor.states()[0].restarts == 1, "a restart")
    (after,) = supervisor.states()
    assert after.pid != before.pid
    assert is_alive(after.pid)


def test_pause_before_a_restart_doubles(supervisor: Supervisor):
    supervisor.start(shell("tier", "exit 3"))
    wait_until(lambda: "restart in 2 s" in supervisor.log.tail("marquee"), "a second restart")
    assert supervisor.log.tail("marquee").splitlines() == [
        "tier ended with code 3; restart in 1 s",
        "tier ended with code 3; restart in 2 s",
    ]


def test_stop_ends_the_last_started_first_and_leaves_nobody(log: CombinedLog, tmp_path: Path):
    order = tmp_path / "order"
    with Supervisor(log) as supervisor:
        for name in ("first", "second"):
            ready = tmp_path / name
            trap = f"trap 'echo {name} >> {order}; exit' TERM; touch {ready}"
            supervisor.start(shell(name, f"{trap}; while :; do sleep 0.02; done"))
            wait_until(ready.exists, "the trap is set")
        pids = [state.pid for state in supervisor.states()]
    assert order.read_text().split() == ["second", "first"]
    assert not any(is_alive(pid) for pid in pids)


def test_process_that_ignores_sigterm_is_killed_with_all_it_started(
    log: CombinedLog, tmp_path: Path
):
    pid_file = tmp_path / "pid"
    script = f"trap '' TERM; sleep 600 & echo $! > {pid_file}.half; mv {pid_file}.half {pid_file}"
    child = Child(shell("stubborn", f"{script}; while :; do sleep 0.02; done"), log)
    wait_until(pid_file.exists, "the grandchild")
    child.end(patience=0.2)
    assert child.code == -signal.SIGKILL
    wait_until(lambda: not is_alive(int(pid_file.read_text())), "the grandchild's end")


def test_leftovers_of_a_dead_process_are_ended_too(log: CombinedLog):
    child = Child(shell("parent", "sleep 600 & echo $!"), log)
    wait_until(child.collect, "the end")
    assert child.code == 0
    grandchild = int(log.tail("parent"))
    wait_until(lambda: not is_alive(grandchild), "the grandchild's end")


def test_nobody_survives_a_sigkill_of_the_supervisors_process(tmp_path: Path):
    code = f"""
import time
from pathlib import Path
from marquee_infra.child import Command
from marquee_infra.platform import supervised
with supervised(Path({str(tmp_path)!r})) as supervisor:
    for name in ("a", "b"):
        supervisor.start(Command(name=name, argv=("sleep", "600")))
    print(*(state.pid for state in supervisor.states()), flush=True)
    time.sleep(600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as supervising:
        pids = [int(word) for word in supervising.stdout.readline().split()]
        assert len(pids) == 2
        assert all(is_alive(pid) for pid in pids)
        supervising.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), "the children's end")


def test_failed_one_shot_is_an_error_with_its_last_lines(supervisor: Supervisor):
    with pytest.raises(PlatformError, match=r"(?s)init ended with code 4.*no topic for you"):
        supervisor.run_once(shell("init", "echo no topic for you; exit 4"), seconds=10)


def test_one_shot_that_succeeds_is_not_restarted(supervisor: Supervisor):
    supervisor.run_once(shell("init", "exit 0"), seconds=10)
    assert supervisor.states() == ()


def test_one_shot_that_hangs_is_an_error(supervisor: Supervisor):
    with pytest.raises(PlatformError, match="did not end within 0 s"):
        supervisor.run_once(Command(name="init", argv=SLEEP), seconds=0.2)


def test_missing_program_is_named(supervisor: Supervisor):
    with pytest.raises(PlatformError, match="marquee-nowhere is not installed"):
        supervisor.start(Command(name="tier", argv=("/opt/marquee-nowhere", "serve")))


def test_death_while_starting_is_an_error_with_the_logs_tail(supervisor: Supervisor):
    supervisor.start(shell("kafka", "echo bad config; exit 1"))
    with pytest.raises(PlatformError, match=r"(?s)kafka died while starting.*bad config"):
        supervisor.wait_ready("kafka", lambda: False, seconds=10)


def test_process_that_dies_of_a_full_disk_ends_the_platform(supervisor: Supervisor):
    supervisor.start(shell("redis", "exec cat /etc/passwd > /dev/full"))
    wait_until(lambda: supervisor.failure, "the failure")
    assert "is full" in supervisor.failure.message


def test_settings_reach_the_process_beside_our_own_environment(supervisor: Supervisor):
    script = Command(
        name="tier", argv=("sh", "-c", "echo $HOME $MINE"), environment={"MINE": "yes"}
    )
    supervisor.run_once(script, seconds=10)
    assert supervisor.log.tail("tier") == f"{os.environ['HOME']} yes"
