"""Kept: the last decisions of this process, for whoever holds their page."""

from collections import OrderedDict
from dataclasses import dataclass

from marquee_online.rank import Taste

KEPT = 1_000  # decisions, some 30 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A decision as it was logged, and what its scores can be computed from again."""

    user_id: str
    logged: bytes
    taste: Taste | None
    mix: float | None  # an experiment's, where it set one


class Kept:
    """The last KEPT decisions by id; the oldest gives way. Gone with the process."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, Made] = OrderedDict()

    def keep(self, decision_id: str, made: Made) -> None:
        self._made[decision_id] = made
        if len(self._made) > KEPT:
            self._made.popitem(last=False)

    def find(self, decision_id: str) -> Made | None:
        return self._made.get(decision_id)
