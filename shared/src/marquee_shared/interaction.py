"""Interaction: all that one user's events on one item amount to, as a join.

Kinds fall in three classes; a higher class hides a lower one, whatever the order of arrival:

    list      list_remove, list_add             the latest counts
    watched   play, stop, complete              the strongest counts, `at` is the newest
    verdict   thumbs_down, thumbs_up, rating    the latest counts

Within each class the rule is a maximum, so `join` is commutative, associative and idempotent:
a user's interactions do not depend on the order or the number of deliveries.
"""

from typing import NamedTuple

from marquee_shared.event import Event

LIST_REMOVE, LIST_ADD, PLAY, STOP, COMPLETE, THUMBS_DOWN, THUMBS_UP, RATING = range(1, 9)
KINDS = {
    "list_remove": LIST_REMOVE,
    "list_add": LIST_ADD,
    "play": PLAY,
    "stop": STOP,
    "complete": COMPLETE,
    "thumbs_down": THUMBS_DOWN,
    "thumbs_up": THUMBS_UP,
    "rating": RATING,
}

STRENGTH_UNIT = 1000  # strengths are integers in thousandths, so that equal means equal
PLAY_STRENGTH = 500  # a play of which we do not know the end counts as half watched


class Interaction(NamedTuple):
    """One (user, item): `kind` code, `strength` in thousandths (watched share 0..1000, rating
    500..5000, else 1000), `at` in ms since epoch."""

    kind: int
    strength: int
    at: int


def from_event(event: Event) -> Interaction | None:
    """What an event says of its item, or None: clicks and impressions are outcomes, not taste."""
    kind = KINDS.get(event.type)
    if kind is None:
        return None
    if kind == PLAY:
        strength = PLAY_STRENGTH
    elif kind == STOP:
        assert event.watched_s is not None
        assert event.runtime_s
        strength = round(STRENGTH_UNIT * event.watched_s / event.runtime_s)
    elif kind == RATING:
        assert event.rating is not None
        strength = round(STRENGTH_UNIT * event.rating)
    else:
        strength = STRENGTH_UNIT
    return Interaction(kind, strength, event.at)


def join(a: Interaction, b: Interaction) -> Interaction:
    """The one interaction that both amount to."""
    class_a, class_b = _class(a.kind), _class(b.kind)
    if class_a != class_b:
        return a if class_a > class_b else b
    if class_a == 1:
        strength, kind = max((a.strength, a.kind), (b.strength, b.kind))
        return Interaction(kind, strength, max(a.at, b.at))
    return max(a, b, key=lambda x: (x.at, x.kind, x.strength))


def _class(kind: int) -> int:
    if kind >= THUMBS_DOWN:
        return 2
    return 1 if kind >= PLAY else 0
