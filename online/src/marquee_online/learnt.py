"""Learnt: what nearline has learnt of artwork, looked up in the background, never in a request."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property

import structlog

from marquee_online import metrics
from marquee_shared.bandit import POLICIES, Policy, Posterior, Prior, posterior
from marquee_shared.errors import BadState
from marquee_shared.model import Model
from marquee_shared.sums import HEAD, Reward, Sums, decode_sums, number_of

REFRESH_SECONDS = 1.0  # as often as nearline publishes
log = structlog.get_logger()
Fetch = Callable[[int | None], Awaitable[bytes | None]]


class Beliefs:
    """The posteriors of one snapshot, each solved when it is first asked for."""

    def __init__(self, sums: Sums, priors: Mapping[str, Prior]) -> None:
        self._sums = sums
        self._priors = priors

    @cached_property
    def click(self) -> Posterior:
        return posterior(self._sums, "click", self._priors.get("click"))

    @cached_property
    def quality(self) -> Posterior:
        return posterior(self._sums, "quality", self._priors.get("quality"))

    def policy(self, name: str, reward: Reward) -> Policy:
        """Raises KeyError for a policy that there is none of."""
        return POLICIES[name](self.click if reward == "click" else self.quality)


class Learnt:
    """Holds the newest snapshot's beliefs; the last good ones on any failure."""

    def __init__(self, fetch: Fetch, serving: Callable[[], Model | None]) -> None:
        self.beliefs = Beliefs(Sums(), {})
        self._sums = Sums()
        self._model_id = ""
        self._fetch = fetch
        self._serving = serving
        self._number = -1
        self._refused = ""

    async def refresh(self) -> None:
        """One look; new sums or a new model's priors are solved outside the event loop."""
        model = self._serving()
        model_id = model.model_id if model else ""
        if not await self._look() and model_id == self._model_id:
            return
        beliefs = Beliefs(self._sums, model.priors if model else {})
        await asyncio.to_thread(lambda: (beliefs.click, beliefs.quality))
        self.beliefs, self._model_id = beliefs, model_id
        metrics.ARTWORK.set(beliefs.click.impressions)

    async def _look(self) -> bool:
        """True when there are other sums than before; unreadable ones are said once."""
        number = number_of(await self._fetch(HEAD) or b"")
        if number in (-1, self._number):
            return False
        data = await self._fetch(None)
        if data is None:
            return False
        try:
            self._sums = decode_sums(data)
        except BadState as error:
            if str(error) != self._refused:
                log.warning("artwork_refused", why=str(error))
            self._refused = str(error)
            return False
        self._number, self._refused = number, ""
        return True

    async def keep_fresh(self) -> None:
        """Look for ever."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)
