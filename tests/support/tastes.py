"""Small histories for tests of the trainer."""

from datetime import UTC, datetime

import numpy as np

from marquee_offline.histories import UserEvents
from marquee_shared.event import Event
from marquee_shared.interaction import COMPLETE, RATING, Interaction

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def rating(user: str, item: str, stars: float, at: int = 0) -> Event:
    return Event(
        event_id=f"{user}-{item}-{at}-{stars}",
        user_id=user,
        item_id=item,
        type="rating",
        at=at,
        rating=stars,
    )


def two_tastes(n_users: int, n_items: int, seed: int) -> list[Event]:
    """Users who each like one half of the items, and dislike an item here and there."""
    rng = np.random.default_rng(seed)
    events = []
    for user in range(n_users):
        own = [i for i in range(n_items) if i % 2 == user % 2]
        liked = rng.choice(own, rng.integers(4, len(own)), replace=False).tolist()
        events += [rating(f"u{user}", f"i{i:03d}", 5, at) for at, i in enumerate(liked)]
        other = int(rng.choice([i for i in range(n_items) if i % 2 != user % 2]))
        events.append(rating(f"u{user}", f"i{other:03d}", 2, 1))
    return events


def said(user: str, *entries: tuple[int, float, int], simulated: bool = False) -> UserEvents:
    """Ratings (row, stars, at) of one user, without context."""
    return UserEvents(
        user=user,
        simulated=simulated,
        rows=[row for row, _, _ in entries],
        said=[Interaction(RATING, round(1000 * stars), at) for _, stars, at in entries],
        codes=[()] * len(entries),
    )


def watched(user: str, *entries: tuple[int, int, tuple[int, ...]]) -> UserEvents:
    """Completed films (row, at, context codes) of one user."""
    return UserEvents(
        user=user,
        simulated=False,
        rows=[row for row, _, _ in entries],
        said=[Interaction(COMPLETE, 1000, at) for _, at, _ in entries],
        codes=[codes for _, _, codes in entries],
    )
