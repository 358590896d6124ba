from collections import Counter
from pathlib import Path

import pytest

from marquee_infra.simulate import DAYPART_GENRES, DEVICE_GENRES, NOW, history, write_history
from marquee_offline.catalogue import Entry
from marquee_shared.archive import is_simulated, parse
from marquee_shared.event import decode_event, encode_event
from marquee_shared.store import Store

GENRES = sorted({g for table in (DEVICE_GENRES, DAYPART_GENRES) for t in table.values() for g in t})
ITEMS = [
    Entry(item_id=f"m{n}", title=f"{n}", genres=(GENRES[n % len(GENRES)],)) for n in range(200)
]


def plays(visitors: int = 60, seed: int = 1):
    events = history(seed=seed, items=ITEMS, visitors=visitors, now=NOW)
    return [event for event in events if event.type == "play"]


def test_equal_seeds_give_equal_histories_and_others_do_not():
    assert plays(5) == plays(5)
    assert plays(5, seed=2) != plays(5)


def test_events_are_valid_and_lie_before_now():
    for event in history(seed=1, items=ITEMS, visitors=10, now=NOW):
        assert decode_event(encode_event(event)) == event
        assert event.at < NOW.timestamp() * 1000
        assert event.user_id.startswith("sim-1-")
        assert "other" not in (event.context.device, event.context.daypart, event.context.weekday)


def test_visitor_plays_an_item_at_most_once():
    counts = Counter((event.user_id, event.item_id) for event in plays())
    assert set(counts.values()) == {1}


@pytest.mark.parametrize(
    ("field", "table"), [("device", DEVICE_GENRES), ("daypart", DAYPART_GENRES)]
)
def test_stated_preference_is_in_the_plays(field: str, table: dict[str, tuple[str, ...]]):
    genre_of = {item.item_id: item.genres[0] for item in ITEMS}
    told = [(getattr(event.context, field), genre_of[event.item_id]) for event in plays()]
    for value, liked in table.items():
        inside = [genre in liked for here, genre in told if here == value]
        outside = [genre in liked for here, genre in told if here != value]
        assert sum(inside) / len(inside) > 2 * sum(outside) / len(outside)


def test_history_is_written_once_under_a_name_that_labels_it(tmp_path: Path):
    store = Store(f"file://{tmp_path}")
    assert write_history(store, seed=3, items=ITEMS, visitors=10) == "simulated-3"
    keys = store.list("events/")
    assert all(is_simulated(parse(key).source) for key in keys)
    write_history(store, seed=3, items=ITEMS, visitors=10)
    assert store.list("events/") == keys
