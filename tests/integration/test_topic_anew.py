"""The topic is deleted and created anew: no worker starts, and a rebuild is the way out."""

from pathlib import Path

from confluent_kafka.admin import AdminClient
from deadline import wait_until
from parts import running_parts
from storm import Load, Tier, check_archive, check_states, tiers

from marquee_nearline.errors import Interrupted
from marquee_nearline.kafka import create_topics, topic_id
from marquee_nearline.state_store import StateStore
from marquee_shared import event


def test_after_a_topic_was_created_anew_a_rebuild_brings_everything_back(tmp_path: Path):
    with running_parts(tmp_path) as endpoints, tiers(endpoints, tmp_path) as (worker, archiver):
        states = StateStore(endpoints.redis)
        load = Load(endpoints.kafka, seed=1, users=40)
        for _ in range(400):
            load.send(load.event())
        load.flush()
        users = check_states(states, load)
        check_archive(endpoints, load)
        assert worker.stop() == archiver.stop() == 0
        create_anew(endpoints.kafka)

        refused = Tier(endpoints, tmp_path, "run")
        assert refused.wait() == 1
        assert "created anew" in refused.said()
        assert Tier(endpoints, tmp_path, "rebuild").wait() == 0

        again = Tier(endpoints, tmp_path, "run")
        after = Load(endpoints.kafka, seed=2, users=5)
        for _ in range(50):
            after.send(after.event())
        after.flush()
        found = states.cluster()
        for partition, sent in enumerate(after.sent):
            wait_until(
                lambda p=partition, n=sent: states.load(found.namespace, p, []).offset == len(n),
                "the new topic is folded",
            )
        kept = sum(len(set(states.users(found.namespace, p))) for p in range(8))
        assert kept >= users
        assert again.stop() == 0


def create_anew(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    before = topic_id(bootstrap, event.TOPIC)
    for deleted in admin.delete_topics([event.TOPIC]).values():
        deleted.result()
    wait_until(lambda: event.TOPIC not in admin.list_topics(timeout=5).topics, "it is gone")
    assert create_topics(bootstrap, 8, 1) == [event.TOPIC]

    def is_another():
        try:
            return topic_id(bootstrap, event.TOPIC) != before
        except Interrupted:  # created, and not every part of the broker knows it yet
            return False

    wait_until(is_another, "it is another one")
