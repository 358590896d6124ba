"""The Open Bandit format, on a file written here and on the published sample (MARQUEE_DATA)."""

import os
from pathlib import Path

import numpy as np
import pytest

from marquee_offline.ope.judge import judge_obd
from marquee_offline.ope.obd import read_obd, read_prior, thompson
from marquee_shared.errors import BadInput

DATA = os.environ.get("MARQUEE_DATA")
SAMPLE = pytest.mark.skipif(
    not DATA, reason="MARQUEE_DATA is not set: the Open Bandit sample (obd/) is left out"
)
HEAD = ",timestamp,item_id,position,click,propensity_score,user_feature_0"
ROWS = [
    "0,2019-11-24 00:00:01+00:00,2,1,0,0.25,aa,0.0,0.0,4.0",
    "1,2019-11-24 00:00:02+00:00,0,3,1,0.5,bb,1.0,0.0,0.0",
]
CONTEXT = ",item_id,item_feature_0\n0,0,-0.5\n1,1,0.5\n2,2,1.5\n3,3,9.0\n"
PRIOR = (
    "men:\n  alpha:\n    - 1.0\n    - 1.0\n    - 200.0\n  beta:\n    - 99.0\n    - 9.0\n    - 9.0\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A campaign of three items as a policy `bts` logged it."""
    campaign = tmp_path / "bts" / "men"
    campaign.mkdir(parents=True)
    affinity = "".join(f",user-item_affinity_{n}" for n in range(3))
    (campaign / "men.csv").write_text("\n".join([HEAD + affinity, *ROWS]) + "\n")
    (campaign / "item_context.csv").write_text(CONTEXT)
    (tmp_path / "prior_bts.yaml").write_text(PRIOR)
    return tmp_path / "bts"


def test_every_item_is_a_candidate_of_every_row(folder: Path) -> None:
    log = read_obd(folder, "men")
    assert log.starts.tolist() == [0, 3, 6]
    assert log.shown.tolist() == [2, 3]
    assert log.images.tolist() == [0, 1, 2, 0, 1, 2]
    assert (log.reward.tolist(), log.propensity.tolist()) == ([0, 1], [0.25, 0.5])


def test_features_are_affinity_own_number_prior_and_position(folder: Path) -> None:
    features = read_obd(folder, "men").features
    assert features[:, 0].tolist() == [0, 0, 4, 1, 0, 0]
    assert features[:, 1].tolist() == [-0.5, 0.5, 1.5] * 2
    odds = np.log([1 / 99, 1 / 9, 200 / 9])
    assert features[:3, 2] == pytest.approx(odds - odds.mean())
    assert features[:, 3:].tolist() == [[1, 0, 0]] * 3 + [[0, 0, 1]] * 3


def test_column_of_the_formats_own_description_is_read_too(folder: Path) -> None:
    path = folder / "men" / "men.csv"
    path.write_text(path.read_text().replace("propensity_score", "action_prob"))
    assert read_obd(folder, "men").propensity.tolist() == [0.25, 0.5]


def test_thompson_puts_the_better_item_first_and_is_a_distribution_per_position(
    folder: Path,
) -> None:
    probability = thompson(folder, "men")(read_obd(folder, "men")).reshape(2, 3)
    assert probability.sum(axis=1) == pytest.approx([1, 1])
    assert probability[0].argmax() == 2  # left: the best
    assert probability[1].argmax() == 0  # right: the third best of three


def test_campaign_without_priors_has_no_thompson(folder: Path) -> None:
    assert read_prior(folder, "women") is None
    with pytest.raises(BadInput, match="no priors"):
        thompson(folder, "women")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",click,", ",clicked,", "men.csv: has no column click"),
        (",2,1,0,", ",7,1,0,", "men.csv: has an item or a position"),
        (",2,1,0,", ",2,4,0,", "men.csv: has an item or a position"),
        (",0.5,bb", ",half,bb", "men.csv: has no number in column propensity_score"),
        ("00:00:01+00:00,2,1", "00:00:01+00:00", "men.csv: is not readable CSV"),
    ],
)
def test_bad_file_is_named(folder: Path, old: str, new: str, words: str) -> None:
    path = folder / "men" / "men.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadInput, match=words):
        read_obd(folder, "men")


def test_bad_priors_are_named(folder: Path) -> None:
    path = folder.parent / "prior_bts.yaml"
    path.write_text(PRIOR.replace("alpha", "mean"))
    with pytest.raises(BadInput, match=r"prior_bts.yaml: has no lists alpha and beta"):
        read_obd(folder, "men")


@pytest.mark.parametrize("log", ["obd:", "obd:a:b:c", "obx:a"])
def test_log_that_is_none_is_bad_input(log: str) -> None:
    with pytest.raises(BadInput, match="expected archive or obd:FOLDER"):
        judge_obd(log, "uniform")


@SAMPLE
@pytest.mark.parametrize(
    ("logged", "campaign", "policy", "effective"),
    [("bts", "women", "uniform", 2), ("bts", "men", "uniform", 656)],
)
def test_sample_logged_by_bts_says_little_of_uniform(logged, campaign, policy, effective) -> None:
    found = judge_obd(f"obd:{DATA}/obd/{logged}:{campaign}", policy).estimates
    assert round(found.diagnostics.effective) == effective
    assert found.credible == (effective >= 100)


@SAMPLE
@pytest.mark.parametrize("campaign", ["men", "women"])
def test_sample_logged_at_random_estimates_itself_exactly(campaign: str) -> None:
    found = judge_obd(f"obd:{DATA}/obd/random:{campaign}", "uniform").estimates
    assert found.diagnostics.effective == pytest.approx(10_000)
    assert found.diagnostics.max_weight == pytest.approx(1, abs=0.01)
    assert found.values["ips"].value == pytest.approx(0.0046, rel=0.01)
