"""Per model: what is made of every item of the serving model, at the first question for it."""

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from marquee_shared.model import Model

T = TypeVar("T")


class PerModel(Generic[T]):
    """Makes it once per model, outside the event loop; the last model's is kept."""

    def __init__(self, make: Callable[[Model], T]) -> None:
        self._make = make
        self._last: tuple[Model, T] | None = None
        self._lock = threading.Lock()

    async def __call__(self, model: Model) -> T:
        last = self._last
        if last is not None and last[0] is model:
            return last[1]
        return await asyncio.to_thread(self._of, model)

    def _of(self, model: Model) -> T:
        with self._lock:
            if self._last is None or self._last[0] is not model:
                self._last = model, self._make(model)
            return self._last[1]
