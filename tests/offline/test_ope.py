"""Off-policy estimators: by hand, by property, and on worlds whose true value is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_offline.ope.estimators import (
    ESTIMATORS,
    MIN_USERS,
    WEIGHTS_UP_TO,
    Rows,
    effective_size,
    estimate,
    evaluate,
)
from marquee_offline.ope.logged import Log, judge, uniform
from marquee_offline.ope.reward_model import cross_fit, folds_of, logistic
from marquee_shared.errors import BadInput

# Two contexts and three actions: what is earned, what is logged, what the candidate would do.
TRUTH = np.array([[0.1, 0.5, 0.3], [0.6, 0.2, 0.4]])
LOGGED = np.array([[0.6, 0.2, 0.2], [0.2, 0.5, 0.3]])
CANDIDATE = np.array([[0.1, 0.7, 0.2], [0.8, 0.1, 0.1]])
VALUE = float((TRUTH * CANDIDATE).sum(axis=1).mean())


def two_rows(**changes) -> Rows:
    rows = Rows(
        user=np.array([0, 1]),
        reward=np.array([1.0, 0.0]),
        propensity=np.array([0.5, 0.25]),
        candidate=np.array([0.25, 0.5]),  # weights 0.5 and 2
        q_shown=np.array([0.6, 0.2]),
        q_policy=np.array([0.4, 0.3]),
    )
    return replace(rows, **changes)


def world(n: int, seed: int, per_user: int = 1) -> Log:
    """A log of the small world, its contexts equally often; images by action."""
    rng = np.random.default_rng(seed)
    context = np.repeat(rng.integers(0, 2, n), per_user)
    action = (LOGGED[context].cumsum(axis=1) > rng.random((n * per_user, 1))).argmax(axis=1)
    rows = np.arange(n * per_user)
    features = np.zeros((n * per_user, 3, 6))
    for a in range(3):
        features[rows, a, 3 * context + a] = 1
    return Log(
        user=np.repeat(np.arange(n), per_user),
        reward=(rng.random(n * per_user) < TRUTH[context, action]).astype(float),
        propensity=LOGGED[context, action],
        starts=np.arange(n * per_user + 1) * 3,
        shown=rows * 3 + action,
        features=features.reshape(-1, 6),
        images=np.tile(np.arange(3), n * per_user),
    )


def context_of(log: Log) -> np.ndarray:
    return (log.features[:, 3:].sum(axis=1) > 0).astype(int)


def as_candidate(log: Log) -> np.ndarray:
    return CANDIDATE[context_of(log), log.images]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ips", (0.5 * 1 + 2 * 0) / 2),
        ("snips", (0.5 * 1 + 2 * 0) / 2.5),
        ("dm", (0.4 + 0.3) / 2),
        ("dr", 0.35 + (0.5 * 0.4 - 2 * 0.2) / 2),
        ("sndr", 0.35 + (0.5 * 0.4 - 2 * 0.2) / 2.5),
    ],
)
def test_two_rows_by_hand(name: str, value: float) -> None:
    assert estimate(two_rows())[name] == pytest.approx(value, abs=1e-15)


def test_effective_size_is_n_for_equal_weights_and_1_where_one_row_holds_all() -> None:
    assert effective_size(np.full(7, 3.0)) == pytest.approx(7)
    assert effective_size(np.array([0, 5.0, 0])) == pytest.approx(1)
    assert effective_size(np.array([0.5, 2.0])) == pytest.approx(2.5**2 / 4.25)
    assert effective_size(np.zeros(3)) == 0


weights = st.lists(st.floats(0.01, 1), min_size=2, max_size=20)


@given(weights, st.integers(0, 2**32 - 1))
def test_candidate_that_is_the_logging_policy_has_earned_what_was_logged(logged, seed) -> None:
    rng = np.random.default_rng(seed)
    n = len(logged)
    reward = rng.random(n)
    rows = Rows(
        user=np.arange(n),
        reward=reward,
        propensity=np.array(logged),
        candidate=np.array(logged),
        q_shown=np.zeros(n),
        q_policy=np.zeros(n),
    )
    found = estimate(rows)
    assert [found[name] for name in ("ips", "snips", "dr")] == pytest.approx([reward.mean()] * 3)


@given(st.integers(0, 2**32 - 1))
def test_perfect_reward_model_leaves_nothing_to_correct(seed) -> None:
    rng = np.random.default_rng(seed)
    rows = two_rows(q_shown=np.array([1.0, 0.0]), q_policy=rng.random(2))
    found = estimate(rows)
    assert found["dm"] == found["dr"] == found["sndr"]


def test_ips_and_dr_are_right_on_average_even_with_a_reward_model_that_is_wrong() -> None:
    found = []
    for seed in range(300):
        log = world(200, seed)
        rows = Rows(
            user=log.user,
            reward=log.reward,
            propensity=log.propensity,
            candidate=as_candidate(log)[log.shown],
            q_shown=np.full(200, 0.9),
            q_policy=np.full(200, 0.9),
        )
        found.append(list(estimate(rows).values()))
    mean = np.mean(found, axis=0)
    error = np.std(found, axis=0) / np.sqrt(300)
    for name in ("ips", "dr"):
        place = ESTIMATORS.index(name)
        assert abs(mean[place] - VALUE) < 4 * error[place]
    assert abs(mean[ESTIMATORS.index("dm")] - VALUE) > 0.3


def test_intervals_cover_the_true_value_about_as_often_as_they_say() -> None:
    covered = dict.fromkeys(ESTIMATORS, 0)
    for seed in range(60):
        found = judge(world(1500, seed), as_candidate, np.random.default_rng(seed))
        for name, metric in found.values.items():
            covered[name] += metric.low <= VALUE <= metric.high
    assert min(covered[name] for name in ("ips", "snips", "dr", "sndr")) >= 52  # of 60 at 95 %


def test_interval_is_over_users_so_that_a_users_copies_add_no_certainty() -> None:
    once = world(400, 3)
    copies = 9
    rows = np.repeat(np.arange(400), copies)
    many = Log(
        user=once.user[rows],
        reward=once.reward[rows],
        propensity=once.propensity[rows],
        starts=np.arange(400 * copies + 1) * 3,
        shown=np.arange(400 * copies) * 3 + once.shown[rows] % 3,
        features=once.features.reshape(400, 3, 6)[rows].reshape(-1, 6),
        images=np.tile(np.arange(3), 400 * copies),
    )
    widths = [
        metric.high - metric.low
        for log in (once, many)
        for metric in [judge(log, as_candidate, np.random.default_rng(5)).values["snips"]]
    ]
    assert widths[1] == pytest.approx(widths[0], rel=0.15)


def test_few_effective_rows_are_refused_and_no_value_is_told() -> None:
    n = 1000
    rare = np.full(n, 0.5)
    rare[0] = 1e-6
    rows = Rows(
        user=np.arange(n),
        reward=np.ones(n),
        propensity=rare,
        candidate=np.full(n, 0.5),
        q_shown=np.zeros(n),
        q_policy=np.zeros(n),
    )
    found = evaluate(rows, np.random.default_rng(1))
    assert not found.credible
    assert found.refused.startswith("not credible: effective sample size 1 of 1,000 rows")
    assert (dict(found.values), found.gain) == ({}, None)
    assert found.diagnostics.max_weight == pytest.approx(5e5)


def test_few_users_are_refused_however_many_their_rows() -> None:
    found = judge(world(MIN_USERS - 1, 1, per_user=40), uniform, np.random.default_rng(1))
    assert found.refused == "not credible: 29 users, 30 are needed for an interval"


def test_wrong_propensities_show_in_the_mean_weight() -> None:
    log = world(3000, 2)
    sound = judge(log, as_candidate, np.random.default_rng(1))
    assert sound.doubt == ""
    assert sound.diagnostics.mean_weight.low < 1 < sound.diagnostics.mean_weight.high
    wrong = replace(log, propensity=np.full(3000, 0.5))
    assert "not 1" in judge(wrong, as_candidate, np.random.default_rng(1)).doubt


def test_gain_is_paired_and_0_for_the_logging_policy() -> None:
    log = world(2000, 4)

    def logging(log: Log) -> np.ndarray:
        return LOGGED[context_of(log), log.images]

    same = judge(log, logging, np.random.default_rng(1))
    assert abs(same.gain.value) < 0.02
    better = judge(log, as_candidate, np.random.default_rng(1))
    assert better.gain.low > 0
    assert better.gain.value == pytest.approx(better.values["dr"].value - better.logged.value)


def test_histogram_holds_every_row_and_all_the_weight() -> None:
    found = judge(world(500, 6), as_candidate, np.random.default_rng(1)).diagnostics.histogram
    assert len(found) == len(WEIGHTS_UP_TO)
    assert sum(rows for rows, _ in found) == 500
    assert sum(share for _, share in found) == pytest.approx(1)


@pytest.mark.parametrize(
    "change",
    [
        {"propensity": np.array([0.0, 0.5])},
        {"propensity": np.array([1.5, 0.5])},
        {"candidate": np.array([-0.1, 0.5])},
    ],
)
def test_probability_out_of_range_is_bad_input(change) -> None:
    with pytest.raises(BadInput):
        evaluate(two_rows(**change), np.random.default_rng(1))


def test_candidate_that_is_no_distribution_is_bad_input() -> None:
    with pytest.raises(BadInput, match="do not sum to 1"):
        judge(world(10, 1), lambda log: np.full(len(log.images), 0.5), np.random.default_rng(1))


# --- the reward model -------------------------------------------------------------------------


def test_logistic_without_features_is_the_mean() -> None:
    theta = logistic(np.zeros((4, 1)), np.array([1.0, 0, 0, 0]))
    assert 1 / (1 + np.exp(-theta[0])) == pytest.approx(0.25, abs=1e-5)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.01, 1.0, 100.0]))
def test_logistic_stands_where_its_gradient_is_0(seed, ridge) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(60, 3)) * 3, rng.random(60)
    theta = logistic(x, y, ridge)
    p = 1 / (1 + np.exp(-(theta[0] + x @ theta[1:])))
    assert x.T @ (p - y) + ridge * theta[1:] == pytest.approx(np.zeros(3), abs=1e-5)


def test_separable_outcomes_give_a_finite_model() -> None:
    x = np.linspace(-3, 3, 40)[:, None]
    theta = logistic(x, (x[:, 0] > 0).astype(float), 0.01)
    assert np.isfinite(theta).all()
    assert np.isfinite(logistic(x, np.zeros(40))).all()


def test_users_own_rewards_never_move_their_prediction() -> None:
    log = world(60, 8, per_user=3)
    fold = folds_of(log.user, np.random.default_rng(1))

    def predicted(reward: np.ndarray) -> np.ndarray:
        shown = log.features[log.shown]
        return cross_fit(shown, reward, fold, log.features, log.row_of)

    changed = log.reward.copy()
    changed[:3] = 1 - changed[:3]
    before, after = predicted(log.reward), predicted(changed)
    assert np.array_equal(before[:9], after[:9])
    assert not np.array_equal(before, after)


def test_folds_keep_a_users_rows_together_and_are_of_equal_size() -> None:
    user = np.repeat(np.arange(30), 4)
    fold = folds_of(user, np.random.default_rng(2))
    assert all(len(set(fold[user == one])) == 1 for one in range(30))
    assert np.bincount(fold).tolist() == [40, 40, 40]
