"""What a page knows of its user before it is made."""

import asyncio

import pytest
from models import small_model

from marquee_online.page import Artwork, Ask, Known, decide, know
from marquee_online.states import Found
from marquee_shared.bandit import POLICIES
from marquee_shared.context import Context
from marquee_shared.credit import ATTRIBUTION_MS
from marquee_shared.ids import event_hash, low_hash
from marquee_shared.images import Images
from marquee_shared.posterior import posterior
from marquee_shared.seen import Showing
from marquee_shared.sums import Sums


class Remembered:
    """States of a user who has looked at images and played nothing."""

    def __init__(self, *seen: Showing) -> None:
        self.seen = seen

    async def read(self, user_id: str) -> Found:
        return Found(None, self.seen)


def test_a_visitor_who_sends_items_along_keeps_the_images_of_the_session():
    showing = Showing(item=1, artwork=0, decision_id="d1", session=7, at=1, taste=())
    ask = Ask(decision_id="d2", at=2, context=Context(), user_id="u1", items=("m0",))

    known = asyncio.run(know(Remembered(showing), ask))

    assert known.basis == "request_items"
    assert known.seen == (showing,)


def choices(seen):
    """What a visitor of session s1 with these showings gets at 10 h, by item."""
    ask = Ask(decision_id="d2", at=36_000_000, context=Context(), user_id="u1", session_id="s1")
    policy = POLICIES["lin-ts/1"](posterior(Sums(), "click"))
    artwork = Artwork(images=Images(small_model()), policy=policy, reward="click", seed=1)
    known = Known(state=None, basis="popular", seen=seen)
    decided = decide(artwork.images.model, ask, known, artwork)
    return {choice.item_id: choice for row in decided.decision.rows for choice in row.items}


@pytest.mark.parametrize(("age", "kept"), [(ATTRIBUTION_MS, True), (ATTRIBUTION_MS + 1, False)])
def test_a_session_keeps_an_image_for_as_long_as_it_may_earn(age, kept):
    item = next(iter(choices(())))
    showing = Showing(
        item=low_hash(item),
        artwork=1,
        decision_id="d1",
        session=event_hash("s1"),
        at=36_000_000 - age,
        taste=(),
    )

    assert choices((showing,))[item].repeat_of == ("d1" if kept else None)


def test_a_distribution_is_logged_as_it_was_drawn_from():
    logged = [choice.distribution for choice in choices(()).values()]

    assert any(p != round(p, 6) for distribution in logged for p in distribution)
    for distribution in logged:
        assert sum(distribution) == pytest.approx(1, abs=1e-12)
