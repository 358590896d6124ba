"""Who is in which arm, and what a file of experiments may say."""

import math
import re
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.errors import BadSetting
from marquee_shared.experiment import (
    Arm,
    Chosen,
    Experiment,
    arm_of,
    arms_of,
    chosen,
    read_experiments,
)
from marquee_shared.ids import ID_PATTERN

README = Path(__file__).parents[2] / "shared" / "README.md"
NOW = int(datetime(2026, 12, 5, 12, tzinfo=UTC).timestamp() * 1000)
USERS = [f"u{n}" for n in range(20_000)]
SIGMAS = 4.5  # by which a count may miss its expectation: 7 of a million do by chance
ONE = """
[[experiment]]
name = "a"
salt = "s"
start = 2026-12-01
end = 2026-12-29
share = 0.5
arms = [{name = "c"}, {name = "t", artwork = "lin-ts/1"}]
"""

users = st.from_regex(ID_PATTERN.removesuffix("$") + r"\Z")
salts = st.from_regex(r"\A[A-Za-z0-9._-]{1,64}\Z")
shares = st.floats(0, 1)


def experiment(
    salt: str = "s", share: float = 1.0, weights: tuple[float, ...] = (1, 1)
) -> Experiment:
    return Experiment(
        name="e",
        salt=salt,
        start=date(2026, 12, 1),
        end=date(2026, 12, 29),
        share=share,
        arms=tuple(Arm(name=f"arm{n}", weight=w) for n, w in enumerate(weights)),
    )


def arm_name(of: Experiment, user: str, now_ms: int = NOW) -> str | None:
    arm = arm_of(of, user, now_ms)
    return arm and arm.name


def near(count: int, n: int, p: float) -> bool:
    return abs(count - n * p) <= SIGMAS * math.sqrt(n * p * (1 - p))


@pytest.mark.parametrize(
    ("share", "weights"), [(1.0, (1, 1)), (0.3, (1, 1)), (0.5, (3, 1)), (0.8, (0.2, 0.5, 0.1))]
)
@pytest.mark.parametrize("salt", ["s", "2026-12-a", "2026-12-b"])
def test_share_and_arms_are_as_large_as_the_file_says(share, weights, salt):
    arms = [arm_name(experiment(salt, share, weights), user) for user in USERS]

    assert near(len(USERS) - arms.count(None), len(USERS), share)
    for n, weight in enumerate(weights):
        assert near(arms.count(f"arm{n}"), len(USERS), share * weight / sum(weights))


def test_two_salts_assign_independently():
    one, two = experiment("s", 0.5), experiment("t", 0.5)

    pairs = [(arm_name(one, user), arm_name(two, user)) for user in USERS]

    for first, p in ((None, 0.5), ("arm0", 0.25), ("arm1", 0.25)):
        for second, q in ((None, 0.5), ("arm0", 0.25), ("arm1", 0.25)):
            assert near(pairs.count((first, second)), len(USERS), p * q)


@given(users, salts, shares)
def test_a_user_keeps_the_arm_from_the_first_day_to_the_last(user, salt, share):
    of = experiment(salt, share)
    first = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp() * 1000)
    after = int(datetime(2026, 12, 29, tzinfo=UTC).timestamp() * 1000)

    assert arm_name(of, user, first) == arm_name(of, user, NOW) == arm_name(of, user, after - 1)


@given(users, salts)
def test_start_is_included_and_end_is_not(user, salt):
    of = experiment(salt)
    first = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp() * 1000)
    after = int(datetime(2026, 12, 29, tzinfo=UTC).timestamp() * 1000)

    assert arm_of(of, user, first - 1) is None
    assert arm_of(of, user, first) is not None
    assert arm_of(of, user, after - 1) is not None
    assert arm_of(of, user, after) is None


@given(users, salts, shares, shares)
def test_a_larger_share_moves_nobody_to_another_arm(user, salt, one, other):
    small, large = sorted((one, other))

    before = arm_name(experiment(salt, small), user)

    assert before is None or before == arm_name(experiment(salt, large), user)


@given(users, salts)
def test_nobody_is_in_a_share_of_nothing_and_everybody_in_a_share_of_one(user, salt):
    assert arm_of(experiment(salt, 0.0), user, NOW) is None
    assert arm_of(experiment(salt, 1.0), user, NOW) is not None


