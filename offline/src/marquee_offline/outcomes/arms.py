"""Arm outcomes: what an experiment's arms changed, and whether their sizes may be believed."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from marquee_offline.outcomes.interval import (
    F64,
    MISMATCH,
    bootstrap_share,
    from_draws,
    minus,
    sample_ratio_p,
)
from marquee_offline.outcomes.retention import ArmUsers, Counted, Returned
from marquee_shared.errors import BadInput
from marquee_shared.experiment import Experiment
from marquee_shared.manifest import Metric

CONTROL = "control"  # the arm to compare with where no file says which one comes first
JOIN = "="  # between experiment and arm; in the name of neither


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """Outcomes of the impressions that share one value, such as `device` = `tv`."""

    value: str
    impressions: int
    users: int
    ctr: Metric  # clicks per impression
    # Watched share per impression, 0 where nothing was watched; None where none of them is known.
    quality: Metric | None


class ReturnShare(msgspec.Struct, frozen=True, kw_only=True):
    """Day N of one arm: of the users whose day N is over, the share seen on it."""

    day: int
    users: int
    returned: int
    open: int  # left out: their day N is not over
    share: Metric | None  # None without users


class ArmOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One arm; `minus_control` has its differences, and is empty for the control arm itself."""

    arm: str
    users: int
    expected_share: float
    shown: Cell | None  # None without an impression whose outcome is known
    days: tuple[ReturnShare, ...]
    minus_control: dict[str, Metric] = {}  # ctr, quality, `day N return`


class ExperimentOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment as the log has it; its first arm is the control."""

    experiment: str
    arms: tuple[ArmOutcome, ...]
    moved: int  # users seen in several arms: left out of sample ratio and retention
    weights: str  # where the expected shares come from: `file`, or `equal`
    sample_ratio_p: float
    sample_ratio_mismatch: bool  # then no difference of these arms may be believed


def judge(
    counted: Counted,
    shown: Mapping[str, Cell],
    experiments: Sequence[Experiment],
    rng: np.random.Generator,
) -> Iterator[ExperimentOutcome]:
    """Each experiment that the log knows, by name. `shown` is by `experiment=arm`.

    Raises BadInput where the log has an arm that the file's experiment of that name has not.
    """
    in_file = {experiment.name: experiment for experiment in experiments}
    for name in sorted({a.experiment for a in counted.arms} | set(counted.moved)):
        users = {a.arm: a for a in counted.arms if a.experiment == name}
        weights = _weights(name, users, in_file.get(name))
        p = sample_ratio_p({arm: u.users for arm, u in users.items()}, weights)
        yield ExperimentOutcome(
            experiment=name,
            arms=tuple(_arms(name, users, weights, shown, rng)),
            moved=counted.moved.get(name, 0),
            weights="file" if name in in_file else "equal",
            sample_ratio_p=p,
            sample_ratio_mismatch=p < MISMATCH,
        )


def _weights(
    name: str, users: Mapping[str, ArmUsers], experiment: Experiment | None
) -> dict[str, float]:
    """Arm -> weight, the control first."""
    if experiment is None:
        return dict.fromkeys(sorted(users, key=lambda arm: (arm != CONTROL, arm)), 1.0)
    weights = {arm.name: arm.weight for arm in experiment.arms}
    if unknown := sorted(set(users) - set(weights)):
        raise BadInput(f"experiment {name}", f"the log has arm {unknown[0]}, the file has not")
    return weights


def _arms(
    name: str,
    users: Mapping[str, ArmUsers],
    weights: Mapping[str, float],
    shown: Mapping[str, Cell],
    rng: np.random.Generator,
) -> Iterator[ArmOutcome]:
    control: ArmOutcome | None = None
    control_draws: dict[int, F64] = {}
    for arm, weight in weights.items():
        counts = users[arm].days if arm in users else ()
        draws = {c.day: bootstrap_share(c.returned, c.closed, rng) for c in counts if c.closed}
        outcome = ArmOutcome(
            arm=arm,
            users=users[arm].users if arm in users else 0,
            expected_share=weight / sum(weights.values()),
            shown=shown.get(f"{name}{JOIN}{arm}"),
            days=tuple(_share(count, draws.get(count.day)) for count in counts),
        )
        if control is None:
            control, control_draws = outcome, draws
            yield outcome
        else:
            apart = {n: draws[n] - control_draws[n] for n in draws if n in control_draws}
            differences = {**_shown_minus(outcome, control), **_days_minus(outcome, control, apart)}
            yield msgspec.structs.replace(outcome, minus_control=differences)


def _share(count: Returned, draws: F64 | None) -> ReturnShare:
    return ReturnShare(
        day=count.day,
        users=count.closed,
        returned=count.returned,
        open=count.open,
        share=None if draws is None else from_draws(count.returned / count.closed, draws),
    )


def _shown_minus(outcome: ArmOutcome, control: ArmOutcome) -> dict[str, Metric]:
    one, other = outcome.shown, control.shown
    if one is None or other is None:
        return {}
    found = {"ctr": minus(one.ctr, other.ctr)}
    if one.quality and other.quality:
        found["quality"] = minus(one.quality, other.quality)
    return found


def _days_minus(
    outcome: ArmOutcome, control: ArmOutcome, apart: Mapping[int, F64]
) -> dict[str, Metric]:
    one, other = (
        {d.day: d.returned / d.users for d in o.days if d.users} for o in (outcome, control)
    )
    return {f"day {n} return": from_draws(one[n] - other[n], apart[n]) for n in apart}
