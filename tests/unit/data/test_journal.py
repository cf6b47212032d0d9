"""The journal: whole frames or none, damage is told from a tear, nothing acknowledged is lost."""

from __future__ import annotations

import errno
import os
import stat
import struct
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.data.test_lake import mixed

from quantumtrader.data import journal as module
from quantumtrader.data._lock import SymbolLock, is_locked
from quantumtrader.data.journal import (
    JournalHeader,
    JournalInstrument,
    JournalReader,
    JournalWriter,
    is_journal,
)
from quantumtrader.exceptions import DataAccessError, DataFormatError, EmptyDataError
from quantumtrader.types import EVENT, PX_NONE, Action, Events, Kind, Side

HEADER = JournalHeader((JournalInstrument(0, "WDOU25", 0.5, 10.0),), "test", True, 1_755_270_000_000_000_000)
FRAMES = (3, 1, 5, 2)
"""Events of each frame of ``small``."""


def write(path: Path, frames: list[Events]) -> list[int]:
    """Write one frame per array; returns the byte at which each one ends, the header's end first."""
    with JournalWriter(path, HEADER, flush_ns=0) as writer:
        ends = [writer.size]
        for frame in frames:
            writer.append(frame, HEADER.created_ns)
            ends.append(writer.size)
    return ends


def small(path: Path) -> tuple[list[Events], list[int]]:
    events = mixed(sum(FRAMES))
    frames = np.split(events, np.cumsum(FRAMES)[:-1])
    return frames, write(path, frames)


def test_bytes_are_those_of_the_format(tmp_path: Path) -> None:
    """Written down by hand: other programs read these files."""
    events = mixed(2)
    write(tmp_path / "a.qtj", [events])
    raw = (tmp_path / "a.qtj").read_bytes()
    assert raw[:8] == b"QTJRNL\0\1"
    length, crc = struct.unpack_from("<II", raw, 8)
    header = raw[16 : 16 + length]
    assert zlib.crc32(header) == crc
    assert b'"record_size": 64' in header
    frame = raw[16 + length :]
    magic, count, crc, zero = struct.unpack_from("<IIII", frame)
    assert (magic, count, zero) == (0x4D415246, 2, 0)
    assert frame[16:] == events.tobytes()
    assert crc == zlib.crc32(struct.pack("<I", 2) + events.tobytes())


def test_golden_file_is_what_is_written_and_read(root: Path, tmp_path: Path) -> None:
    """The reader in Rust is held to the same file."""
    events = np.zeros(3, EVENT)
    events["ts_event"] = HEADER.created_ns + np.arange(3)
    events["ts_recv"] = events["ts_event"] + 100
    events["sequence"] = np.arange(1, 4)
    events["kind"] = Kind.ORDER
    last = events[2]
    last["id"], last["px"], last["px_ask"], last["size"], last["size_ask"] = (
        -7,
        -10_801,
        PX_NONE,
        2**31 - 1,
        4,
    )
    last["ref_a"], last["ref_b"], last["instrument"], last["flags"] = 5, -1, 65_535, 2_048
    last["action"], last["side"] = Action.EDIT, Side.SELL
    write(tmp_path / "a.qtj", [events[:2], events[2:]])
    golden = root / "tests" / "golden" / "journal.qtj"
    assert (tmp_path / "a.qtj").read_bytes() == golden.read_bytes()
    assert JournalReader(golden).read().tobytes() == events.tobytes()


def test_same_events_and_header_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.qtj"
    frames, _ = small(path)
    reader = JournalReader(path)
    assert reader.header == HEADER
    assert [len(frame) for frame in reader] == list(FRAMES)
    assert reader.read().tobytes() == np.concatenate(frames).tobytes()
    assert (reader.torn, reader.end, is_journal(path)) == (0, path.stat().st_size, True)


def test_a_cut_at_every_byte_leaves_the_whole_frames_before_it(tmp_path: Path) -> None:
    frames, ends = small(tmp_path / "whole.qtj")
    raw = (tmp_path / "whole.qtj").read_bytes()
    path = tmp_path / "cut.qtj"
    for cut in range(len(raw) + 1):
        path.write_bytes(raw[:cut])
        if cut < ends[0]:
            with pytest.raises(EmptyDataError, match="ends inside its header"):
                JournalReader(path)
            continue
        whole = sum(end <= cut for end in ends[1:])
        reader = JournalReader(path)
        assert reader.read().tobytes() == b"".join(frame.tobytes() for frame in frames[:whole]), cut
        assert (reader.end, reader.torn) == (ends[whole], cut - ends[whole])


