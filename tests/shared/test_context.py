"""The closed set of circumstances."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.context import FIELDS, OTHER, VALUES, Context, closed, daypart, from_local_time

MONDAY = datetime(2026, 11, 23)


@pytest.mark.parametrize(
    ("hour", "part"),
    [(0, "night"), (4, "night"), (5, "morning"), (10, "morning"), (11, "day"), (16, "day"),
     (17, "evening"), (21, "evening"), (22, "night"), (23, "night")],
)  # fmt: skip
def test_daypart_changes_on_its_boundaries(hour, part):
    assert daypart(hour) == part


def test_last_minute_of_a_daypart_still_belongs_to_it():
    local = MONDAY.replace(hour=10, minute=59, second=59)
    assert from_local_time(local).daypart == "morning"


@pytest.mark.parametrize(("days", "name"), list(enumerate(VALUES["weekday"])))
def test_weekday_follows_the_local_date(days, name):
    assert from_local_time(MONDAY + timedelta(days=days)).weekday == name


def test_context_of_a_request_is_closed():
    found = from_local_time(MONDAY, device="fridge", country="DE")
    assert found == Context(daypart="night", weekday="mon", country="DE")


def test_known_context_is_left_as_it_is():
    known = Context(device="tv", daypart="night", weekday="sun", country="DE")
    assert closed(known) == (known, 0)


@pytest.mark.parametrize("country", ["de", "DEU", "D", "", "D1", "ÄÖ", "DE\n", " DE"])
def test_country_outside_iso_form_becomes_other(country):
    assert closed(Context(country=country)) == (Context(), 1)


def test_each_unknown_value_is_counted():
    odd = Context(device="fridge", daypart="noon", weekday="Mon", country="xx")
    assert closed(odd) == (Context(), 4)


@given(st.builds(Context, **{field: st.text(max_size=8) for field in FIELDS}))
def test_closing_twice_changes_nothing_more(context):
    once, _ = closed(context)
    assert closed(once) == (once, 0)
    for field, values in VALUES.items():
        assert getattr(once, field) in (*values, OTHER)
