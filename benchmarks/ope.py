"""Off-policy estimators on the Open Bandit Pipeline's synthetic setting, and against its package.

The setting is that of zr-obp's examples/synthetic (10,000 rounds, 30 actions, 5 context features,
beta -3, logistic reward, evaluation policy by IPWLearner with logistic regression, 20 runs), draw
by draw: numpy's legacy generator with the run's number as seed. Needs nothing; the comparison with
`obp` installs that package into a throwaway environment, and is left out where that fails. With
MARQUEE_DATA also the published sample of the Open Bandit data (`obd/`).
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, softmax

from marquee_offline.ope.estimators import ESTIMATORS, Rows, estimate
from marquee_offline.ope.judge import judge_obd
from marquee_offline.ope.reward_model import cross_fit
from marquee_shared.fold_in import F64
from marquee_shared.model import I64

RUNS, ROUNDS, ACTIONS, DIMENSIONS, BETA = 20, 10_000, 30, 5, -3.0
FOLD_SEED, FOLDS = 12345, 3
STRENGTH = 100.0  # of both logistic regressions: C, whose inverse is the ridge
PUBLISHED = {"ips": 0.0095, "snips": 0.0067, "dm": 0.0744, "dr": 0.0062, "sndr": 0.0061}
BARS = {"ips": 0.0110, "snips": 0.0080, "dr": 0.0075}
SAME = 1e-10  # relative difference to the package
OBP = "obp==0.3.3"  # the last release without PyTorch; the formulas have not changed since
OBP_NEEDS = ("numpy", "scipy", "scikit-learn", "pandas", "pyyaml", "tqdm", "matplotlib", "seaborn")
THEIRS = """
import json, sys
import numpy as np
from obp import ope
a = np.load(sys.argv[1])
n, k = a["distribution"].shape
classes = dict(ips=ope.InverseProbabilityWeighting, dm=ope.DirectMethod, dr=ope.DoublyRobust,
    snips=ope.SelfNormalizedInverseProbabilityWeighting, sndr=ope.SelfNormalizedDoublyRobust)
told = dict(reward=a["reward"], action=a["action"], pscore=a["propensity"],
    position=np.zeros(n, int), action_dist=a["distribution"][:, :, None],
    estimated_rewards_by_reg_model=a["expected"][:, :, None])
print(json.dumps({name: float(of().estimate_policy_value(**told)) for name, of in classes.items()}))
"""

Row = tuple[str, str, str, bool | None]  # what, figure, bar, whether it holds; None: left out
WORDS = {True: "holds", False: "falls short", None: "left out"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One log: arrays over rounds, and over rounds and actions."""

    context: F64  # (n, DIMENSIONS)
    action: I64  # (n,)
    reward: F64  # (n,)
    logged: F64  # (n, ACTIONS): the distribution that was drawn from
    truth: F64  # (n, ACTIONS): the expected reward


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A test log, the policy under test, the cross-fitted model and the policy's true value."""

    batch: Batch
    policy: F64  # (n, ACTIONS)
    expected: F64  # (n, ACTIONS)
    value: float


def run(seed: int) -> Run:
    """One run: a policy learnt from one log, put to the test on a second."""
    draws = np.random.RandomState(seed)
    train, test = log(draws, seed), log(draws, seed)
    policy = learnt(train, test.context)
    value = float((policy * test.truth).sum(axis=1).mean())
    return Run(batch=test, policy=policy, expected=modelled(test), value=value)


def log(draws: np.random.RandomState, seed: int) -> Batch:
    """SyntheticBanditDataset.obtain_batch_bandit_feedback, its order of draws kept."""
    context = draws.normal(size=(ROUNDS, DIMENSIONS))
    truth = rewards(context, np.random.RandomState(seed))
    logged = softmax(BETA * truth, axis=1)
    uniform = np.random.RandomState(seed).uniform(size=ROUNDS)[:, None]
    action = (logged.cumsum(axis=1) > uniform).argmax(axis=1)
    reward = draws.binomial(n=1, p=truth[np.arange(ROUNDS), action]).astype(float)
    return Batch(context=context, action=action, reward=reward, logged=logged, truth=truth)


def rewards(context: F64, draws: np.random.RandomState) -> F64:
    """logistic_reward_function as of the published figures (January 2022): later versions lack the
    brackets around what is divided by the deviation, which is another, harder setting."""
    x = np.column_stack([np.ones(len(context)), context])
    actions = np.column_stack([np.ones(ACTIONS), np.eye(ACTIONS)])
    of_context = draws.uniform(-1, 1, size=x.shape[1])
    of_action = draws.uniform(-1, 1, size=actions.shape[1])
    of_both = draws.uniform(-1, 1, size=(x.shape[1], actions.shape[1]))
    logits = (x @ of_context)[:, None] + actions @ of_action + x @ of_both @ actions.T
    return np.asarray(expit((logits - logits.mean()) / logits.std()))


def learnt(train: Batch, context: F64) -> F64:
    """IPWLearner: classify the action, weighted by r / p; its probabilities through a softmax."""
    x = np.column_stack([np.ones(ROUNDS), train.context])
    weight = train.reward / train.logged[np.arange(ROUNDS), train.action]
    chosen = np.eye(ACTIONS)[train.action] * weight[:, None]

    def loss(flat: F64) -> tuple[float, F64]:
        theta = flat.reshape(x.shape[1], ACTIONS)
        scores = log_softmax(x @ theta, axis=1)
        slopes = np.concatenate([np.zeros((1, ACTIONS)), theta[1:]]) / STRENGTH
        slope = x.T @ (np.exp(scores) * weight[:, None] - chosen) + slopes
        value = -(chosen * scores).sum() + (slopes * theta).sum() / 2
        return value / weight.sum(), slope.ravel() / weight.sum()

    start = np.zeros(x.shape[1] * ACTIONS)
    theta = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 10_000}).x
    scores = np.column_stack([np.ones(len(context)), context]) @ theta.reshape(-1, ACTIONS)
    return np.asarray(softmax(softmax(scores, axis=1), axis=1))


