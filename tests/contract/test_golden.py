"""Every format of version 1 against files that are never regenerated; each file is a test."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from marquee_shared.archive import ArchiveObject, Snapshot, parse
from marquee_shared.artifact import read_model
from marquee_shared.channel import Entry, entries, latest
from marquee_shared.credit import Credit, Credited, sign, verify
from marquee_shared.decision import decode_decision, encode_decision
from marquee_shared.errors import NotFound
from marquee_shared.event import decode_event, encode_event
from marquee_shared.experiment import arms_of, read_experiments
from marquee_shared.ids import event_hash, item_hash
from marquee_shared.interaction import KINDS, Interaction
from marquee_shared.seen import decode_seen, encode_seen
from marquee_shared.store import Store
from marquee_shared.sums import REWARDS, decode_sums, encode_sums, number_of
from marquee_shared.user_state import Hops, decode_state, encode_state

GOLDEN = Path(__file__).parent / "golden"
SIZE_OF_A_MODEL = 100_000  # bytes that a golden model may take in git


def cases(pattern: str) -> list[Any]:
    """The golden files of a pattern, each a parameter named by its path."""
    found = sorted(p for p in GOLDEN.glob(pattern) if not p.name.endswith(".expected.json"))
    assert found, f"no golden file matches {pattern}"
    return [pytest.param(path, id=str(path.relative_to(GOLDEN))) for path in found]


def expected(path: Path) -> Any:
    return json.loads(path.with_suffix(".expected.json").read_bytes())


def plain(value: object) -> Any:
    """A value as JSON would hold it, every default spelt out."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(part) for name, part in msgspec.structs.asdict(value).items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return value


@pytest.mark.parametrize("path", cases("event-v1/*.json"))
def test_event_means_what_it_meant(path: Path):
    data, wanted = path.read_bytes(), expected(path)
    event = decode_event(data)
    assert plain(event) == wanted["decoded"]
    assert (encode_event(event) == data) is wanted["canonical"]
    assert decode_event(encode_event(event)) == event


@pytest.mark.parametrize("path", cases("decision-v1/*.json"))
def test_decision_means_what_it_meant(path: Path):
    data, wanted = path.read_bytes(), expected(path)
    decision = decode_decision(data)
    told = plain(decision)
    added = {name: told.pop(name) for name in told.keys() - wanted["decoded"].keys()}
    assert told == wanted["decoded"]
    assert not any(added.values())  # what a file of before does not have is empty
    assert (encode_decision(decision) == data) is wanted["canonical"]


@pytest.mark.parametrize("path", cases("experiments-v1/*.toml"))
def test_experiments_mean_what_they_meant_and_assign_as_they_did(path: Path):
    wanted = expected(path)
    experiments = read_experiments(path.read_bytes())
    assert json.loads(msgspec.json.encode(experiments)) == wanted["decoded"]
    for case in wanted["assigned"]:
        assert arms_of(experiments, case["user_id"], case["now_ms"]) == case["arms"], case


@pytest.mark.parametrize("path", cases("credit-v1/*.json"))
def test_credit_token_means_what_it_meant(path: Path):
    held = json.loads(path.read_bytes())
    wanted, key = held["decoded"], bytes.fromhex(held["key"])
    credit = verify(
        held["token"],
        {held["key_id"]: key},
        user_id=held["user_id"],
        now_ms=held["now_ms"],
        window_ms=held["window_ms"],
    )
    assert credit == Credit(
        decision_id=wanted["decision_id"],
        user=item_hash(held["user_id"]),
        issued_at=wanted["issued_at"],
        taste=tuple(wanted["taste"]),
        choices=tuple(
            Credited(
                item=item_hash(choice["item_id"]) & 0xFFFFFFFF,
                artwork=choice["artwork"],
                policy=choice["policy"],
                propensity=choice["propensity"],
            )
            for choice in wanted["choices"]
        ),
    )
    assert sign(credit, held["key_id"], key) == held["token"]


@pytest.mark.parametrize("path", cases("state-v1/*.bin"))
def test_user_state_means_what_it_meant(path: Path):
    data, wanted = path.read_bytes(), expected(path)
    state = decode_state(data)
    assert state.events == wanted["events"]
    assert state.interactions == {
        item_hash(item): Interaction(KINDS[kind], strength, at)
        for item, (kind, strength, at) in wanted["interactions"].items()
    }
    assert state.recent_ids == tuple(event_hash(event) for event in wanted["recent_ids"])
    assert state.model_id == wanted["model_id"]
    assert state.vector.dtype == np.float32
    assert state.vector.tolist() == wanted["vector"]
    accepted, consumed, folded = wanted["hops"]
    assert state.hops == Hops(accepted_at=accepted, consumed_at=consumed, folded_at=folded)
    assert encode_state(state) == data


