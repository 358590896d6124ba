"""What a page knows of its user before it is made."""

import asyncio

from marquee_online.page import Ask, know
from marquee_online.states import Found
from marquee_shared.context import Context
from marquee_shared.seen import Showing


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
