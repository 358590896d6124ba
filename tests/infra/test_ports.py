"""Ports are free, remembered, and outside the range where a client can dial itself."""

import socket
from pathlib import Path

import pytest

from marquee_infra.errors import PlatformError
from marquee_infra.ports import CANDIDATES, LOOPBACK, claim, is_free, require_free


@pytest.fixture
def listening():
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_used_http_port_is_refused_by_a_sentence_with_the_port_and_the_option(listening):
    with pytest.raises(PlatformError) as refused:
        require_free(listening)
    assert str(listening) in refused.value.message
    assert "--port" in refused.value.fix


def test_claimed_ports_are_free_distinct_and_below_the_ephemeral_range(tmp_path: Path):
    claimed = claim(tmp_path / "ports.json", ("a", "b", "c"))
    assert len(set(claimed.values())) == 3
    assert all(is_free(port) and port in CANDIDATES for port in claimed.values())


def test_free_port_is_claimed_again_by_its_name(tmp_path: Path):
    first = claim(tmp_path / "ports.json", ("a", "b"))
    claim(tmp_path / "ports.json", ("c",))
    assert claim(tmp_path / "ports.json", ("b", "a")) == first


def test_remembered_port_that_is_in_use_is_replaced(tmp_path: Path):
    first = claim(tmp_path / "ports.json", ("a", "b"))
    with socket.create_server((LOOPBACK, first["a"])):
        second = claim(tmp_path / "ports.json", ("a", "b"))
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


@pytest.mark.parametrize("content", ["", "[1]", '{"a": "x"}', '{"a": 99999999}', '{"a": -1}'])
def test_unreadable_memory_of_ports_is_written_anew(tmp_path: Path, content: str):
    (tmp_path / "ports.json").write_text(content)
    claimed = claim(tmp_path / "ports.json", ("a",))
    assert claim(tmp_path / "ports.json", ("a",)) == claimed