def test_damage_at_any_byte_is_an_error_or_a_tear_never_other_events(tmp_path: Path) -> None:
    frames, ends = small(tmp_path / "whole.qtj")
    raw = (tmp_path / "whole.qtj").read_bytes()
    path = tmp_path / "bad.qtj"
    rng = np.random.default_rng(7)
    for at in range(ends[0], len(raw)):
        bad = bytearray(raw)
        bad[at] ^= int(rng.integers(1, 256))
        path.write_bytes(bad)
        frame = next(k for k, end in enumerate(ends[1:]) if at < end)
        before = b"".join(f.tobytes() for f in frames[:frame])
        reader = JournalReader(path, until_damage=True)
        assert reader.read().tobytes() == before
        if reader.damage is None:
            # Only the last frame can be taken for torn: nothing whole follows it.
            assert frame == len(FRAMES) - 1, at
            continue
        assert f"{path}: the journal is damaged at byte {ends[frame]:,}" in str(reader.damage)
        assert "Restore the file from a copy" in str(reader.damage)
        with pytest.raises(DataFormatError, match="is damaged at byte"):
            JournalReader(path).read()


def test_a_damaged_header_is_refused(tmp_path: Path) -> None:
    _, ends = small(tmp_path / "whole.qtj")
    raw = (tmp_path / "whole.qtj").read_bytes()
    for at in range(ends[0]):
        bad = bytearray(raw)
        bad[at] ^= 0xFF
        (tmp_path / "bad.qtj").write_bytes(bad)
        with pytest.raises((DataFormatError, EmptyDataError)):
            JournalReader(tmp_path / "bad.qtj")


@given(st.binary(max_size=600), st.integers(0, 200))
def test_garbage_never_becomes_events(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, cut: int
) -> None:
    path = tmp_path_factory.mktemp("garbage") / "a.qtj"
    frames, ends = small(path)
    path.write_bytes(path.read_bytes()[: max(ends[2], ends[-1] - cut)] + tail)
    got = JournalReader(path, until_damage=True).read().tobytes()
    assert np.concatenate(frames).tobytes().startswith(got)
    assert len(got) >= sum(FRAMES[:2]) * EVENT.itemsize


