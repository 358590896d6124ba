"""Object store: immutable objects by create-only PUT. `file://` and `s3://` through obstore."""

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import obstore
from obstore import exceptions as oe
from obstore.store import LocalStore, S3Store

from marquee_shared.errors import AlreadyExists, BadSetting, NotFound, StoreError, UnsafeStore

PROBE_WRITERS = 8  # parallel creates of one key, of which exactly one may win
MAX_KEY = 1024  # bytes; S3's own limit
# A dead endpoint is a StoreError after some 10 s; the library's defaults would take 3 minutes.
CONNECT = timedelta(seconds=2)  # a server that is there answers within a round trip or two
RETRY = timedelta(seconds=8)  # no try begins later; every caller asks again after a StoreError
MAX_BACKOFF = timedelta(seconds=1)  # between two tries
SILENCE = timedelta(seconds=30)  # no byte received; so an upload may take no longer either
REQUEST = timedelta(hours=1)  # a large part on a slow line, as long as bytes keep coming


class Store:
    """One bucket or folder. Keys are relative, '/'-separated; '..' is refused as StoreError."""

    def __init__(self, url: str) -> None:
        """Open `file:///folder` or `s3://bucket/prefix`.

        S3 takes its endpoint and credentials from AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID
        and AWS_SECRET_ACCESS_KEY. Raises BadSetting naming MARQUEE_STORE.
        """
        self.url = url
        self._store = _open(url)

    def create(self, key: str, data: bytes) -> None:
        """Write an object that must not exist yet. Raises AlreadyExists, StoreError."""
        try:
            with _translated(key):
                obstore.put(self._store, key, data, mode="create", use_multipart=False)
        except NotFound as error:
            raise StoreError(f"{self.url}: there is no such bucket") from error

    def put_hint(self, key: str, data: bytes) -> None:
        """Overwrite a hint: the only kind of object that may change."""
        with _translated(key):
            obstore.put(self._store, key, data)

    def size(self, key: str) -> int:
        """Bytes of an object. Raises NotFound, StoreError."""
        with _translated(key):
            return int(obstore.head(self._store, key)["size"])

    def get(self, key: str) -> bytes:
        """The whole object. Raises NotFound, StoreError."""
        with _translated(key):
            return bytes(obstore.get(self._store, key).bytes())

    def stream(self, key: str) -> Iterator[bytes]:
        """The object in chunks. Raises NotFound, StoreError, also midway."""
        with _translated(key):
            for chunk in obstore.get(self._store, key).stream():
                yield bytes(chunk)

    def list(self, prefix: str) -> list[str]:
        """All keys below a prefix (which ends at a '/'), sorted."""
        with _translated(prefix):
            pages = obstore.list(self._store, prefix.rstrip("/"))
            return sorted(str(item["path"]) for page in pages for item in page)

    def delete(self, key: str) -> None:
        """Remove an object, if there is one; only the compaction and erasure role may.

        Raises StoreError.
        """
        with suppress(NotFound), _translated(key):  # S3 does not tell what was never there
            obstore.delete(self._store, key)

    def probe(self) -> None:
        """Prove that create-only PUT is honoured. Raises UnsafeStore, StoreError.

        Some stores accept `If-None-Match: *` and ignore it: every racer then "wins".
        """
        key = f"probe/{secrets.token_hex(16)}"

        def won(writer: int) -> bool:
            try:
                self.create(key, str(writer).encode())
            except AlreadyExists:
                return False
            return True

        with ThreadPoolExecutor(PROBE_WRITERS) as pool:
            winners = sum(pool.map(won, range(PROBE_WRITERS)))
        with suppress(StoreError):  # a role that may not delete leaves a few bytes behind
            self.delete(key)
        if winners != 1:
            raise UnsafeStore(
                f"{self.url} let {winners} of {PROBE_WRITERS} racing creates of one key succeed. "
                "It ignores conditional writes, so nothing may be published to it. Use a store "
                "that honours If-None-Match (versitygw needs --sidecar or xattrs, not --nometa)."
            )


def _open(url: str) -> Any:  # noqa: ANN401 obstore's own union of stores is not exported
    parts = urlparse(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        folder = Path(unquote(parts.path))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(f"MARQUEE_STORE: cannot use {folder}: {error.strerror}") from error
        return LocalStore(folder)
    if parts.scheme == "s3" and parts.netloc:
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "https://")
        if not endpoint.startswith(("http://", "https://")):
            raise BadSetting("AWS_ENDPOINT_URL: expected http:// or https://")
        return S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={
                "allow_http": True,
                "connect_timeout": CONNECT,
                "read_timeout": SILENCE,
                "timeout": REQUEST,
            },
            retry_config={"retry_timeout": RETRY, "backoff": {"max_backoff": MAX_BACKOFF}},
        )
    raise BadSetting("MARQUEE_STORE: expected file:///folder or s3://bucket/prefix")


@contextmanager
def _translated(key: str) -> Iterator[None]:
    segments = key.removesuffix("/").split("/") if key else []
    bad = any(segment in ("", ".", "..") for segment in segments)
    if bad or not key.isprintable() or len(key.encode()) > MAX_KEY:
        raise StoreError(f"{key!r}: not a key")
    try:
        yield
    except (oe.NotFoundError, FileNotFoundError) as error:
        raise NotFound(key) from error
    except (oe.AlreadyExistsError, oe.PreconditionError, FileExistsError) as error:
        raise AlreadyExists(key) from error
    except (oe.BaseError, OSError) as error:
        said = str(error).partition("\n\nDebug source")[0]  # the library adds a page of structs
        raise StoreError(f"{key}: {said}") from error
