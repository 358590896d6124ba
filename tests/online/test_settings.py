"""The file of experiments is read before anything serves."""

from pathlib import Path

import pytest

from marquee_online.settings import load_experiments, load_settings
from marquee_shared.errors import BadSetting

GOOD = """
[[experiment]]
name = "a"
salt = "s"
start = 2026-12-01
end = 2026-12-29
share = 1
arms = [{name = "c"}, {name = "t", mix = 0.5}]
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "KAFKA": "h:1",
        "REDIS": "redis://h",
        "STORE": "file:///s",
        "CREDIT_KEYS": "k:" + "ab" * 16,
    }.items():
        monkeypatch.setenv(f"MARQUEE_{name}", value)
    return monkeypatch


def test_without_a_file_there_are_no_experiments():
    assert load_experiments(load_settings().experiments) == ()


def test_a_file_of_experiments_is_read(environment, tmp_path: Path):
    file = tmp_path / "experiments.toml"
    file.write_text(GOOD)
    environment.setenv("MARQUEE_EXPERIMENTS", str(file))

    (experiment,) = load_experiments(load_settings().experiments)

    assert [arm.mix for arm in experiment.arms] == [None, 0.5]


def test_a_wrong_experiment_refuses_to_start_and_names_file_and_key(environment, tmp_path: Path):
    file = tmp_path / "experiments.toml"
    file.write_text(GOOD.replace("0.5", "5"))
    environment.setenv("MARQUEE_EXPERIMENTS", str(file))

    with pytest.raises(
        BadSetting, match=rf"MARQUEE_EXPERIMENTS: {file}: experiment\[0\].arms\[1\].mix"
    ):
        load_settings()


def test_a_missing_file_of_experiments_refuses_to_start(environment, tmp_path: Path):
    environment.setenv("MARQUEE_EXPERIMENTS", str(tmp_path / "none.toml"))

    with pytest.raises(BadSetting, match=r"MARQUEE_EXPERIMENTS: .*none.toml: No such file"):
        load_settings()
