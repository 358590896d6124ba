"""Learnt: what nearline has learnt of artwork, looked up in the background, never in a request."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property

import structlog

from marquee_online import metrics
from marquee_shared.bandit import POLICIES, Policy, Posterior, posterior
from marquee_shared.errors import BadState
from marquee_shared.sums import HEAD, Reward, Sums, decode_sums, number_of

REFRESH_SECONDS = 1.0  # as often as nearline publishes
log = structlog.get_logger()
Fetch = Callable[[int | None], Awaitable[bytes | None]]


class Beliefs:
    """The posteriors of one snapshot, each solved when it is first asked for."""

    def __init__(self, sums: Sums) -> None:
        self._sums = sums

    @cached_property
    def click(self) -> Posterior:
        return posterior(self._sums, "click")

    @cached_property
    def quality(self) -> Posterior:
        return posterior(self._sums, "quality")

    def policy(self, name: str, reward: Reward) -> Policy:
        """Raises KeyError for a policy that there is none of."""
        return POLICIES[name](self.click if reward == "click" else self.quality)


class Learnt:
    """Holds the newest snapshot's beliefs; the last good ones on any failure."""

    def __init__(self, fetch: Fetch) -> None:
        self.beliefs = Beliefs(Sums())
        self._fetch = fetch
        self._number = -1
        self._refused = ""

    async def refresh(self) -> None:
        """One look; solves the new posteriors outside the event loop."""
        number = number_of(await self._fetch(HEAD) or b"")
        if number in (-1, self._number):
            return
        data = await self._fetch(None)
        if data is None:
            return
        try:
            beliefs = Beliefs(decode_sums(data))
        except BadState as error:
            if str(error) != self._refused:
                log.warning("artwork_refused", why=str(error))
            self._refused = str(error)
            return
        await asyncio.to_thread(lambda: (beliefs.click, beliefs.quality))
        self.beliefs, self._number, self._refused = beliefs, number, ""
        metrics.ARTWORK.set(beliefs.click.impressions)

    async def keep_fresh(self) -> None:
        """Look for ever."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)
