"""SIGKILL under load: what was acknowledged counts once, and every offset is archived once."""

import random
import time

import pytest
from deadline import wait_until
from parts import running_parts
from storm import Load, check_archive, check_states, check_sums, seconds_until_folded, tiers

from marquee_nearline.state_store import StateStore

SEED = 20261123


def storm(folder, kills, report):
    """Kill worker and archiver `kills` times each under 500 events a second."""
    rng = random.Random(SEED)
    waits = []
    with running_parts(folder) as endpoints, tiers(endpoints, folder) as (worker, archiver):
        states = StateStore(endpoints.redis)
        load = Load(endpoints.kafka, SEED)
        seconds_until_folded(states, load)
        with load.running(per_second=500):
            for _ in range(kills):
                folded = load.total()
                wait_until(lambda n=folded: load.total() > n + 150, "load flows")
                worker.kill()
                archiver.kill()
                worker.start()
                archiver.start()
                if rng.random() < 0.5:  # the next kill may hit a worker that is still starting
                    waits.append(after_kill(states, load))
        waits.append(after_kill(states, load, kill=worker))
        users = check_states(states, load)
        objects = check_archive(endpoints, load)
        impressions = check_sums(states, load)
    report(
        f"seed {SEED}: {kills + 1} kills of the worker, {kills} of the archiver, "
        f"{load.total()} messages, {users} users, {objects} objects: 0 lost, 0 doubled; sums of "
        f"{impressions:.0f} impressions equal to the last bit; first "
        f"event after a kill: {max(waits):.2f} s at most of {len(waits)}"
    )
    return waits


def after_kill(states, load, kill=None):
    if kill is not None:
        kill.kill()
        kill.start()
        return seconds_until_folded(states, load)
    namespace = states.cluster().namespace
    reached = [states.load(namespace, p, []).offset for p in range(8)]
    started = time.monotonic()
    wait_until(
        lambda: any(states.load(namespace, p, []).offset > reached[p] for p in range(8)),
        "the restarted worker folds",
    )
    return time.monotonic() - started


def test_killed_twice_under_load_nothing_is_lost_or_doubled(tmp_path, record_property):
    waits = storm(tmp_path, 2, lambda line: record_property("storm", line))

    assert max(waits) < 10


@pytest.mark.slow
def test_killed_twenty_times_under_load_nothing_is_lost_or_doubled(tmp_path, capsys):
    def report(line):
        with capsys.disabled():
            print(f"\n{line}")

    waits = storm(tmp_path, 20, report)

    assert max(waits) < 3