def modelled(test: Batch) -> F64:
    """RegressionModel: logistic in context and action, three folds as scikit-learn deals them."""
    order = np.arange(ROUNDS)
    np.random.RandomState(FOLD_SEED).shuffle(order)
    fold = np.zeros(ROUNDS, np.int64)
    for own, part in enumerate(np.array_split(order, FOLDS)):
        fold[part] = own
    one_hot = np.eye(ACTIONS)
    every = np.column_stack(
        [np.repeat(test.context, ACTIONS, axis=0), np.tile(one_hot, (ROUNDS, 1))]
    )
    shown = np.column_stack([test.context, one_hot[test.action]])
    row_of = np.repeat(np.arange(ROUNDS), ACTIONS)
    flat = cross_fit(shown, test.reward, fold, every, row_of, ridge=1 / STRENGTH)
    return flat.reshape(ROUNDS, ACTIONS)


def rows_of(one: Run) -> Rows:
    """A run as the estimators take it; every round is a user."""
    batch, at = one.batch, np.arange(ROUNDS)
    return Rows(
        user=at,
        reward=batch.reward,
        propensity=batch.logged[at, batch.action],
        candidate=one.policy[at, batch.action],
        q_shown=one.expected[at, batch.action],
        q_policy=(one.policy * one.expected).sum(axis=1),
    )


def relative_errors(runs: list[Run]) -> dict[str, F64]:
    """Per estimator |estimate - value| / value of each run."""
    found = [estimate(rows_of(one)) for one in runs]
    return {
        name: np.array([abs(e[name] / one.value - 1) for e, one in zip(found, runs, strict=True)])
        for name in ESTIMATORS
    }


def synthetic(runs: list[Run]) -> list[Row]:
    """What, figure, bar and whether it holds, per estimator."""
    rows: list[Row] = []
    for name, errors in relative_errors(runs).items():
        bar = BARS.get(name, np.inf)
        words = f"published {PUBLISHED[name]:.4f}"
        rows.append(
            (
                f"{name.upper()} on OBP's synthetic setting: mean relative error of {len(runs)}",
                f"{errors.mean():.4f} (sd {errors.std(ddof=1):.4f})",
                f"at most {bar:.4f}; {words}" if name in BARS else words,
                bool(errors.mean() <= bar),
            )
        )
    return rows


def against_obp(one: Run) -> Row:
    """The five estimates of one run, ours and the package's."""
    what = f"largest relative difference to {OBP} over {len(ESTIMATORS)} estimators"
    theirs = estimates_by_obp(one)
    if theirs is None:
        return what, "it does not install here", f"at most {SAME:g}", None
    ours = estimate(rows_of(one))
    apart = max(abs(ours[name] / theirs[name] - 1) for name in ESTIMATORS)
    return what, f"{apart:.1e}", f"at most {SAME:g}", apart <= SAME


def estimates_by_obp(one: Run) -> dict[str, float] | None:
    """What the package says of a run; None where it cannot be had."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        venv.create(folder / "obp", with_pip=True)
        python = str(folder / "obp" / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet"]
        try:
            for packages in (OBP_NEEDS, ("--no-deps", OBP)):  # its own pins are of 2020
                subprocess.run([*pip, *packages], check=True, capture_output=True, timeout=600)
            np.savez(
                folder / "run.npz",
                reward=one.batch.reward,
                action=one.batch.action,
                propensity=rows_of(one).propensity,
                distribution=one.policy,
                expected=one.expected,
            )
            command = [python, "-c", THEIRS, str(folder / "run.npz")]
            done = subprocess.run(command, check=True, capture_output=True, timeout=600)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None
    found: dict[str, float] = json.loads(done.stdout)
    return found


def sample(data: str | None) -> Row:
    """The log that must be refused: hardly a row of it is what the candidate would show."""
    what, bar = "Open Bandit sample, women, bts -> uniform", "refused: effective sample size 2"
    if not data:
        return what, "MARQUEE_DATA is not set", bar, None
    found = judge_obd(f"obd:{data}/obd/bts:women", "uniform").estimates
    size = found.diagnostics.effective
    said = f"{'refused' if found.refused else 'estimated'}: effective sample size {size:.0f}"
    return what, said, bar, said == bar


def checks() -> list[Row]:
    """Every row of this benchmark."""
    runs = [run(seed) for seed in range(RUNS)]
    return [*synthetic(runs), against_obp(runs[0]), sample(os.environ.get("MARQUEE_DATA"))]


def show(rows: list[Row]) -> int:
    """The rows as a table; 1 where one falls short. What was left out is said, and is no fault."""
    table = Table("what", "figure", "bar", "")
    for what, figure, bar, holds in rows:
        table.add_row(what, figure, bar, WORDS[holds])
    Console(soft_wrap=True, markup=False).print(table)
    return int(any(holds is False for *_, holds in rows))


def main() -> int:
    return show(checks())


if __name__ == "__main__":
    sys.exit(main())