@given(users, st.floats(1e-9, 1e6), st.floats(1e-3, 1e3))
def test_only_the_ratio_of_weights_counts(user, weight, factor):
    scaled = experiment(weights=(weight * factor, 2 * weight * factor))

    assert arm_name(scaled, user) == arm_name(experiment(weights=(1, 2)), user)


def test_a_request_without_a_user_has_no_arms():
    assert arms_of([experiment()], None, NOW) == {}


def test_arms_choose_what_they_set_and_leave_the_rest():
    read = read_experiments(
        ONE.encode()
        + ONE.replace('"a"', '"b"')
        .replace('"s"', '"r"')
        .replace('artwork = "lin-ts/1"', "mix = 1")
        .encode()
    )

    assert chosen(read, {"a": "t", "b": "t"}) == Chosen(artwork="lin-ts/1", mix=1.0)
    assert chosen(read, {"a": "c", "b": "t"}) == Chosen(mix=1.0)
    assert chosen(read, {}) == chosen(read, {"a": "gone", "gone": "t"}) == Chosen()


def test_the_readmes_example_reads():
    (example,) = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)

    first, second = read_experiments(example.encode(), policies={"best-single/1", "lin-ts/1"})

    assert [arm.reward for arm in first.arms] == [None, "click", "quality"]
    assert [arm.mix for arm in second.arms] == [None, 0.9]


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ("share = 0.5", "share = 1.5", "experiment[0].share: "),
        ("share = 0.5", "share = nan", "experiment[0].share: "),
        ("share = 0.5", "share = '1'", "experiment[0].share: "),
        ("share = 0.5", "", "experiment[0]: Object missing required field `share`"),
        ("share = 0.5", "shares = 1", "experiment[0]: Object contains unknown field `shares`"),
        ("2026-12-29", "2026-12-01", "experiment[0].end: 2026-12-01 is not after start"),
        ("2026-12-29", "2026-12-29T10:00:00Z", "experiment[0].end: "),
        ('"s"', '"a/b"', "experiment[0].salt: "),
        ('"a"', '"A b"', "experiment[0].name: "),
        ('"lin-ts/1"', '"lin-ts"', "experiment[0].arms[1].artwork: "),
        ('artwork = "lin-ts/1"', "mix = 2", "experiment[0].arms[1].mix: "),
        ('artwork = "lin-ts/1"', 'reward = "fame"', "experiment[0].arms[1].reward: "),
        ('artwork = "lin-ts/1"', "weight = 0", "experiment[0].arms[1].weight: "),
        ('"t"', '"c"', "experiment[0].arms[1].name: c stands twice"),
        ('{name = "c"},', "", "experiment[0].arms: "),
        ("[[experiment]]", "v = 2\n[[experiment]]", "v: "),
        ("[[experiment]]", "[[test]]", "unknown field `test`"),
        ("[[experiment]]", "[[experiment", "is no TOML: "),
    ],
)
def test_a_wrong_file_names_the_key(was, becomes, words):
    with pytest.raises(BadSetting, match=re.escape(words)):
        read_experiments(ONE.replace(was, becomes).encode())


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (ONE, "experiment[1].name: a stands twice"),
        (ONE.replace('"a"', '"b"'), "experiment[1].salt: a has the same"),
        (
            ONE.replace('"a"', '"b"').replace('"s"', '"r"'),
            "experiment[1].arms: artwork is set by a in the same days",
        ),
    ],
)
def test_two_experiments_that_get_in_each_others_way_are_refused(second, words):
    with pytest.raises(BadSetting, match=re.escape(words)):
        read_experiments((ONE + second).encode())


def test_one_experiment_may_begin_on_the_day_that_another_ends():
    later = ONE.replace('"a"', '"b"').replace('"s"', '"r"').replace("2026-12-29", "2027-01-29")

    assert len(read_experiments((ONE + later.replace("2026-12-01", "2026-12-29")).encode())) == 2


def test_a_policy_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(BadSetting, match=r"arms\[1\].artwork: no such policy; there are uniform/1"):
        read_experiments(ONE.encode(), policies={"uniform/1"})


def test_bytes_that_are_no_text_or_too_many_are_refused():
    with pytest.raises(BadSetting, match="is no TOML"):
        read_experiments(b"\xff")
    with pytest.raises(BadSetting, match="bytes"):
        read_experiments(b"#" * 300_000)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_experiments_or_a_bad_setting(data):
    with suppress(BadSetting):
        assert isinstance(read_experiments(data), tuple)


def test_an_empty_file_is_no_experiment():
    assert read_experiments(b"") == ()
    assert read_experiments(b"v = 1") == ()
