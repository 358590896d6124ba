"""Learn: impressions and outcomes of one partition to the bandit's sums. Pure, in the log's order.

A page's credit token says which image of which title was drawn, for whom. An impression is counted
when it was really seen, once per session and title, its reward unknown; what it earns is added when
it is reported, within the attribution window, and only what is more than was known: a click counts
once, the quality of a play up to the best share watched. Nothing waits for a timer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from marquee_shared.credit import ATTRIBUTION_MS, Credit, Credited, verify
from marquee_shared.errors import BadState, BadToken
from marquee_shared.event import Event
from marquee_shared.fold_in import F64
from marquee_shared.ids import event_hash, item_hash
from marquee_shared.images import LOW, Images
from marquee_shared.seen import (
    CLICKS_PER_HOUR,
    FULL_QUALITY,
    HOUR_MS,
    IMPRESSIONS_PER_HOUR,
    Showing,
    decode_seen,
    encode_seen,
    newest,
)
from marquee_shared.sums import Sums
from marquee_shared.taste import image_features, image_key

PLAYS = frozenset({"click", "play", "stop", "complete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Credible:
    """An event whose token holds."""

    event: Event
    credit: Credit
    choices: Mapping[int, Credited]  # by item

    def images(self) -> Iterable[int]:
        """The keys of the images that it may be about."""
        for item in self.items():
            if item in self.choices:
                yield image_key(item, self.choices[item].artwork)

    def items(self) -> tuple[int, ...]:
        """Low hashes of the items that were seen, or of the one that was played."""
        if self.event.type == "impressions":
            named = [seen.item_id for seen in self.event.seen]
        else:
            named = [self.event.item_id or ""]
        return tuple(item_hash(item) & LOW for item in named)


@dataclass(slots=True)
class Learnt:
    """What a batch did, to be written with its offset: the sums, and what each user has seen."""

    sums: Sums
    seen: dict[str, tuple[Showing, ...]]
    counts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, sums: Sums, seen: Mapping[str, bytes | None], refused: Counter[str]) -> "Learnt":
        """From what Redis holds; what cannot be read of a user's showings is forgotten."""
        learnt = cls(sums, {}, refused)
        for user, blob in seen.items():
            try:
                learnt.seen[user] = decode_seen(blob)
            except BadState:
                learnt.counts["unreadable"] += 1
        return learnt

    def blobs(self) -> dict[str, bytes]:
        """What each user has seen, for Redis."""
        return {user: encode_seen(showings) for user, showings in self.seen.items()}


def credible(
    events: Sequence[Event], keys: Mapping[str, bytes]
) -> tuple[list[Credible], Counter[str]]:
    """The events that may teach, in order, and how many tokens were refused for what."""
    found, refused = [], Counter[str]()
    for event in events:
        if not event.credit or not (event.type == "impressions" or event.type in PLAYS):
            continue
        now = event.accepted_at or event.at
        try:
            credit = verify(
                event.credit, keys, user_id=event.user_id, now_ms=now, window_ms=ATTRIBUTION_MS
            )
        except BadToken as error:
            refused[error.reason] += 1
            continue
        choices = {choice.item: choice for choice in credit.choices}
        found.append(Credible(event=event, credit=credit, choices=choices))
    return found, refused


def learn(events: Sequence[Credible], learnt: Learnt, images: Images | None) -> None:
    """Add the events to `learnt`, in order. Without a model nothing is known of any image."""
    for one in events:
        user = one.event.user_id
        now = one.event.accepted_at or one.event.at
        seen = newest(learnt.seen.get(user, ()), now - ATTRIBUTION_MS)
        for item in one.items():
            seen = _learn_item(one, item, now, seen, learnt, images)
        learnt.seen[user] = seen


def _learn_item(
    one: Credible,
    item: int,
    now: int,
    seen: tuple[Showing, ...],
    learnt: Learnt,
    images: Images | None,
) -> tuple[Showing, ...]:
    choice = one.choices.get(item)
    if choice is None:  # not on that page, or a repeat within the session: it teaches nothing
        learnt.counts["no_choice"] += 1
        return seen
    themes = images.themes(item, choice.artwork) if images else None
    if themes is None:
        learnt.counts["unknown_image"] += 1
        return seen
    x = image_features(np.asarray(one.credit.taste), themes[None])[0]
    seen = _see(one, choice, now, seen, learnt, x)
    return seen if one.event.type == "impressions" else _earn(one, choice, seen, learnt, x)


def _see(
    one: Credible, choice: Credited, now: int, seen: tuple[Showing, ...], learnt: Learnt, x: F64
) -> tuple[Showing, ...]:
    """Count a first showing; an outcome without one proves it."""
    session = event_hash(one.event.session_id) if one.event.session_id else 0
    if _place(seen, choice.item, one.credit.decision_id) is not None:
        if one.event.type == "impressions":
            learnt.counts["seen_before"] += 1
        return seen
    if session and any(s.item == choice.item and s.session == session for s in seen):
        learnt.counts["repeat"] += 1
        return seen
    if sum(s.at > now - HOUR_MS for s in seen) >= IMPRESSIONS_PER_HOUR:
        learnt.counts["capped"] += 1
        return seen
    learnt.sums.see(image_key(choice.item, choice.artwork), x)
    learnt.counts["impression"] += 1
    showing = Showing(
        item=choice.item,
        artwork=choice.artwork,
        decision_id=one.credit.decision_id,
        session=session,
        at=now,
    )
    return newest((*seen, showing), now - ATTRIBUTION_MS)


def _earn(
    one: Credible, choice: Credited, seen: tuple[Showing, ...], learnt: Learnt, x: F64
) -> tuple[Showing, ...]:
    """Credit an outcome to the choice that was served, as far as it is more than was known."""
    place = _place(seen, choice.item, one.credit.decision_id)
    if place is None:  # a repeat, or capped above
        return seen
    known = seen[place]
    clicks = sum(s.clicked and abs(s.at - known.at) < HOUR_MS for s in seen)
    if not known.clicked and clicks >= CLICKS_PER_HOUR:
        learnt.counts["capped"] += 1
        return seen
    quality = max(known.quality, _quality(one.event))
    gain = {
        "click": float(not known.clicked),
        "quality": (quality - known.quality) / FULL_QUALITY,
    }
    learnt.counts["outcome" if any(gain.values()) else "outcome_before"] += 1
    learnt.sums.reward(
        image_key(choice.item, choice.artwork),
        x,
        {"click": gain["click"], "quality": gain["quality"]},
    )
    return (*seen[:place], replace(known, clicked=True, quality=quality), *seen[place + 1 :])


def _place(seen: Sequence[Showing], item: int, decision_id: str) -> int | None:
    for place, showing in enumerate(seen):
        if showing.item == item and showing.decision_id == decision_id:
            return place
    return None


def _quality(event: Event) -> int:
    """The share of the title that was watched, of FULL_QUALITY."""
    if event.type == "complete":
        return FULL_QUALITY
    if event.type == "stop" and event.watched_s is not None and event.runtime_s:
        return round(FULL_QUALITY * min(1.0, event.watched_s / event.runtime_s))
    return 0
