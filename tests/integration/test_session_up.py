"""`marquee_session_up` is 1 exactly while a process consumes."""

import os
import re
import signal
import socket
import urllib.error
import urllib.request
import uuid

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from deadline import wait_until
from storm import Tier

from marquee_infra.parts import Options, start_parts
from marquee_infra.platform import supervised
from marquee_nearline import metrics
from marquee_nearline.kafka import open_consumer, subscribe, take


def session_up(port):
    """The gauge of the process whose metrics are there, or None as long as it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            found = re.search(rb"^marquee_session_up (\S+)$", answer.read(), re.MULTILINE)
    except urllib.error.URLError:
        return None
    return float(found[1])


@pytest.mark.parametrize(
    ("command", "parts"), [("run", ["kafka", "redis"]), ("archive", ["kafka"])]
)
def test_it_falls_with_what_a_session_needs_and_rises_again(tmp_path, monkeypatch, command, parts):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("MARQUEE_METRICS_PORT", str(port))
    with supervised(tmp_path) as supervisor:
        endpoints = start_parts(supervisor, Options(data=tmp_path))
        assert Tier(endpoints, tmp_path, "init").wait() == 0
        tier = Tier(endpoints, tmp_path, command)
        try:
            wait_until(lambda: session_up(port) == 1.0, "it consumes", seconds=60)
            for part in parts:
                pid = next(state.pid for state in supervisor.states() if state.name == part)
                os.kill(pid, signal.SIGKILL)
                wait_until(lambda: session_up(port) == 0.0, f"it misses {part}", seconds=10)
                wait_until(lambda: session_up(port) == 1.0, f"{part} is back", seconds=60)
            assert tier.stop() == 0
        finally:
            tier.kill()


def test_a_member_without_a_partition_is_up(platform):
    topic = f"up-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": platform.endpoints.kafka})
    admin.create_topics([NewTopic(topic, num_partitions=1)])[topic].result()
    members = [open_consumer(platform.endpoints.kafka, topic, slot) for slot in "ab"]
    joined = set()
    up_at_join = {}
    for slot, member in zip("ab", members, strict=True):
        subscribe(member, [topic], lambda slot=slot: joined.add(slot), lambda _tp, low, _high: low)

    def both_joined():
        for slot, member in zip("ab", members, strict=True):
            metrics.UP.set(0)
            joined.discard(slot)
            take(member)
            if slot in joined:
                up_at_join[slot] = metrics.UP.collect()[0].samples[0].value
        return len(up_at_join) == 2 and sum(len(m.assignment()) for m in members) == 1

    try:
        wait_until(both_joined, "both are members, one has the partition")
    finally:
        for member in members:
            member.close()
        metrics.UP.set(0)
    assert up_at_join == {"a": 1.0, "b": 1.0}
