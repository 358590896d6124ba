"""One class for each different reaction.

MarqueeError
├── BadInput       a value from outside is wrong: 422 over HTTP, dead letter on the topic
├── BadSetting     refuse to start; names the variable
├── BadToken       a credit token is forged, expired or foreign: no credit, counted
├── BadState       a user's blob fails its checks: treated as absent, counted, rebuilt
│   └── LaterState      a later version wrote it: never overwritten, the reader is to be upgraded
├── BadArtifact    a model is refused; the last good one keeps serving
└── StoreError     the object store did not answer as asked
    ├── NotFound         no such object: often an ordinary answer
    ├── AlreadyExists    a create-only PUT lost: somebody else was first
    └── UnsafeStore      the store ignores conditional writes: nothing may be published there
"""


class MarqueeError(Exception):
    """Root of everything Marquee raises on purpose."""


class BadInput(MarqueeError):
    """A field of an event, request or file is wrong. The message never holds the value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class BadSetting(MarqueeError):
    """A setting is missing, unknown or wrong; the message names the variable."""


class BadToken(MarqueeError):
    """A credit token that earns no credit; `reason` is one word, to be counted by."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class BadState(MarqueeError):
    """A user's blob is truncated, corrupt or of an unknown version."""


class LaterState(BadState):
    """A user's blob is whole, and of a version that this reader does not know."""


class BadArtifact(MarqueeError):
    """A model that must not serve; the message says which check failed."""


class StoreError(MarqueeError):
    """The object store failed in a way that a later try may mend."""


class NotFound(StoreError):
    """The object does not exist."""


class AlreadyExists(StoreError):
    """The object exists, and was to be created."""


class UnsafeStore(StoreError):
    """The store accepts conditional writes and ignores them."""
