"""What a client of the online tier does in tests."""

from deadline import wait_until

from marquee_nearline.state_store import StateStore
from marquee_shared.ids import partition_of
from marquee_shared.user_state import UserState, decode_state


def send(http, user, item, kind="play", **fields):
    """Post an event that must be accepted; the answer's body."""
    answer = http.post(
        "/v1/events", json={"user_id": user, "item_id": item, "type": kind, **fields}
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


def page_with(http, user, events, **context):
    """The user's page as soon as it rests on this many events."""
    pages = []

    def reached():
        pages.append(http.get("/v1/home", params={"user_id": user, **context}).json())
        return pages[-1]["state"] and pages[-1]["state"]["events"] >= events

    wait_until(reached, f"{user}'s page rests on {events} events")
    return pages[-1]


def personal(http, user):
    """The user's page as soon as it rests on their history; a busy Redis may be late at first."""
    pages = []

    def reached():
        pages.append(http.get("/v1/home", params={"user_id": user}).json())
        return pages[-1].get("basis") == "history"

    wait_until(reached, f"{user}'s page is personal")
    return pages[-1]


def ranked(page):
    """Each row's name, its items and their scores: all but the images, which are drawn."""
    return [
        (row["name"], [(item["item_id"], item["score"]) for item in row["items"]])
        for row in page["rows"]
    ]


def top_picks(page):
    """Item ids of the first row."""
    return [item["item_id"] for item in page["rows"][0]["items"]]


def state_of(states: StateStore, user: str) -> UserState:
    """The user's state in the active namespace."""
    cluster = states.cluster()
    partition = partition_of(user, cluster.partitions)
    (blob,) = states.load(cluster.namespace, partition, [user]).blobs
    return decode_state(blob) if blob else UserState()
