"""The function library in a real Redis: state and offset move together, or not at all."""

import pytest
import redis

from marquee_nearline.errors import StateUnavailable, Unrecoverable
from marquee_nearline.state_store import StateStore
from marquee_shared.cluster import meta_key


@pytest.fixture(scope="module")
def store(endpoints):
    states = StateStore(endpoints.redis)
    states.install(8)
    return states


@pytest.fixture
def namespace(request, store):
    name = f"t{abs(hash(request.node.name))}"
    store.open_namespace(name, 8)
    return name


def test_blobs_and_offset_move_in_one_call(store, namespace):
    epoch, offset = store.acquire(namespace, 3, "topic")

    answer = store.apply(namespace, 3, (0, 7), epoch, {"a": b"A", "b": b"B"})

    assert (answer, offset) == ("OK", 0)
    loaded = store.load(namespace, 3, ["a", "nobody", "b"])
    assert (loaded.offset, loaded.epoch, loaded.blobs) == (7, epoch, (b"A", None, b"B"))


def test_a_retry_after_a_lost_reply_is_dup_and_changes_nothing(store, namespace):
    epoch, _ = store.acquire(namespace, 0, "topic")
    store.apply(namespace, 0, (0, 2), epoch, {"a": b"A"})

    assert store.apply(namespace, 0, (0, 2), epoch, {"a": b"other"}) == "DUP"
    assert store.load(namespace, 0, ["a"]).blobs == (b"A",)


def test_a_batch_that_does_not_start_at_the_offset_is_a_mismatch(store, namespace):
    epoch, _ = store.acquire(namespace, 0, "topic")

    assert store.apply(namespace, 0, (5, 9), epoch, {"a": b"A"}) == "MISMATCH"
    assert store.load(namespace, 0, ["a"]).blobs == (None,)


def test_a_worker_that_lost_its_partition_is_fenced(store, namespace):
    stale, _ = store.acquire(namespace, 0, "topic")
    store.acquire(namespace, 0, "topic")

    assert store.apply(namespace, 0, (0, 1), stale, {"a": b"A"}) == "FENCED"
    assert store.load(namespace, 0, ["a"]).blobs == (None,)


def test_a_rebuild_may_write_many_chunks_before_the_offset_moves(store, namespace):
    epoch, _ = store.acquire(namespace, 0, "topic")

    assert store.apply(namespace, 0, (0, 0), epoch, {"a": b"A"}) == "OK"
    assert store.apply(namespace, 0, (0, 9), epoch, {"b": b"B"}) == "OK"
    assert store.load(namespace, 0, ["a", "b"]).blobs == (b"A", b"B")


def test_an_offset_of_a_topic_created_anew_is_refused(store, namespace):
    store.acquire(namespace, 0, "first")

    with pytest.raises(Unrecoverable, match="rebuild"):
        store.acquire(namespace, 0, "second")


def test_an_offset_that_was_lost_is_no_beginning(store, namespace, endpoints):
    with redis.Redis.from_url(endpoints.redis) as client:
        client.delete(meta_key(namespace, 2))

    with pytest.raises(Unrecoverable, match="lost its offset"):
        store.acquire(namespace, 2, "topic")


def test_another_partition_count_is_refused(store):
    with pytest.raises(Unrecoverable, match="MARQUEE_PARTITIONS=8"):
        store.install(16)


def test_users_of_a_partition_are_found_and_a_dropped_namespace_is_empty(store, namespace):
    epoch, _ = store.acquire(namespace, 5, "topic")
    users = {f"user-{n}" for n in range(2500)}
    store.apply(namespace, 5, (0, 1), epoch, dict.fromkeys(users, b"x"), seen={"user-7": b"s"})

    assert set(store.users(namespace, 5)) == users
    store.drop(namespace, 8)
    assert set(store.users(namespace, 5)) == set()
    left = store.load(namespace, 5, [], learners=["user-7"])
    assert (left.offset, left.seen) == (-1, (None,))


def test_a_redis_that_does_not_answer_is_unavailable():
    with pytest.raises(StateUnavailable):
        StateStore("redis://127.0.0.1:1/0").cluster()
