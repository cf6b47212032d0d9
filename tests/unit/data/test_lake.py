"""The lake: the same records come back, files are whole or absent, encodings are as documented."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantumtrader.data import lake as lake_module
from quantumtrader.data.lake import Lake
from quantumtrader.exceptions import DataError, DataFormatError, EmptyDataError
from quantumtrader.types import EVENT, VIEWS, Events, Flag, Instrument, Kind

WDO = Instrument("WDOU25", "WDO", 0.5, 10.0)
NOON = 1_755_270_000_000_000_000  # 2025-08-15 15:00 UTC


def mixed(n: int, seed: int = 0, *, start: int = NOON, step: int = 1_000_000) -> Events:
    """Records of every kind with random values in the fields of their kind."""
    rng = np.random.default_rng(seed)
    out = np.zeros(n, EVENT)
    out["kind"] = rng.choice([int(k) for k in Kind], n)
    for kind, view in VIEWS.items():
        mine = out["kind"] == kind
        for field in view.columns.values():
            limits = np.iinfo(EVENT[field])
            out[field][mine] = rng.integers(limits.min, limits.max, mine.sum(), endpoint=True)
    out["flags"][np.isin(out["kind"], (Kind.GAP, Kind.TIMER))] = 0
    out["ts_event"] = start + step * np.arange(n)
    out["ts_recv"] = out["ts_event"] + rng.integers(0, step, n)
    out["sequence"] = np.cumsum(rng.integers(1, 3, n))
    return out


def store(lake: Lake, *parts: Events, **options: bool) -> None:
    with lake.writer(WDO, source="test", **options) as writer:  # type: ignore[arg-type]
        for part in parts:
            writer.add(part)


@pytest.mark.parametrize("n", [1, 2, 500, 5_000])
def test_same_records_come_back(tmp_path: Path, n: int) -> None:
    events = mixed(n)
    store(Lake(tmp_path), events)
    assert Lake(tmp_path).read("WDOU25").tobytes() == events.tobytes()


@given(
    columns=st.lists(
        hnp.arrays(np.int64, 40, elements=st.integers(-(2**31) + 1, 2**31 - 1)), min_size=3, max_size=3
    ),
    dense=st.booleans(),
)
def test_same_records_come_back_for_any_values(
    tmp_path_factory: pytest.TempPathFactory, columns: list[np.ndarray], dense: bool
) -> None:
    events = np.zeros(40, EVENT)
    events["kind"] = np.where(columns[0] % 2 == 0, Kind.TRADE, Kind.QUOTE)
    events["px"], events["size"], events["id"] = (
        columns[0],
        columns[1],
        columns[2] * (events["kind"] == Kind.TRADE),
    )
    events["ts_recv"] = NOON + np.sort(np.abs(columns[2]))
    events["ts_event"] = events["ts_recv"] - columns[1]
    events["sequence"] = np.arange(40) if dense else np.cumsum(np.abs(columns[1]) % 5 + 1)
    lake = Lake(tmp_path_factory.mktemp("lake"))
    store(lake, events)
    assert lake.read("WDOU25").tobytes() == events.tobytes()


@pytest.mark.parametrize(
    ("sequences", "dense"), [([5, 6, 7, 8], b"true"), ([5, 5, 7, 8], b"false"), ([5, 6, 8, 9], b"false")]
)
def test_sequences_are_places_only_without_holes_and_repeats(
    tmp_path: Path, sequences: list[int], dense: bytes
) -> None:
    events = np.zeros(4, EVENT)
    events["kind"] = [Kind.TRADE, Kind.LEVEL, Kind.TRADE, Kind.LEVEL]
    events["ts_event"] = events["ts_recv"] = NOON
    events["sequence"], events["px"] = sequences, [1, 2, 3, 4]
    store(Lake(tmp_path), events)
    assert {pq.read_schema(path).metadata[b"dense"] for path in tmp_path.rglob("*.parquet")} == {dense}
    assert Lake(tmp_path).read("WDOU25").tobytes() == events.tobytes()


def test_many_blocks_and_row_groups(tmp_path: Path) -> None:
    events = mixed(300_000, step=1_000)
    events = events[np.isin(events["kind"], (Kind.TRADE, Kind.LEVEL))]
    store(Lake(tmp_path), *np.array_split(events, 7))
    assert Lake(tmp_path).read("WDOU25").tobytes() == events.tobytes()


def test_layout_and_encodings(tmp_path: Path) -> None:
    events = mixed(3_000)
    events = events[events["kind"] == Kind.TRADE].copy()
    events["flags"], events["ref_a"] = int(Flag.SYNTHETIC), 0
    store(Lake(tmp_path), events)
    path = tmp_path / "v1" / "kind=trades" / "symbol=WDOU25" / "date=2025-08-15" / "part-0000.parquet"
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]
    file = pq.ParquetFile(path)
    assert set(file.schema_arrow.names) == {
        "ts_event",
        "recv_delay",
        "sequence",
        "trade_id",
        "px",
        "size",
        "seller",
        "side",
    }
    about = {k.decode(): v.decode() for k, v in file.schema_arrow.metadata.items()}
    assert (about["tick_size"], about["source"], about["schema_version"], about["synthetic"]) == (
        "0.5",
        "test",
        "1",
        "true",
    )
    group = file.metadata.row_group(0)
    columns = {group.column(k).path_in_schema: group.column(k) for k in range(group.num_columns)}
    assert "DELTA_BINARY_PACKED" in columns["ts_event"].encodings
    assert "RLE_DICTIONARY" in columns["side"].encodings
    assert columns["side"].compression == "ZSTD"
    assert columns["px"].has_column_index
    assert str(file.schema_arrow.field("ts_event").type) == "timestamp[ns, tz=UTC]"


def test_receive_time_is_omitted_when_it_equals_the_event_time(tmp_path: Path) -> None:
    events = mixed(100)
    events["ts_recv"] = events["ts_event"]
    store(Lake(tmp_path), events)
    for path in tmp_path.rglob("*.parquet"):
        assert not {"ts_recv", "recv_delay"} & set(pq.read_schema(path).names)
    assert Lake(tmp_path).read("WDOU25").tobytes() == events.tobytes()


def test_sessions_are_local_dates(tmp_path: Path) -> None:
    two_in_the_morning_utc = 1_755_309_600_000_000_000  # 2025-08-16 02:00 UTC is still the 15th in São Paulo
    events = mixed(10, start=two_in_the_morning_utc, step=3_600_000_000_000)
    lake = Lake(tmp_path)
    store(lake, events[:1], events[1:])
    assert lake.dates("WDOU25") == [date(2025, 8, 15), date(2025, 8, 16)]
    assert lake.read("WDOU25").tobytes() == events.tobytes()
    assert lake.read("WDOU25", end=date(2025, 8, 15)).tobytes() == events[:1].tobytes()
    assert lake.read("WDOU25", start=date(2025, 8, 16)).tobytes() == events[1:].tobytes()
    assert lake.symbols() == ["WDOU25"]


def test_sessions_imported_apart_continue_the_sequence(tmp_path: Path) -> None:
    day = 86_400_000_000_000
    lake = Lake(tmp_path)
    store(lake, mixed(50))
    store(lake, mixed(50, start=NOON + day))
    sequence = lake.read("WDOU25")["sequence"]
    assert (np.diff(sequence) > 0).all()


def test_overwriting_is_explicit(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    first, second = mixed(100), mixed(80, seed=1)
    second = second[second["kind"] != Kind.BAR]
    store(lake, first)
    with pytest.raises(DataError, match=r"already has data of 2025-08-15.*--overwrite"):
        store(lake, second)
    assert lake.read("WDOU25").tobytes() == first.tobytes()
    store(lake, second, overwrite=True)
    assert lake.read("WDOU25").tobytes() == second.tobytes()  # the bars of the first import are gone


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_nothing_is_left_when_the_source_fails(tmp_path: Path) -> None:
    lake = Lake(tmp_path)

    def fail() -> None:
        with lake.writer(WDO, source="test") as writer:
            writer.add(mixed(100))
            raise RuntimeError("source")

    with pytest.raises(RuntimeError, match="source"):
        fail()
    assert files(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_import_that_stops_while_writing_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def stop(*_: object) -> None:
        raise error

    monkeypatch.setattr(lake_module, "_write", stop)
    with pytest.raises((KeyboardInterrupt, DataError)):
        store(Lake(tmp_path / "lake"), mixed(10))
    assert not (tmp_path / "lake").exists()


def test_folders_without_files_are_no_data(tmp_path: Path) -> None:
    (tmp_path / "v1" / "kind=trades" / "symbol=WDOU25" / "date=2025-08-15").mkdir(parents=True)
    assert Lake(tmp_path).symbols() == []
    with pytest.raises(EmptyDataError, match="The lake has nothing"):
        Lake(tmp_path).read("WDOU25")


def test_full_disk(tmp_path: Path) -> None:
    """The kernel refuses to let the file grow: the old session stays whole, nothing new is left."""
    resource = pytest.importorskip("resource", reason="limits on file sizes are a POSIX thing")
    lake = Lake(tmp_path)
    old = mixed(100)
    store(lake, old)
    before = files(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(DataError, match=r"disk is full.*nothing was changed"):
            store(lake, mixed(20_000, seed=1), overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files(tmp_path) == before
    assert lake.read("WDOU25").tobytes() == old.tobytes()


def test_disk_full_while_publishing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)

    def full(handle: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match=r"No space left on device.*free some space"):
        store(lake, mixed(100))
    assert files(tmp_path) == []


def test_records_with_fields_of_another_kind_are_refused(tmp_path: Path) -> None:
    events = np.zeros(10, EVENT)
    events["kind"], events["size_ask"] = Kind.TRADE, 5
    with pytest.raises(DataError, match="field 'size_ask' is set in events of trades"):
        store(Lake(tmp_path), events)
    assert files(tmp_path) == []


def test_damaged_and_missing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    store(lake, mixed(100))
    with pytest.raises(EmptyDataError, match=r"no data of WINV25.*The lake has WDOU25"):
        lake.read("WINV25")
    with pytest.raises(
        EmptyDataError, match="no data of WDOU25 from 2025-09-01 to the end: sessions there are 2025-08-15"
    ):
        lake.read("WDOU25", start=date(2025, 9, 1))
    with pytest.raises(DataError, match="cannot be a folder name"):
        lake.read("../WDOU25")
    path = lake.file("trades", "WDOU25", date(2025, 8, 15))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataFormatError, match=r"part-0000\.parquet: is not a readable lake file"):
        lake.read("WDOU25")


@pytest.mark.parametrize("column", ["ts_event", "recv_delay", "sequence", "px", "size", "side"])
def test_a_column_that_is_gone_is_never_read_as_zeros(tmp_path: Path, column: str) -> None:
    lake = Lake(tmp_path)
    store(lake, mixed(200))
    path = lake.file("trades", "WDOU25", date(2025, 8, 15))
    table = pq.ParquetFile(path).read()
    pq.write_table(table.drop([column]), path)
    with pytest.raises(DataFormatError, match=rf"kind=trades.*has no column '{column}'"):
        lake.read("WDOU25")
    if column != "px":
        return
    floats = table.set_column(table.schema.get_field_index("px"), "px", table["px"].cast("float64"))
    stray = table.append_column("price", table["px"])
    for other, message in ((floats, "'px' as double, expected int32"), (stray, "a column 'price'")):
        pq.write_table(other, path)
        with pytest.raises(DataFormatError, match=message):
            lake.read("WDOU25")


def test_a_column_that_never_changes_may_be_absent(tmp_path: Path) -> None:
    lake, events = Lake(tmp_path), mixed(200)
    events["side"][events["kind"] == Kind.TRADE] = -1
    store(lake, events)
    assert "side" not in pq.read_schema(lake.file("trades", "WDOU25", date(2025, 8, 15))).names
    assert lake.read("WDOU25").tobytes() == events.tobytes()


@pytest.mark.parametrize("dense", [True, False])
def test_a_session_without_one_of_its_files_is_refused(tmp_path: Path, dense: bool) -> None:
    lake, events = Lake(tmp_path), mixed(200)
    if dense:
        events["sequence"] = np.arange(200)
    store(lake, events)
    trades = int((events["kind"] == Kind.TRADE).sum())
    lake.file("trades", "WDOU25", date(2025, 8, 15)).unlink()
    with pytest.raises(DataFormatError, match=f"are missing.*2025-08-15.*with 200, .* hold {200 - trades}"):
        lake.read("WDOU25")


def test_a_numbering_without_holes_says_that_records_are_missing(tmp_path: Path) -> None:
    """Lakes of before do not say how many records the session has; they say that its numbers have no holes."""
    lake, events = Lake(tmp_path), mixed(200)
    events["sequence"] = np.arange(200)
    store(lake, events)
    for path in tmp_path.rglob("*.parquet"):
        table = pq.ParquetFile(path).read()
        about = {k: v for k, v in table.schema.metadata.items() if k != b"records"}
        pq.write_table(table.replace_schema_metadata(about), path)
    assert lake.read("WDOU25").tobytes() == events.tobytes()
    lake.file("trades", "WDOU25", date(2025, 8, 15)).unlink()
    with pytest.raises(DataFormatError, match="records are missing"):
        lake.read("WDOU25")


def test_half_a_session_is_refused_until_it_is_written_again(tmp_path: Path) -> None:
    """A writer that was killed between two files leaves a note; nobody takes what is there for the session."""
    lake, events = Lake(tmp_path), mixed(200)
    store(lake, events)
    day = lake.dates("WDOU25")[0]
    assert not (tmp_path / ".publishing").exists()
    note = lake.publishing("WDOU25", day)
    note.parent.mkdir()
    note.touch()
    with pytest.raises(DataError, match=f"the session {day} of WDOU25 was only written in part"):
        lake.read("WDOU25")
    store(lake, events)  # what is half there may be replaced without saying so
    assert lake.read("WDOU25").tobytes() == events.tobytes()


def test_records_of_one_kind_come_in_pieces(tmp_path: Path) -> None:
    lake, events = Lake(tmp_path), mixed(5_000)
    store(lake, events)
    day = lake.dates("WDOU25")[0]
    got = np.concatenate(list(lake.records("trades", "WDOU25", day)))
    assert got.tobytes() == events[events["kind"] == Kind.TRADE].tobytes()
    assert list(lake.records("trades", "WINQ25", day)) == []


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    """Pages have checksums; what little is left are the headers between them."""
    lake, events = Lake(tmp_path), mixed(400)
    store(lake, events)
    path = lake.file("trades", "WDOU25", date(2025, 8, 15))
    data = path.read_bytes()
    places = range(4, len(data) - int.from_bytes(data[-8:-4], "little") - 8, 13)
    unseen = 0
    for at in places:
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        try:
            unseen += lake.read("WDOU25").tobytes() != events.tobytes()
        except DataFormatError:
            continue
    assert unseen <= len(places) / 50
