"""Names of the archive, and how a chain of them reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.archive import ArchiveObject, chains, is_simulated, parse, prefix, snapshot_key
from marquee_shared.errors import BadInput

KAFKA = "kafka-AbCdEfGhIjKlMnOpQrStUv"
SHA = "0123456789abcdef" * 4


def at(first: int, generation: int = 0, partition: int = 0, source: str = KAFKA) -> ArchiveObject:
    return ArchiveObject(
        kind="events", source=source, partition=partition, first=first, generation=generation
    )


def read(lasts: dict[ArchiveObject, int]) -> list[tuple[int, int, int]]:
    """(first, generation, last) of the objects that count, whatever order they are listed in."""
    found = list(chains(reversed(list(lasts)), lasts.__getitem__))
    return [(item.first, item.generation, last) for item, last in found]


def test_name_holds_source_partition_first_offset_and_generation():
    name = at(1500, 2, partition=7).name
    assert name == f"events/v1/{KAFKA}/p=07/00000000000000001500-g2.parquet"


@given(
    st.builds(
        ArchiveObject,
        kind=st.sampled_from(["events", "decisions"]),
        source=st.sampled_from([KAFKA, f"import-{SHA}", "simulated-42"]),
        partition=st.integers(0, 99_999),
        first=st.integers(0, 2**63 - 1),
        generation=st.integers(0, 999_999),
    )
)
def test_name_is_parsed_back(item):
    assert parse(item.name) == item


GOOD = f"events/v1/{KAFKA}/p=07/00000000000000001500-g2.parquet"


@pytest.mark.parametrize(
    "name",
    [
        "",
        GOOD + "\n",
        GOOD + ".tmp",
        "/" + GOOD,
        GOOD.replace("events", "states"),
        GOOD.replace("v1", "v2"),
        GOOD.replace(KAFKA, "kafka-short"),
        GOOD.replace(KAFKA, "import-" + SHA[:-1] + "X"),
        GOOD.replace(KAFKA, "simulated-"),
        GOOD.replace(KAFKA, "simulated-\N{ARABIC-INDIC DIGIT ONE}"),
        GOOD.replace(KAFKA, "../" + KAFKA),
        GOOD.replace("p=07", "p=7"),
        GOOD.replace("p=07", "p=007"),
        GOOD.replace("p=07", "p=-1"),
        GOOD.replace("00000000000000001500", "1500"),
        GOOD.replace("1500", "\N{ARABIC-INDIC DIGIT ONE}500"),
        GOOD.replace("g2", "g02"),
        GOOD.replace("-g2", ""),
    ],
)
def test_name_of_another_form_is_refused(name):
    with pytest.raises(BadInput):
        parse(name)


def test_prefixes_end_at_a_slash():
    assert prefix("events") == "events/v1/"
    assert prefix("events", KAFKA) == f"events/v1/{KAFKA}/"
    assert prefix("decisions", KAFKA, 3) == f"decisions/v1/{KAFKA}/p=03/"
    assert snapshot_key("s1") == "snapshots/s1.json"


def test_only_simulated_sources_are_labelled_as_such():
    assert is_simulated("simulated-7")
    assert not is_simulated(KAFKA)


def test_chain_follows_from_last_to_first():
    assert read({at(0): 9, at(10): 14, at(15): 99}) == [(0, 0, 9), (10, 0, 14), (15, 0, 99)]


def test_chain_may_begin_late_where_older_objects_expired():
    assert read({at(500): 599, at(600): 650}) == [(500, 0, 599), (600, 0, 650)]


def test_compaction_hides_what_it_covers():
    compacted = {at(0): 9, at(10): 14, at(15): 99, at(0, 1): 14}
    assert read(compacted) == [(0, 1, 14), (15, 0, 99)]


def test_second_compaction_hides_the_first():
    assert read({at(0): 9, at(10): 19, at(0, 1): 9, at(0, 2): 19, at(20): 25}) == [
        (0, 2, 19),
        (20, 0, 25),
    ]


def test_erasure_replaces_one_object_in_the_middle():
    assert read({at(0): 9, at(10): 19, at(20): 29, at(10, 1): 19}) == [
        (0, 0, 9),
        (10, 1, 19),
        (20, 0, 29),
    ]


def test_missing_object_is_named_with_its_offsets():
    with pytest.raises(BadInput, match="offsets 10 to 14 are missing") as gap:
        read({at(0): 9, at(15): 99})
    assert KAFKA in gap.value.field


def test_gap_left_by_a_short_compaction_is_found():
    with pytest.raises(BadInput, match="offsets 15 to 19 are missing"):
        read({at(0): 9, at(10): 19, at(0, 1): 14, at(20): 29})


def test_partitions_and_sources_are_chains_of_their_own():
    other = "simulated-1"
    lasts = {at(0): 9, at(100, partition=1): 120, at(0, source=other): 3, at(4, source=other): 8}
    assert sorted(read(lasts)) == [(0, 0, 3), (0, 0, 9), (4, 0, 8), (100, 0, 120)]


def test_empty_archive_has_no_chain():
    assert read({}) == []
