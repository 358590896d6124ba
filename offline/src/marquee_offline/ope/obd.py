"""Open Bandit format: the log of a fashion shop's recommender, with true propensities.

`<policy>/<campaign>/<campaign>.csv` with `item_context.csv` beside it and, above both policies,
`prior_bts.yaml`: Beta priors of Bernoulli Thompson sampling (Saito et al. 2021). Rows do not
tell users apart, so each is a unit of its own.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from marquee_offline.ope.logged import Candidate, Log
from marquee_shared.errors import BadInput
from marquee_shared.fold_in import F64
from marquee_shared.model import I64

POSITIONS = 3  # left, centre, right
PROPENSITIES = ("propensity_score", "action_prob")  # in the files; in their README
AFFINITY = "user-item_affinity_"
DRAWS = 20_000  # of the priors: a probability is then sure to .004
SEED = 12345
# Of YAML the file uses no more than `campaign:`, under it `  alpha:`, under that `    - 47.0`.
_CAMPAIGN = re.compile(r"^(\w+):\n((?: +.*\n?)+)", re.MULTILINE)
_LIST = re.compile(r"^ +(\w+):\n((?: +- .*\n?)+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Beta parameters of each item's click rate `(n_items,)`."""

    alpha: F64
    beta: F64


def read_obd(folder: Path, campaign: str) -> Log:
    """A campaign as one behaviour policy logged it; every item is a candidate for every position.

    Features of an item: the affinity of the user for it, its own number, the log odds of its prior,
    and the position. Raises BadInput naming the file.
    """
    path = folder / campaign / f"{campaign}.csv"
    table = _read(path)
    affinity = _affinity(table)
    n, items = affinity.shape
    item, position = _whole(table, "item_id", path), _whole(table, "position", path) - 1
    if not ((item >= 0) & (item < items)).all() or not np.isin(position, range(POSITIONS)).all():
        raise BadInput(path.name, "has an item or a position that is none of the campaign's")
    shared = np.stack([_item_feature(folder / campaign, items), _odds(folder, campaign, items)])
    features = np.column_stack(
        [
            affinity.ravel(),
            np.tile(shared.T, (n, 1)),
            np.repeat(np.eye(POSITIONS)[position], items, axis=0),
        ]
    )
    return Log(
        user=np.arange(n),
        reward=_number(table, ("click",), path),
        propensity=_number(table, PROPENSITIES, path),
        starts=np.arange(n + 1) * items,
        shown=np.arange(n) * items + item,
        features=features,
        images=np.tile(np.arange(items), n),
    )


def thompson(folder: Path, campaign: str) -> Candidate:
    """Bernoulli Thompson sampling from the priors alone: the best three of a draw, in order.

    The shop's own policy moved on from these priors within the week, so its logged probabilities
    are others. Raises BadInput where there are no priors.
    """
    prior = read_prior(folder, campaign)
    if prior is None:
        raise BadInput("policy", "prior_bts.yaml has no priors of this campaign")
    draws = np.random.default_rng(SEED).beta(prior.alpha, prior.beta, (DRAWS, len(prior.alpha)))
    order = np.argsort(-draws, axis=1)[:, :POSITIONS]
    items = len(prior.alpha)
    table = np.stack([np.bincount(column, minlength=items) / DRAWS for column in order.T])

    def distribution(log: Log) -> F64:
        position = log.features[log.starts[:-1], -POSITIONS:].argmax(axis=1)
        return np.asarray(table[position].ravel())

    return distribution


def read_prior(folder: Path, campaign: str) -> Prior | None:
    """The campaign's priors in the folder above; None where there are none."""
    path = folder.parent / "prior_bts.yaml"
    if not path.exists():
        return None
    body = dict(_CAMPAIGN.findall(path.read_text())).get(campaign)
    if body is None:
        return None
    lists = dict(_LIST.findall(body))
    try:
        alpha, beta = (
            np.array([float(x) for x in lists[of].replace("-", " ").split()])
            for of in ("alpha", "beta")
        )
    except (KeyError, ValueError) as error:
        raise BadInput(path.name, "has no lists alpha and beta of the campaign") from error
    return Prior(alpha=alpha, beta=beta)


def _odds(folder: Path, campaign: str, items: int) -> F64:
    prior = read_prior(folder, campaign)
    if prior is None or len(prior.alpha) != items:
        return np.zeros(items)
    odds = np.log(prior.alpha / prior.beta)
    return np.asarray(odds - odds.mean())


def _item_feature(folder: Path, items: int) -> F64:
    path = folder / "item_context.csv"
    table = _read(path)
    place, value = _whole(table, "item_id", path), _number(table, ("item_feature_0",), path)
    feature = np.zeros(items)
    known = place < items
    feature[place[known]] = value[known]
    return feature


def _read(path: Path) -> pa.Table:
    try:
        return pa.csv.read_csv(path)
    except FileNotFoundError as error:
        raise BadInput(str(path), "there is no such file") from error
    except pa.ArrowInvalid as error:
        raise BadInput(path.name, "is not readable CSV") from error


def _affinity(table: pa.Table) -> F64:
    names = [name for name in table.column_names if name.startswith(AFFINITY)]
    return np.column_stack([table[f"{AFFINITY}{n}"].to_numpy() for n in range(len(names))])


def _whole(table: pa.Table, name: str, path: Path) -> I64:
    return _number(table, (name,), path).astype(np.int64)


def _number(table: pa.Table, names: tuple[str, ...], path: Path) -> F64:
    name = next((name for name in names if name in table.column_names), None)
    if name is None:
        raise BadInput(path.name, f"has no column {names[0]}")
    try:
        return np.asarray(table[name].to_numpy(), np.float64)
    except ValueError as error:
        raise BadInput(path.name, f"has no number in column {name}") from error
