"""Learnt: what nearline has learnt of artwork, looked up in the background, never in a request."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from marquee_online import metrics
from marquee_shared.bandit import POLICIES, Policy
from marquee_shared.errors import BadState
from marquee_shared.model import Model
from marquee_shared.posterior import Prior, posterior
from marquee_shared.sums import HEAD, REWARDS, Reward, Sums, decode_sums, number_of

REFRESH_SECONDS = 1.0  # as often as nearline publishes
log = structlog.get_logger()
Fetch = Callable[[int | None], Awaitable[bytes | None]]
Policies = Mapping[tuple[str, Reward], Policy]  # by policy name and what it is to raise


def policies(sums: Sums, priors: Mapping[str, Prior]) -> Policies:
    """Every policy, after what was learnt."""
    known = {reward: posterior(sums, reward, priors.get(reward)) for reward in REWARDS}
    return {
        (name, reward): make(known[reward]) for name, make in POLICIES.items() for reward in REWARDS
    }


class Learnt:
    """Holds the policies of the newest snapshot; of the last good one on any failure."""

    def __init__(self, fetch: Fetch, serving: Callable[[], Model | None]) -> None:
        self._sums = Sums()
        self.policies = policies(self._sums, {})
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
        priors = model.priors if model else {}
        self.policies = await asyncio.to_thread(policies, self._sums, priors)
        self._model_id = model_id
        metrics.ARTWORK.set(self._sums.impressions)

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