@given(st.binary(max_size=400))
def test_any_bytes_are_an_error_of_ours(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.qtj"
    path.write_bytes(raw)
    with pytest.raises((DataFormatError, EmptyDataError)):
        JournalReader(path).read()


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"\xff", b'{"schema_version": 1, "record_size": 64, "instruments": 3}', b"null"]
)
def test_a_header_of_another_program_is_refused(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a.qtj"
    path.write_bytes(struct.pack("<8sII", b"QTJRNL\0\1", len(body), zlib.crc32(body)) + body)
    with pytest.raises(DataFormatError):
        JournalReader(path)


def test_zeros_after_a_loss_of_power_are_a_tear(tmp_path: Path) -> None:
    path = tmp_path / "a.qtj"
    frames, _ = small(path)
    path.write_bytes(path.read_bytes() + bytes(4096))
    reader = JournalReader(path)
    assert reader.read().tobytes() == np.concatenate(frames).tobytes()
    assert reader.torn == 4096


def test_a_kill_loses_what_waits_and_nothing_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.qtj"
    code = f"""
        import os, sys
        sys.path[:0] = {sys.path!r}
        from pathlib import Path
        from quantumtrader.data.journal import JournalWriter
        from tests.unit.data.test_lake import mixed
        from tests.unit.data.test_journal import HEADER
        writer = JournalWriter(Path({str(path)!r}), HEADER, frame_records=64, flush_ns=10**9)
        writer.append(mixed(1_000), HEADER.created_ns)
        print(writer.written, flush=True)
        os.kill(os.getpid(), 9)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert run.returncode == -9 or os.name == "nt", run.stderr
    assert int(run.stdout) == 960
    assert JournalReader(path).read().tobytes() == mixed(1_000)[:960].tobytes()


def test_flush_and_sync_follow_the_clock(tmp_path: Path) -> None:
    events, start = mixed(4), HEADER.created_ns
    with JournalWriter(tmp_path / "a.qtj", HEADER, flush_ns=50, sync_ns=1_000) as writer:
        writer.append(events[:1], start)
        assert (writer.waiting, writer.written) == (1, 0)
        writer.append(events[1:2], start + 49)
        assert (writer.waiting, writer.written) == (2, 0)
        writer.tick(start + 50)
        assert (writer.waiting, writer.written, writer.durable) == (0, 2, 0)
        writer.append(events[2:], start + 60)
        writer.tick(start + 999)
        assert (writer.written, writer.durable) == (4, 0)
        writer.tick(start + 1_000)
        assert (writer.written, writer.durable) == (4, 4)


def test_memory_is_bounded_by_the_frame(tmp_path: Path) -> None:
    with JournalWriter(tmp_path / "a.qtj", HEADER, frame_records=10, flush_ns=10**9) as writer:
        writer.append(mixed(1_003), HEADER.created_ns)
        assert (writer.waiting, writer.written) == (3, 1_000)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permission bits")
def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        write(tmp_path / "a.qtj", [mixed(1)])
        SymbolLock(tmp_path, "WDOU25").release()
    finally:
        os.umask(old)
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o600, 0o600]


def test_a_journal_is_never_written_to_twice(tmp_path: Path) -> None:
    write(tmp_path / "a.qtj", [mixed(1)])
    before = (tmp_path / "a.qtj").read_bytes()
    with pytest.raises(DataAccessError, match=r"a\.qtj: cannot begin the journal.*choose another name"):
        JournalWriter(tmp_path / "a.qtj", HEADER)
    assert (tmp_path / "a.qtj").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.qtj"]


def test_two_writers_are_refused_until_the_first_one_ends(tmp_path: Path) -> None:
    lock = SymbolLock(tmp_path, "WDOU25")
    with pytest.raises(DataAccessError, match="WDOU25 is being recorded into this folder"):
        SymbolLock(tmp_path, "WDOU25")
    SymbolLock(tmp_path, "WINQ25").release()
    assert is_locked(tmp_path, "WDOU25")
    lock.release()
    assert not is_locked(tmp_path, "WDOU25")


@pytest.mark.parametrize("room", [0, 1, 15, 16, 17, 300])
def test_a_full_disk_loses_nothing_that_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """The disk takes some bytes of a frame and then no more."""
    path = tmp_path / "a.qtj"
    events = mixed(20)
    writer = JournalWriter(path, HEADER, flush_ns=0)
    writer.append(events[:7], HEADER.created_ns)
    left = room
    real = os.write

    def small_disk(fd: int, parts: list[memoryview]) -> int:
        nonlocal left
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = real(fd, b"".join(parts)[:left])
        left -= done
        return done

    monkeypatch.setattr(module.os, "writev", small_disk, raising=False)
    with pytest.raises(
        DataAccessError, match="The disk is full: free some space and start again; the 7 events"
    ):
        writer.append(events[7:], HEADER.created_ns)
    assert (writer.written, writer.taken) == (7, 20)
    assert JournalReader(path).read().tobytes() == events[:7].tobytes()
    assert path.stat().st_size == writer.size
    with pytest.raises(DataAccessError, match="is closed"):
        writer.append(events, HEADER.created_ns)


@pytest.mark.skipif(os.name == "nt", reason="needs file size limits")
def test_a_file_size_limit_is_a_full_disk(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "a.qtj"
    writer = JournalWriter(path, HEADER, frame_records=100)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(DataAccessError, match="The disk is full"):
            writer.append(mixed(1_000), HEADER.created_ns)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert writer.written == 300
    assert JournalReader(path).read().tobytes() == mixed(1_000)[:300].tobytes()


def test_a_failing_sync_ends_the_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter(tmp_path / "a.qtj", HEADER, flush_ns=0, sync_ns=0)

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module.os, "fsync", broken)
    with pytest.raises(DataAccessError, match="cannot sync the journal"):
        writer.append(mixed(3), HEADER.created_ns)
    assert (writer.written, writer.durable) == (3, 0)


def test_a_journal_can_be_read_while_it_grows(tmp_path: Path) -> None:
    events = mixed(100)
    with JournalWriter(tmp_path / "a.qtj", HEADER, flush_ns=0) as writer:
        writer.append(events[:40], HEADER.created_ns)
        reader = JournalReader(tmp_path / "a.qtj")
        assert reader.read().tobytes() == events[:40].tobytes()
        writer.append(events[40:], HEADER.created_ns)
        assert reader.read().tobytes() == events.tobytes()


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataAccessError, match="cannot read the journal: No such file"):
        JournalReader(tmp_path / "none.qtj")
    assert not is_journal(tmp_path / "none.qtj")
    (tmp_path / "text.csv").write_text("a,b\n")
    with pytest.raises(DataFormatError, match="is not a journal"):
        JournalReader(tmp_path / "text.csv")
