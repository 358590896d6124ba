"""Kafka and Redis, real ones: what they were told they keep, whatever kills them."""

import os
import signal
from pathlib import Path

import pytest
import redis
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from deadline import wait_until

from marquee_infra import ports
from marquee_infra.errors import PlatformError
from marquee_infra.parts import Options, start_parts
from marquee_infra.platform import supervised
from marquee_infra.processes import Supervisor
from marquee_infra.redis_server import answers


def pid_of(supervisor: Supervisor, name: str) -> int | None:
    return next(state.pid for state in supervisor.states() if state.name == name)


def kill(supervisor: Supervisor, name: str) -> None:
    pid = pid_of(supervisor, name)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid_of(supervisor, name) not in (pid, None), f"{name} restarted")


def produce(address: str, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": address, "acks": "all", "log_level": 0})
    for value in values:
        producer.produce("kept", value)
    assert producer.flush(30) == 0


def consume(address: str, count: int) -> list[bytes]:
    settings = {"group.id": "test", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({"bootstrap.servers": address, "log_level": 0, **settings})
    consumer.subscribe(["kept"])
    got: list[bytes] = []
    wait_until(
        lambda: got.extend(m.value() for m in consumer.consume(10, 0.5)) or len(got) >= count,
        f"{count} records",
        seconds=40,
    )
    consumer.close()
    return got


def create_topic(address: str) -> None:
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    for created in admin.create_topics([NewTopic("kept", 1, 1)]).values():
        created.result(20)


def test_kafka_keeps_records_over_a_kill_and_over_a_restart_on_other_ports(tmp_path: Path):
    options = Options(data=tmp_path)
    with supervised(tmp_path) as supervisor:
        first = start_parts(supervisor, options)
        create_topic(first.kafka)
        produce(first.kafka, b"one")
        kill(supervisor, "kafka")
        produce(first.kafka, b"two")
        os.kill(pid_of(supervisor, "kafka"), signal.SIGKILL)  # no orderly end this time
    (tmp_path / "ports.json").unlink()
    with supervised(tmp_path) as supervisor:
        second = start_parts(supervisor, options)
        assert second.kafka != first.kafka
        assert consume(second.kafka, 2) == [b"one", b"two"]


def test_redis_keeps_what_it_acknowledged_over_a_kill(endpoints, tmp_path: Path):
    with supervised(tmp_path) as supervisor:
        url = start_parts(supervisor, Options(data=tmp_path, kafka=endpoints.kafka)).redis
        with redis.Redis.from_url(url) as client:
            client.set("kept", "yes")
        kill(supervisor, "redis")
        wait_until(lambda: answers(url), "Redis answers again")
        with redis.Redis.from_url(url) as client:
            assert client.get("kept") == b"yes"


def test_servers_listen_on_loopback_only(endpoints):
    port = int(endpoints.kafka.rpartition(":")[2])
    assert endpoints.kafka.startswith(ports.LOOPBACK)
    assert not ports.accepts("127.0.0.2", port)


def test_topics_are_never_created_by_mere_use(endpoints):
    admin = AdminClient({"bootstrap.servers": endpoints.kafka, "log_level": 0})
    admin.list_topics("nobody-made-this", timeout=10)
    assert "nobody-made-this" not in admin.list_topics(timeout=10).topics


def test_named_parts_are_used_instead_of_own_ones(endpoints, tmp_path: Path):
    named = Options(
        data=tmp_path, kafka=endpoints.kafka, redis=endpoints.redis, store=endpoints.store
    )
    with supervised(tmp_path) as supervisor:
        used = start_parts(supervisor, named)
        assert supervisor.states() == ()
    assert (used.kafka, used.redis, used.store) == (
        endpoints.kafka,
        endpoints.redis,
        endpoints.store,
    )


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///proc/no/such/folder"])
def test_store_that_cannot_be_used_is_named(endpoints, tmp_path, url: str):
    options = Options(data=tmp_path, kafka=endpoints.kafka, redis=endpoints.redis, store=url)
    with (
        supervised(tmp_path) as supervisor,
        pytest.raises(PlatformError, match="cannot be used") as refused,
    ):
        start_parts(supervisor, options)
    assert "--store" in refused.value.fix


@pytest.mark.parametrize("url", ["redis://:secret@127.0.0.1:1/0", "nonsense"])
def test_redis_that_does_not_answer_is_named_without_its_password(endpoints, tmp_path, url: str):
    options = Options(data=tmp_path, kafka=endpoints.kafka, redis=url)
    with (
        supervised(tmp_path) as supervisor,
        pytest.raises(PlatformError, match="No Redis answers") as refused,
    ):
        start_parts(supervisor, options)
    assert "secret" not in str(refused.value)
    assert "--redis" in refused.value.fix
