"""What only nearline reacts to.

MarqueeError
├── Interrupted        drop what is in hand and start again from the stored offset
│   └── StateUnavailable   Redis does not answer; the same, after a wait
└── Unrecoverable      a person must act (the message says how); the process ends
"""

from marquee_shared.errors import MarqueeError


class Interrupted(MarqueeError):
    """This session is over; nothing was lost, the next starts from the stored offset."""


class StateUnavailable(Interrupted):
    """Redis did not answer, or lost its connection."""


class Unrecoverable(MarqueeError):
    """Going on would lose or double something."""
