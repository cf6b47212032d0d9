"""The order journal: cut anywhere, damaged anywhere, on a full disk, and written by two."""

from __future__ import annotations

import errno
import os
import stat
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumtrader.exceptions import JournalError
from quantumtrader.execution import OrderJournal
from quantumtrader.execution.order_journal import read_journal


def written(path: Path, count: int = 4) -> bytes:
    with OrderJournal(path) as journal:
        for k in range(count):
            journal.append("intent", 10**18 + k, sync=True, client_id=k, tag="é\n")
    return path.read_bytes()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.journal"
    data = written(path)
    records, size = read_journal(path)
    assert size == len(data)
    assert [r["n"] for r in records] == [1, 2, 3, 4]
    assert records[3] == {"n": 4, "kind": "intent", "ts": 10**18 + 3, "client_id": 3, "tag": "é\n"}


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_the_file_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    written(tmp_path / "orders.journal")
    assert stat.S_IMODE((tmp_path / "orders.journal").stat().st_mode) == 0o600


def test_cut_at_every_byte_it_opens_with_the_whole_records_and_goes_on(tmp_path: Path) -> None:
    data = written(tmp_path / "whole.journal")
    for cut in range(len(data) + 1):
        path = tmp_path / "cut.journal"
        path.write_bytes(data[:cut])
        whole = data[:cut].count(b"\n")
        with OrderJournal(path) as journal:
            assert len(journal.records) == whole
            journal.append("next", 1)
        records, _ = read_journal(path)
        assert len(records) == whole + 1
        assert records[-1]["kind"] == "next"


def test_every_damaged_byte_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    data = written(tmp_path / "whole.journal", 3)
    path = tmp_path / "bad.journal"
    for at in range(len(data) - 1):  # the last newline apart: without it the line was never finished
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :])
        line = data[:at].count(b"\n") + 1
        with pytest.raises(JournalError, match=rf"bad\.journal:{line}: .*Byte \d+"):
            OrderJournal(path)


def test_a_missing_or_moved_line_is_an_error(tmp_path: Path) -> None:
    lines = written(tmp_path / "whole.journal").splitlines(keepends=True)
    path = tmp_path / "bad.journal"
    for order in ([0, 2, 3], [1, 2, 3], [0, 2, 1, 3], [0, 0, 1, 2]):
        path.write_bytes(b"".join(lines[k] for k in order))
        with pytest.raises(JournalError, match="missing or were moved"):
            read_journal(path)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.journal"
    path.write_bytes(junk)
    try:
        records, size = read_journal(path)
    except JournalError:
        return
    assert len(records) == junk[:size].count(b"\n")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60).filter(lambda b: b"\n" not in b))
def test_a_line_that_checks_but_is_no_record_is_refused(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "text.journal"
    path.write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))
    with pytest.raises(JournalError):
        read_journal(path)


def test_a_second_writer_is_turned_away(tmp_path: Path) -> None:
    path = tmp_path / "orders.journal"
    with OrderJournal(path), pytest.raises(JournalError, match="another process writes it"):
        OrderJournal(path)
    OrderJournal(path).close()


def test_a_full_disk_leaves_a_readable_file_and_ends_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "orders.journal"
    journal = OrderJournal(path)
    journal.append("first", 1)
    room = 10
    write = os.write

    def full(fd: int, data: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(fd, data[:room])
        room -= written
        return written

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(JournalError, match="No space left"):
        journal.append("second", 2)
    monkeypatch.undo()
    assert [r["kind"] for r in read_journal(path)[0]] == ["first"]
    with pytest.raises(JournalError, match="is not written any more: No space left"):
        journal.append("third", 3)
    journal.close()
    with OrderJournal(path) as again:
        again.append("second", 2)
    assert [r["kind"] for r in read_journal(path)[0]] == ["first", "second"]


def test_a_real_full_disk(tmp_path: Path) -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("no /dev/full here")
    journal = OrderJournal(tmp_path / "orders.journal")
    spare = os.dup(journal._fd)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._fd)
    with pytest.raises(JournalError, match="cannot be written: No space left"):
        journal.append("first", 1)
    for fd in (spare, full):
        os.close(fd)
    journal.close()


def test_numbers_that_json_does_not_have_are_refused(tmp_path: Path) -> None:
    with (
        OrderJournal(tmp_path / "orders.journal") as journal,
        pytest.raises(ValueError, match="not JSON compliant"),
    ):
        journal.append("x", 1, px=float("nan"))
