"""What only this tier raises.

MarqueeError
├── MissingJava    Spark cannot start here; says what to install
└── Refused        the gate keeps a model from serving; `--force` overrides where it says so
"""

from marquee_shared.errors import MarqueeError


class MissingJava(MarqueeError):
    """No usable Java on this machine."""


class Refused(MarqueeError):
    """A model that must not serve by its own figures."""
