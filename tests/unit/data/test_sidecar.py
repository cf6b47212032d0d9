"""The sidecar: whole lines, a torn last one is left out, anything else is an error with its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantumtrader.data.sidecar import SidecarWriter, read_sidecar, sidecar_of
from quantumtrader.exceptions import DataAccessError, DataFormatError


def write(path: Path) -> bytes:
    writer = SidecarWriter(path)
    writer.write(1, "start", symbols=["WDOU25"])
    writer.write(2, "message", name="state", fields=[np.int64(3), "São Paulo", b"raw"])
    writer.close()
    assert writer.size == path.stat().st_size
    return path.read_bytes()


def test_a_cut_at_every_byte_leaves_whole_lines(tmp_path: Path) -> None:
    raw = write(tmp_path / "a.jsonl")
    whole = list(read_sidecar(tmp_path / "a.jsonl"))
    assert whole[1] == {"ts": 2, "what": "message", "name": "state", "fields": [3, "São Paulo", "b'raw'"]}
    for cut in range(len(raw) + 1):
        (tmp_path / "cut.jsonl").write_bytes(raw[:cut])
        assert list(read_sidecar(tmp_path / "cut.jsonl")) == whole[: raw[:cut].count(b"\n")]


@pytest.mark.parametrize(
    "bad", [b"{}\n", b"[1]\n", b"not json\n", b'{"ts": "x", "what": 1}\n', b"\xff\xfe\n"]
)
def test_a_line_that_makes_no_sense_is_an_error_with_its_number(tmp_path: Path, bad: bytes) -> None:
    raw = write(tmp_path / "a.jsonl")
    (tmp_path / "bad.jsonl").write_bytes(raw + bad)
    with pytest.raises(DataFormatError, match=r"bad\.jsonl:3: is not a line of a sidecar"):
        list(read_sidecar(tmp_path / "bad.jsonl"))


def test_missing_and_existing_files(tmp_path: Path) -> None:
    assert list(read_sidecar(tmp_path / "none.jsonl")) == []
    write(tmp_path / "a.jsonl")
    with pytest.raises(DataAccessError, match="cannot write the sidecar: File exists"):
        SidecarWriter(tmp_path / "a.jsonl")
    assert sidecar_of(tmp_path / "a.b_001.qtj").name == "a.b_001.jsonl"
