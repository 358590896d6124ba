"""Learn: impressions and outcomes of one partition to the bandit's sums. Pure, in the log's order.

A page's credit token says which image of which title was drawn, for whom. An impression is counted
when it was really seen, once per session and title, its reward unknown; what it earns is added when
it is reported, within the attribution window, and only what is more than was known: a click counts
once, the quality of a play up to the best share watched. A later page of the session has the title
as a repeat, without a choice: a play there earns for the first showing. Nothing waits for a timer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from marquee_shared.credit import ATTRIBUTION_MS, Credit, Credited, verify
from marquee_shared.errors import BadState, BadToken
from marquee_shared.event import OUTCOMES, Event, watched_share
from marquee_shared.fold_in import F64
from marquee_shared.ids import low_hash
from marquee_shared.images import Images
from marquee_shared.seen import (
    CLICKS_PER_HOUR,
    FULL_QUALITY,
    HOUR_MS,
    IMPRESSIONS_PER_HOUR,
    MOST,
    Showing,
    decode_seen,
    encode_seen,
    newest,
    session_of,
)
from marquee_shared.sums import Reward, Sums
from marquee_shared.taste import image_features, image_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Credible:
    """An event whose token holds."""

    event: Event
    credit: Credit
    choices: Mapping[int, Credited]  # by item

    @property
    def session(self) -> int:
        """As a showing names it."""
        return session_of(self.event.session_id)

    @property
    def now(self) -> int:
        """When it reached us, ms since epoch."""
        return self.event.accepted_at or self.event.at

    def items(self) -> tuple[int, ...]:
        """Low hashes of the items that were seen, or of the one that was played."""
        if self.event.type == "impressions":
            named = [seen.item_id for seen in self.event.seen]
        else:
            named = [self.event.item_id or ""]
        return tuple(map(low_hash, named))


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
        if not event.credit or not (event.type == "impressions" or event.type in OUTCOMES):
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


def image_keys(events: Sequence[Credible], images: Images) -> list[int]:
    """Of the images that the events may be about, ascending. An outcome may be about any of its
    title's: it earns for the one that the session showed first."""
    keys: set[int] = set()
    for one in events:
        for item in one.items():
            if item in one.choices:
                keys.add(image_key(item, one.choices[item].artwork))
            if one.event.type != "impressions":
                keys.update(images.keys(item))
    return sorted(keys)


def learn(events: Sequence[Credible], learnt: Learnt, images: Images) -> None:
    """Add the events to `learnt`, in order."""
    for one in events:
        user = one.event.user_id
        seen = newest(learnt.seen.get(user, ()), one.now - ATTRIBUTION_MS)
        for item in one.items():
            seen = _learn_item(one, item, seen, learnt, images)
        learnt.seen[user] = seen


def _learn_item(
    one: Credible, item: int, seen: tuple[Showing, ...], learnt: Learnt, images: Images
) -> tuple[Showing, ...]:
    """An impression, or an outcome: on a repeat, of what this session first showed of the item."""
    choice = one.choices.get(item)
    if choice is not None:
        seen = _see(one, choice, seen, learnt, images)
        place = _shown_by(seen, item, one.credit.decision_id)
        if place is None:  # drawn anew before the first showing was known: that one earns
            place = _shown_in(seen, item, one.session)
    else:
        place = _shown_in(seen, item, one.session)
        if place is None:  # not on that page, or shown too long ago
            learnt.counts["no_choice"] += 1
        elif one.event.type == "impressions":
            learnt.counts["repeat"] += 1
    if place is None or one.event.type == "impressions":
        return seen
    return _earn(one.event, place, seen, learnt, images)


def _see(
    one: Credible,
    choice: Credited,
    seen: tuple[Showing, ...],
    learnt: Learnt,
    images: Images,
) -> tuple[Showing, ...]:
    """Count a first showing; an outcome without one proves it."""
    if _shown_by(seen, choice.item, one.credit.decision_id) is not None:
        if one.event.type == "impressions":
            learnt.counts["seen_before"] += 1
        return seen
    if _shown_in(seen, choice.item, one.session) is not None:
        learnt.counts["repeat"] += 1
        return seen
    showing = Showing(
        item=choice.item,
        artwork=choice.artwork,
        decision_id=one.credit.decision_id,
        session=one.session,
        at=one.now,
        taste=one.credit.taste,
    )
    x = _features(showing, images)
    if x is None:
        learnt.counts["unknown_image"] += 1
        return seen
    lately = sum(s.at > one.now - HOUR_MS for s in seen)
    if lately >= IMPRESSIONS_PER_HOUR or len(seen) >= MOST:
        learnt.counts["capped"] += 1
        return seen
    learnt.sums.see(image_key(showing.item, showing.artwork), x)
    learnt.counts["impression"] += 1
    return (*seen, showing)


def _earn(
    event: Event, place: int, seen: tuple[Showing, ...], learnt: Learnt, images: Images
) -> tuple[Showing, ...]:
    """Credit an outcome to a showing, as far as it is more than was known, by the features that
    the showing was counted with, whichever page the outcome comes from."""
    known = seen[place]
    x = _features(known, images)
    if x is None:  # another model since
        learnt.counts["unknown_image"] += 1
        return seen
    clicks = sum(s.clicked and abs(s.at - known.at) < HOUR_MS for s in seen)
    if not known.clicked and clicks >= CLICKS_PER_HOUR:
        learnt.counts["capped"] += 1
        return seen
    quality = max(known.quality, round(FULL_QUALITY * (watched_share(event) or 0.0)))
    gain: dict[Reward, float] = {
        "click": float(not known.clicked),
        "quality": (quality - known.quality) / FULL_QUALITY,
    }
    learnt.counts["outcome" if any(gain.values()) else "outcome_before"] += 1
    learnt.sums.reward(image_key(known.item, known.artwork), x, gain)
    return (*seen[:place], replace(known, clicked=True, quality=quality), *seen[place + 1 :])


def _features(showing: Showing, images: Images) -> F64 | None:
    """`(FEATURES,)` of who looked before what was shown; None where the model lacks the image."""
    themes = images.themes(showing.item, showing.artwork)
    if themes is None:
        return None
    x: F64 = image_features(np.asarray(showing.taste), themes[None])[0]
    return x


def _shown_by(seen: Sequence[Showing], item: int, decision_id: str) -> int | None:
    """The place of an item's showing by a decision."""
    for place, showing in enumerate(seen):
        if showing.item == item and showing.decision_id == decision_id:
            return place
    return None


def _shown_in(seen: Sequence[Showing], item: int, session: int) -> int | None:
    """The place of an item's newest showing in a session; None where no session is given."""
    for place in range(len(seen) - 1, -1, -1) if session else ():
        if seen[place].item == item and seen[place].session == session:
            return place
    return None
