"""What releases tell each other in `exchange`: each format with every field that both know."""

import dataclasses
from datetime import UTC, datetime

import msgspec
import numpy as np
from models import small_model

from marquee_nearline.parquet import Record
from marquee_shared.context import Context
from marquee_shared.credit import Credit, Credited
from marquee_shared.decision import Choice, Decision, Row, encode_decision
from marquee_shared.event import EVENT_TYPES, Event, Seen, encode_event
from marquee_shared.ids import item_hash
from marquee_shared.manifest import Metric
from marquee_shared.model import Model
from marquee_shared.user_state import Hops, UserState, fold

NOW = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
AT = 1_795_464_900_000  # the same moment in ms
USER = "ml-1"
CONTEXT = Context(device="tv", daypart="evening", weekday="mon", country="DE")
MODEL_ID = "20261123t201500z-0123456789ab"
KAFKA, DECISIONS = "kafka-AbCdEfGhIjKlMnOpQrStUv", "kafka-_-CdEfGhIjKlMnOpQrStUv"


def events() -> list[Event]:
    """One of each type with every field, and one with no more than it needs."""
    full = Event(
        event_id="e",
        user_id=USER,
        type="play",
        at=AT,
        accepted_at=AT + 5,
        context=CONTEXT,
        session_id="s:1",
        decision_id="d.1",
        row=1,
        position=999,
        artwork_id="a-1",
        watched_s=1800.5,
        runtime_s=5400.0,
        rating=4.5,
        seen=(Seen(item_id="m2", row=0, position=3, artwork_id="a2"),),
        credit="token",
    )
    return [
        *(
            msgspec.structs.replace(full, event_id=f"e{n}", type=kind, item_id=f"m{n}", at=AT + n)
            for n, kind in enumerate(sorted(EVENT_TYPES))
        ),
        Event(event_id="bare", user_id=USER, type="play", item_id="m0", at=0),
    ]


def decisions() -> list[Decision]:
    drawn = Choice(
        item_id="m1",
        score=1.5,
        source="ials+item-item",
        artwork_id="b",
        candidates=("a", "b", "c"),
        distribution=(0.5, 0.375, 0.125),
        repeat_of="d.0",
    )
    plain = Choice(item_id="m2", score=-0.25, source="popular:device=tv")
    return [
        Decision(
            decision_id="d.1",
            user_id=USER,
            session_id="s:1",
            at=AT,
            context=CONTEXT,
            model_id=MODEL_ID,
            policies={"artwork": "thompson-3"},
            arms={"rows": "b"},
            seed=2**63 - 1,
            degraded=("no-vector",),
            rows=(Row(name="because_you_watched", title="…", items=(drawn, plain), because="m0"),),
        ),
        Decision(decision_id="d.2", at=AT),
    ]


def credit() -> Credit:
    choices = (
        Credited(item=item_hash("m1") & 0xFFFFFFFF, artwork=2, policy="thompson-3", propensity=0.5),
        Credited(item=item_hash("m2") & 0xFFFFFFFF, artwork=0, policy="fixed-1", propensity=1.0),
    )
    return Credit(
        decision_id="d.1",
        user=item_hash(USER),
        issued_at=AT,
        taste=(0.5, -1.25),
        choices=choices,
    )


def states() -> dict[str, UserState]:
    """A state folded from all events, with its cache, and an empty one."""
    full = dataclasses.replace(
        fold(UserState(), events()),
        model_id=MODEL_ID,
        vector=np.array([0.5, -1.25, 0.1], np.float32),
        hops=Hops(accepted_at=AT, consumed_at=AT + 20, folded_at=AT + 21),
    )
    return {USER: full, "ml-2": UserState()}


def model() -> Model:
    """Every part, every column of items, every field of the manifest."""
    small = small_model(n_items=24)
    manifest = msgspec.structs.replace(
        small.manifest,
        metrics={"ndcg@10": Metric(value=0.25, low=0.2, high=0.3)},
        verdict="better",
        trained_through={KAFKA: {"3": 44}},
    )
    first = dataclasses.replace(
        small.items[0], title="Amélie", genres=("Comedy", "War"), tags=("x",), artworks=b'["a"]'
    )
    return dataclasses.replace(small, manifest=manifest, items=[first, *small.items[1:]])


def archived() -> dict[str, tuple[int, list[Record]]]:
    """Kafka objects by name: partition 3's second was written anew; decisions go beside events."""
    held = events()
    rows = [
        *(Record(40 + n, AT, USER.encode(), encode_event(e)) for n, e in enumerate(held)),
        Record(40 + len(held), AT, None, None),
        Record(41 + len(held), AT, b"ml-2", b"\xff no event"),
    ]
    kept = [
        Record(n, AT, d.decision_id.encode(), encode_decision(d)) for n, d in enumerate(decisions())
    ]
    folder = f"events/v1/{KAFKA}/p=03"
    return {
        f"decisions/v1/{DECISIONS}/p=00/{0:020d}-g0.parquet": kept,
        f"{folder}/{40:020d}-g0.parquet": rows[:3],
        f"{folder}/{43:020d}-g0.parquet": rows[3:5],
        f"{folder}/{43:020d}-g1.parquet": rows[3:],
    }
