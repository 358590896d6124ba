"""Follow: keep the newest readable model of a channel loaded; the last good one on any failure."""

import os
import shutil
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from marquee_shared.artifact import read_model
from marquee_shared.channel import latest, numbers, read_entry
from marquee_shared.errors import BadArtifact, BadSetting, StoreError
from marquee_shared.model import Model
from marquee_shared.store import Store
from marquee_shared.verify import smoke_query

POLL_SECONDS = 1.0
FIRST_LOOK_SECONDS = 2.0  # a start without a model is better than no start
STOP_SECONDS = 1.0  # a look at a store that does not answer takes longer than supervisors wait
Report = Callable[[str, dict[str, str]], None]


def make_cache(folder: Path) -> Path:
    """The folder for downloaded models, made if need be. Raises BadSetting."""
    try:
        (folder / "models").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(f"MARQUEE_CACHE_DIR: {folder}: {error.strerror}") from error
    return folder / "models"


class Follower:
    """Holds the serving model. `model` is swapped in one assignment; readers take it once."""

    def __init__(
        self, store: Store, channel: str, cache: Path, report: Report = lambda _event, _fields: None
    ) -> None:
        self.model: Model | None = None
        self.seq = 0  # the entry that serves
        self.refused = ""  # why the newest entry does not serve, or ''
        self._seen = 0  # the newest entry looked at
        self._verdict = ""  # why that entry was refused, or ''
        self._store = store
        self._channel = channel
        self._cache = cache
        self._report = report
        self._looked = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow", daemon=True)

    def check(self) -> bool:
        """One look at the channel; True when a new model serves from now on.

        A model that is refused is not tried again until the channel moves on. A store that does
        not answer is asked again next time.
        """
        entry = None
        try:
            entry = latest(self._store, self._channel, self._seen)
            if entry is None or entry.seq == self._seen:
                self.refused = self._verdict  # an outage in between is over
                return self.model is None and bool(self._verdict) and self._fall_back()
            model = self._load(entry.model_id)
        except BadArtifact as error:
            if entry:
                self._seen, self._verdict = entry.seq, str(error)
            self._refuse(str(error))
            return self.model is None and self._fall_back()
        except (StoreError, OSError) as error:
            self._refuse(f"store {self._store.url}: {error}")
            return False
        self._seen = entry.seq
        self.refused = self._verdict = ""
        self._swap(model, entry.seq)
        return True

    def start(self) -> None:
        """Look now, then once a second, in the background.

        Returns after the first look, or without it when that takes long.
        """
        self._thread.start()
        self._looked.wait(FIRST_LOOK_SECONDS)

    def stop(self) -> None:
        """Stop looking. A look that does not end is left behind: it changes nothing any more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        try:
            self.check()
            if self.model is None and not self.refused:
                self._report("model_missing", {"channel": self._channel, "store": self._store.url})
            self._looked.set()
            while not self._stop.wait(POLL_SECONDS):
                self.check()
        except BaseException:  # a process without a follower would serve an old model for ever
            traceback.print_exc()
            os._exit(1)

    def _fall_back(self) -> bool:
        """A process that starts at a refused entry takes the newest before it that is good."""
        try:
            earlier = [n for n in numbers(self._store, self._channel) if n != self._seen]
        except (StoreError, OSError):
            return False
        for seq in reversed(earlier):
            try:
                entry = read_entry(self._store, self._channel, seq)
                model = self._load(entry.model_id) if entry else None
            except (BadArtifact, StoreError, OSError):
                continue
            if model:
                self._swap(model, seq)
                return True
        return False

    def _swap(self, model: Model, seq: int) -> None:
        self.model, self.seq = model, seq
        self._forget_others(model.model_id)
        self._report("model_swapped", {"model_id": model.model_id, "seq": str(seq)})

    def _load(self, model_id: str) -> Model:
        if self.model is not None and self.model.model_id == model_id:
            return self.model
        model = read_model(self._store, model_id, self._cache)
        smoke_query(model)
        return model

    def _refuse(self, reason: str) -> None:
        if reason != self.refused:
            self.refused = reason
            self._report("model_refused", {"reason": reason})

    def _forget_others(self, serving: str) -> None:
        """Delete cached models but the serving one; a mapped file stays readable when unlinked."""
        for folder in self._cache.iterdir():
            if folder.is_dir() and folder.name != serving:
                shutil.rmtree(folder, ignore_errors=True)
