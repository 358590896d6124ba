"""Context: the closed set of circumstances that may move a page."""

import re
from datetime import datetime

import msgspec

OTHER = "other"  # any value outside the schema, and 'not known': has no learnt effect

VALUES: dict[str, tuple[str, ...]] = {
    "device": ("tv", "phone", "tablet", "web"),
    "daypart": ("morning", "day", "evening", "night"),
    "weekday": ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
}
FIELDS = (*VALUES, "country")
_COUNTRY = re.compile(r"[A-Z]{2}")  # ISO 3166-1 alpha-2; which of them have an effect, data says


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When and where a request or an event happened, as far as it is known."""

    device: str = OTHER
    daypart: str = OTHER
    weekday: str = OTHER
    country: str = OTHER


def closed(context: Context) -> tuple[Context, int]:
    """The context with every value outside the schema replaced by `other`, and how many were."""
    values = {field: _closed_value(field, getattr(context, field)) for field in FIELDS}
    changed = sum(values[field] != getattr(context, field) for field in FIELDS)
    return (Context(**values), changed) if changed else (context, 0)


def _closed_value(field: str, value: str) -> str:
    if field == "country":
        return value if _COUNTRY.fullmatch(value) else OTHER
    return value if value in VALUES[field] else OTHER


def daypart(hour: int) -> str:
    """Part of the day of a local hour (0 to 23): morning from 5, day from 11, evening from 17,
    night from 22."""
    if 5 <= hour < 11:
        return "morning"
    if 11 <= hour < 17:
        return "day"
    return "evening" if 17 <= hour < 22 else "night"


def from_local_time(local: datetime, device: str = OTHER, country: str = OTHER) -> Context:
    """The closed context of a request made at this local time."""
    weekday = VALUES["weekday"][local.weekday()]
    raw = Context(device=device, daypart=daypart(local.hour), weekday=weekday, country=country)
    return closed(raw)[0]
