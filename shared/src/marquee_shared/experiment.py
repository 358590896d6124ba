"""Experiments: which arm a user is in, by salted hash, and what the arms choose.

One TOML file, the same for every process. An assignment needs no table and no clock but the
request's: whoever has the file can tell every user's arm.
"""

import hashlib
import math
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import combinations
from typing import Annotated, Literal

import msgspec

from marquee_shared.errors import BadSetting

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}\Z"  # names are keys in decisions and in reports
SALT_PATTERN = r"^[A-Za-z0-9._-]{1,64}\Z"  # no '/': it parts the salt from the user
POLICY_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}/[1-9][0-9]{0,5}\Z"  # name/version
MAX_BYTES = 262_144  # thousands of experiments; a larger file is some other file
SETTINGS = ("artwork", "reward", "mix")

Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]
Reward = Literal["click", "quality"]


class Arm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way of treating users. What it leaves out stays as it is for everybody."""

    name: Name
    weight: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 1.0  # against the other arms
    artwork: Annotated[str, msgspec.Meta(pattern=POLICY_PATTERN)] | None = None
    reward: Reward | None = None  # what the artwork policy is to raise
    mix: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None  # instead of the manifest's


class Experiment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A comparison of arms: from `start` 00:00 UTC, included, to `end` 00:00 UTC, excluded."""

    name: Name
    salt: Annotated[str, msgspec.Meta(pattern=SALT_PATTERN)]
    start: date
    end: date
    share: Annotated[float, msgspec.Meta(ge=0, le=1)]  # of all users
    arms: Annotated[tuple[Arm, ...], msgspec.Meta(min_length=2, max_length=100)]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    v: Literal[1] = 1
    experiment: tuple[Experiment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a user's arms choose; None where no arm says anything."""

    artwork: str | None = None  # policy, with its version
    reward: Reward | None = None
    mix: float | None = None


def read_experiments(
    data: bytes, policies: Collection[str] | None = None
) -> tuple[Experiment, ...]:
    """The experiments of a TOML file, in its order.

    Raises BadSetting naming the key. `policies`, where given, are the artwork policies there are.
    """
    if len(data) > MAX_BYTES:
        raise BadSetting(f"more than {MAX_BYTES} bytes")
    try:
        raw = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSetting(f"is no TOML: {error}") from error
    try:
        found = msgspec.convert(raw, type=_File).experiment
    except msgspec.ValidationError as error:
        raise BadSetting(_named(str(error))) from None
    for number, experiment in enumerate(found):
        _check(f"experiment[{number}]", experiment, policies)
    _check_together(found)
    return found


def arm_of(experiment: Experiment, user_id: str, now_ms: int) -> Arm | None:
    """The user's arm; None outside the dates and for users outside the share.

    SHA-256 over `<salt>/<user_id>`: its first 8 bytes (big-endian, over 2^64) decide whether the
    user takes part, the next 8 which arm. So a larger share moves nobody to another arm.
    """
    if not _midnight(experiment.start) <= now_ms < _midnight(experiment.end):
        return None
    digest = hashlib.sha256(f"{experiment.salt}/{user_id}".encode()).digest()
    if _unit(digest[:8]) >= experiment.share:
        return None
    left = _unit(digest[8:16]) * math.fsum(arm.weight for arm in experiment.arms)
    for arm in experiment.arms:
        if left < arm.weight:
            return arm
        left -= arm.weight
    return experiment.arms[-1]  # rounding of the last sum


def arms_of(experiments: Sequence[Experiment], user_id: str | None, now_ms: int) -> dict[str, str]:
    """`Decision.arms`: experiment -> arm, of those the user is in. Nobody has no arms."""
    if user_id is None:
        return {}
    arms = ((e.name, arm_of(e, user_id, now_ms)) for e in experiments)
    return {name: arm.name for name, arm in arms if arm}


def chosen(experiments: Sequence[Experiment], arms: Mapping[str, str]) -> Chosen:
    """What the arms choose. An arm that the file does not know chooses nothing."""
    said = {
        setting: value
        for experiment in experiments
        for arm in experiment.arms
        if arms.get(experiment.name) == arm.name
        for setting in SETTINGS
        if (value := getattr(arm, setting)) is not None
    }
    return Chosen(**said)


def _check(where: str, experiment: Experiment, policies: Collection[str] | None) -> None:
    if experiment.end <= experiment.start:
        raise BadSetting(f"{where}.end: {experiment.end} is not after start, {experiment.start}")
    seen: set[str] = set()
    for number, arm in enumerate(experiment.arms):
        if arm.name in seen:
            raise BadSetting(f"{where}.arms[{number}].name: {arm.name} stands twice")
        if policies is not None and arm.artwork is not None and arm.artwork not in policies:
            known = ", ".join(sorted(policies))
            raise BadSetting(f"{where}.arms[{number}].artwork: no such policy; there are {known}")
        seen.add(arm.name)


def _check_together(experiments: Sequence[Experiment]) -> None:
    """Names and salts stand once, and at no time do two experiments choose the same setting."""
    for (_, one), (number, two) in combinations(enumerate(experiments), 2):
        where = f"experiment[{number}]"
        if one.name == two.name:
            raise BadSetting(f"{where}.name: {two.name} stands twice")
        if one.salt == two.salt:
            raise BadSetting(f"{where}.salt: {one.name} has the same, so their arms are not apart")
        both = set(_settings(one)) & set(_settings(two))
        if both and one.start < two.end and two.start < one.end:
            raise BadSetting(f"{where}.arms: {min(both)} is set by {one.name} in the same days")


def _settings(experiment: Experiment) -> Iterator[str]:
    return (s for arm in experiment.arms for s in SETTINGS if getattr(arm, s) is not None)


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _unit(data: bytes) -> float:
    return float(int.from_bytes(data, "big") / 2**64)


def _named(message: str) -> str:
    """`Expected ... - at `$.experiment[0].share`` with the key in front."""
    reason, _, path = message.rpartition(" - at `$.")
    return f"{path.rstrip('`')}: {reason}" if reason else message
