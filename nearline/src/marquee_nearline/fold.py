"""Fold a batch: events of one partition and the users' blobs in, new blobs out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from marquee_shared.errors import BadState, LaterState
from marquee_shared.event import Event
from marquee_shared.model import Model
from marquee_shared.user_state import Hops, UserState, decode_state, encode_state, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """New blob per user, and how many of the old ones could not be read."""

    blobs: dict[str, bytes]
    unreadable: int


def by_user(events: Sequence[Event]) -> dict[str, list[Event]]:
    """The events of each user, in their order."""
    users: dict[str, list[Event]] = {}
    for event in events:
        users.setdefault(event.user_id, []).append(event)
    return users


def fold_batch(
    events: Mapping[str, Sequence[Event]],
    blobs: Sequence[bytes | None],
    model: Model | None,
    *,
    consumed_at: int,
    folded_at: int,
) -> Folded:
    """Fold each user's events into the blob of the same place; times in ms since epoch."""
    result: dict[str, bytes] = {}
    unreadable = 0
    for (user, theirs), blob in zip(events.items(), blobs, strict=True):
        state, readable = _read(blob)
        unreadable += not readable
        hops = Hops(
            accepted_at=theirs[-1].accepted_at, consumed_at=consumed_at, folded_at=folded_at
        )
        result[user] = encode_state(replace(with_vector(fold(state, theirs), model), hops=hops))
    return Folded(blobs=result, unreadable=unreadable)


def with_vector(state: UserState, model: Model | None) -> UserState:
    """The state with its cache solved under this model, or empty where there is no model yet."""
    if model is None:
        return state.truth()
    vector = model.fold_in(*model.history(state.interactions))
    return replace(state, model_id=model.model_id, vector=vector)


def _read(blob: bytes | None) -> tuple[UserState, bool]:
    """An unreadable state starts anew: the archive still has it, `rebuild` brings it back."""
    try:
        return (decode_state(blob) if blob is not None else UserState()), True
    except LaterState:  # not ours to overwrite: the worker ends, and says what to upgrade
        raise
    except BadState:
        return UserState(), False