@pytest.mark.parametrize("path", cases("channel-v1"))
def test_channel_means_what_it_meant(path: Path):
    wanted = json.loads((path / "expected.json").read_bytes())
    store, channel = Store(path.as_uri()), wanted["channel"]
    history = entries(store, channel)
    assert [plain(entry) for entry in history] == [e["decoded"] for e in wanted["entries"]]
    for entry, other in zip(history, wanted["entries"], strict=True):
        data = store.get(f"channels/{channel}/{entry.seq:010d}.json")
        assert (msgspec.json.encode(entry) == data) is other["canonical"]
    newest = latest(store, channel)
    assert isinstance(newest, Entry)
    assert newest.seq == wanted["latest"]


@pytest.mark.parametrize("path", cases("snapshot-v1/*.json"))
def test_snapshot_means_what_it_meant(path: Path):
    data, wanted = path.read_bytes(), expected(path)
    snapshot = msgspec.json.decode(data, type=Snapshot)
    assert plain(snapshot) == wanted["decoded"]
    assert (msgspec.json.encode(snapshot) == data) is wanted["canonical"]


@pytest.mark.parametrize("path", cases("archive-v1/names/*.json"))
def test_archive_name_means_what_it_meant(path: Path):
    held = json.loads(path.read_bytes())
    assert parse(held["name"]) == ArchiveObject(**held["decoded"])
    assert ArchiveObject(**held["decoded"]).name == held["name"]


@pytest.mark.parametrize("path", cases("model-v1/models/*"))
def test_model_means_what_it_meant(path: Path, tmp_path: Path):
    wanted = json.loads((path.parents[1] / f"{path.name}.expected.json").read_bytes())
    model = read_model(Store(path.parents[1].as_uri()), path.name, tmp_path)
    manifest = json.loads(msgspec.json.encode(model.manifest))
    assert set(manifest.pop("parts")) == {part.stem for part in path.glob("*.safetensors")}
    assert manifest == wanted["manifest"]
    assert model.model_id == path.name
    assert [
        (i.item_id, i.title, i.year, list(i.genres), list(i.tags), i.artworks.decode())
        for i in model.items
    ] == [tuple(item.values()) for item in wanted["items"]]
    assert model.row_of == {item["item_id"]: n for n, item in enumerate(wanted["items"])}
    arrays = {
        "factors": (model.factors, np.float32),
        "gram": (model.gram, np.float64),
        "indptr": (model.item_item.indptr, np.int64),
        "indices": (model.item_item.indices, np.int32),
        "values": (model.item_item.values, np.float32),
        "popularity": (model.popularity, np.float32),
    }
    for name, (array, dtype) in arrays.items():
        assert (array.dtype, array.tolist()) == (dtype, wanted[name]), name
    assert {k: v.tolist() for k, v in model.context.items()} == wanted["context"]


def test_golden_model_is_small():
    files = GOLDEN.glob("model-v1/models/*/*")
    assert 0 < sum(file.stat().st_size for file in files) < SIZE_OF_A_MODEL


def test_reading_golden_files_leaves_them_alone():
    store = Store((GOLDEN / "channel-v1").as_uri())
    with pytest.raises(NotFound):
        store.get("probe/x")
    assert not (GOLDEN / "channel-v1" / "probe").exists()


@pytest.mark.parametrize("path", cases("seen-v1/*.bin"))
def test_seen(path):
    data = path.read_bytes()

    showings = decode_seen(data)

    assert plain([asdict(showing) for showing in showings]) == expected(path)
    assert encode_seen(showings) == data


@pytest.mark.parametrize("path", cases("sums-v1/*.bin"))
def test_sums(path):
    data, wanted = path.read_bytes(), expected(path)

    sums = decode_sums(data)

    assert number_of(data) == wanted["number"]
    assert sums.impressions == wanted["impressions"]
    assert np.trace(sums.precision) == wanted["precision_trace"]
    for reward in REWARDS:
        assert sums.response(reward).tolist() == wanted[reward]
    assert {str(key): numbers.tolist() for key, numbers in sums.images.items()} == wanted["images"]
    assert encode_sums(sums, wanted["number"]) == data
