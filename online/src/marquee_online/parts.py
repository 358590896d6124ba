"""Parts: what the routes are given, built once by main."""

from dataclasses import dataclass, field

from marquee_online.drain import Drain
from marquee_online.learnt import Learnt
from marquee_online.produce import Sink
from marquee_online.states import States
from marquee_shared.experiment import Experiment
from marquee_shared.follow import Follower
from marquee_shared.images import ImagesOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The connections of this process, the keys of its credit tokens, and whether it leaves."""

    follower: Follower
    states: States
    events: Sink
    decisions: Sink
    learnt: Learnt
    experiments: tuple[Experiment, ...]
    images: ImagesOf
    credit_keys: dict[str, bytes] = field(repr=False)
    drain: Drain
