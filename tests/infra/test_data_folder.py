"""One run at a time uses a data folder; secrets in it are private and stable."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from marquee_infra.data_folder import credit_keys, opened
from marquee_infra.errors import PlatformError


def test_second_run_on_a_folder_is_refused_and_told_who_holds_it(tmp_path: Path):
    code = f"""
from pathlib import Path
from marquee_infra.data_folder import opened
with opened(Path({str(tmp_path)!r})):
    print("held", flush=True)
    input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(PlatformError, match=f"process {holder.pid}"), opened(tmp_path):
            pass
        holder.communicate("\n")
    with opened(tmp_path):
        pass


def test_file_in_the_place_of_the_folder_is_refused_by_a_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(PlatformError, match="cannot be used as data folder"):
        opened(tmp_path / "file").__enter__()


def test_credit_keys_are_made_once_and_only_the_owner_reads_them(tmp_path: Path):
    first = credit_keys(tmp_path)
    name, _, key = first.partition(":")
    assert name == "k1"
    assert len(bytes.fromhex(key)) == 32
    assert credit_keys(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "credit-keys").stat().st_mode) == 0o600
