"""Feature files: what is written is what the engine gives, and what is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quantumtrader import FeatureEngine, FeatureFrame, Instrument, core, empty_events
from quantumtrader.exceptions import ConfigError, DataAccessError, DataFormatError, UnsortedEventsError
from quantumtrader.features import FeatureManifest, compute_to_file, files, read_features
from quantumtrader.features.verify import recompute
from quantumtrader.types import Events, Kind, Phase

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)
NAMES = ["flow_ofi_1m", "hmarl_ofi_1m", "spread_ticks", "rsi_14", "cvd_session"]


@pytest.fixture(scope="module")
def events() -> Events:
    return core().generate_session(seed=4, max_events=6_000)


@pytest.mark.parametrize("clock", ["event", "1s", "bar"])
@pytest.mark.parametrize("cut", [1, 2_500, 10_000])
def test_parts_give_the_rows_of_the_whole(
    events: Events, clock: str, cut: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_CELLS", 4_096)
    monkeypatch.setattr(files, "_FEWEST_ROWS", 64)
    engine = FeatureEngine(NAMES, WDO, clock)
    whole = engine.run(events)
    short = events[:300] if cut == 1 else events
    whole = engine.run(short)
    parts = [short[k : k + cut] for k in range(0, len(short), cut)]
    told: list[float] = []
    done = compute_to_file(parts, engine, tmp_path / "f.parquet", advance=told.append)
    frame = read_features(done.path)
    assert frame.values.tobytes() == whole.values.tobytes()
    assert (frame.times == whole.times).all()
    assert frame.names == whole.names
    assert frame.metadata == whole.metadata
    assert FeatureManifest.of_frame(frame) == engine.manifest
    assert (done.events, done.rows) == (len(short), len(whole))
    assert sum(told) == len(short)
    if len(whole):
        assert (done.first_ns, done.last_ns) == (whole.times[0], whole.times[-1])
    meta = pq.read_metadata(done.path)
    assert meta.num_row_groups >= len(whole) // (4_096 // len(NAMES))
    column = meta.row_group(0).column(1)
    assert (column.compression, column.physical_type) == ("ZSTD", "DOUBLE")
    assert list(tmp_path.iterdir()) == [done.path]


def test_pandas_and_arrow_read_it(events: Events, tmp_path: Path) -> None:
    import pandas as pd

    engine = FeatureEngine(NAMES, WDO, "1s")
    done = compute_to_file([events], engine, tmp_path / "f.parquet")
    frame = pd.read_parquet(done.path)
    assert list(frame.columns) == ["ts", *NAMES]
    assert str(frame["ts"].dtype) == "datetime64[ns, UTC]"


def test_no_rows_still_say_what_they_would_be(tmp_path: Path) -> None:
    engine = FeatureEngine(NAMES, WDO, "1s")
    done = compute_to_file([], engine, tmp_path / "f.parquet")
    frame = read_features(done.path)
    assert (done.rows, done.first_ns, len(frame), frame.names) == (0, None, 0, tuple(NAMES))
    assert FeatureManifest.of_frame(frame) == engine.manifest


def test_a_file_is_replaced_only_on_request(events: Events, tmp_path: Path) -> None:
    path = tmp_path / "sub" / "f.parquet"
    engine = FeatureEngine(NAMES, WDO, "1s")
    compute_to_file([events], engine, path)
    before = path.read_bytes()
    with pytest.raises(DataAccessError, match="is there already"):
        compute_to_file([events], engine, path)
    with pytest.raises(UnsortedEventsError):  # nothing of a computation that fails is seen
        compute_to_file([events[:100], events[:50]], engine, path, overwrite=True)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["f.parquet"]
    compute_to_file([events[:500]], engine, path, overwrite=True)
    assert path.read_bytes() != before


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataAccessError, match="cannot be written"):
        compute_to_file([], FeatureEngine(NAMES, WDO, "1s"), tmp_path / "file" / "f.parquet")


def test_what_is_no_feature_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    with pytest.raises(DataAccessError, match="no such file"):
        read_features(path)
    path.write_bytes(b"PAR1 no parquet")
    with pytest.raises(DataFormatError, match="not readable as Parquet"):
        read_features(path)
    pq.write_table(pa.table({"a": [1.0]}), path)
    with pytest.raises(DataFormatError, match="no column `ts`"):
        read_features(path)
    stamps = pa.array([2, 1], pa.timestamp("ns", "UTC"))
    pq.write_table(pa.table({"ts": stamps, "a": ["x", "y"]}), path)
    with pytest.raises(DataFormatError, match="column a is not of floats"):
        read_features(path)
    pq.write_table(pa.table({"ts": stamps, "a": [1.0, None]}), path)
    with pytest.raises(DataFormatError, match="time runs backwards in row 1"):
        read_features(path)
    pq.write_table(pa.table({"ts": stamps[1:], "a": pa.array([None], pa.float64())}), path)
    assert np.isnan(read_features(path).values).all()  # missing is NaN
    other = FeatureEngine(["rsi_14"], WDO).manifest.to_json()
    table = pa.table({"ts": stamps[1:], "a": [1.0]}).replace_schema_metadata({"manifest": other})
    pq.write_table(table, path)
    with pytest.raises(DataFormatError, match="those of its manifest: it lacks rsi_14 and a stands only in"):
        read_features(path)
    pq.write_table(table.replace_schema_metadata({"manifest": other.replace("drop", "quote")}), path)
    with pytest.raises(DataFormatError, match="changed after it was written"):
        read_features(path)


def test_computing_again_finds_what_was_changed(events: Events) -> None:
    engine = FeatureEngine(NAMES, WDO, "1s")
    frame = engine.run(events)
    parts = [events[:1_000], events[1_000:]]
    again = recompute(frame, parts, WDO)
    assert again.equal
    assert again.exact
    assert (again.rows, again.missing, again.extra, again.manifest) == (len(frame), 0, 0, ())
    assert again.arrived.shape == (len(frame), 4)
    assert (np.diff(again.arrived, axis=0) >= 0).all()
    touched = FeatureFrame(frame.names, frame.times, frame.values.copy(), frame.metadata)
    touched.values[7:9, 4] += 1
    again = recompute(touched, parts, WDO)
    assert not again.equal
    [difference] = again.differences
    assert (difference.name, difference.rows, difference.first_row) == ("cvd_session", 2, 7)
    assert difference.stored == difference.computed + 1
    # The recording goes on for longer, or not as long; another tick is another manifest.
    assert (
        recompute(
            FeatureFrame(frame.names, frame.times[:5], frame.values[:5], frame.metadata), parts, WDO
        ).extra
        > 0
    )
    assert recompute(frame, [events[:3_000]], WDO).missing > 0
    other = Instrument("X", "X", tick_size=1.0, point_value=10.0)
    assert recompute(frame, parts, other).manifest == ("tick_size is 1.0, expected 0.5",)
    late = FeatureFrame(frame.names, frame.times + 1, frame.values, frame.metadata)
    assert recompute(late, parts, WDO).first_other_ns == frame.times[0]
    assert not recompute(late, parts, WDO).equal


def _until_noon_and_the_next_day() -> Events:
    """Two sessions with a silence of ten minutes in each; the recording of the first stops hours before the close."""
    hour, minute = 3_600 * 10**9, 60 * 10**9
    open_ns = 1_755_172_800 * 10**9  # 2025-08-14 09:00 in São Paulo
    times = [k * minute for k in (0, 1, 11, 12)]
    out = empty_events(12)
    for k, day in enumerate((0, 24 * hour)):
        at = slice(6 * k, 6 * k + 6)
        close = 2 * hour if k == 0 else 13 * minute
        out["ts_event"][at] = [open_ns + day + t for t in (0, *times, close)]
        out["kind"][at] = [Kind.SESSION, *[Kind.TRADE] * 4, Kind.SESSION]
        out["action"][at] = [Phase.OPEN, 0, 0, 0, 0, Phase.CLOSED]
    trades = out["kind"] == Kind.TRADE
    out["px"][trades], out["size"][trades], out["side"][trades] = 10_000, 1, 1
    out["ts_recv"], out["sequence"] = out["ts_event"], np.arange(len(out))
    return out


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_rows_after_the_end_of_a_recording(cut: int, tmp_path: Path) -> None:
    events = _until_noon_and_the_next_day()
    engine = FeatureEngine(["cvd_session"], WDO, "10s")
    whole = engine.run(events)
    parts = [events[k : k + cut] for k in range(0, len(events), cut)]
    kept = compute_to_file(parts, engine, tmp_path / "a.parquet")
    assert kept.rows == len(whole)
    done = compute_to_file(parts, engine, tmp_path / "b.parquet", tail_s=60)
    # The last print is 12 minutes after the opening; the grid goes on to the close, two hours after it.
    assert kept.tail_rows == done.tail_rows == (120 - 13) * 6 - 1
    frame = read_features(done.path)
    assert done.rows == len(frame) == len(whole) - done.tail_rows
    assert frame.metadata["tail_s"] == "60"
    first_day = frame.times < events["ts_event"][6]
    assert frame.times[first_day][-1] == events["ts_event"][4] + 60 * 10**9  # silences inside a session stay
    again = recompute(frame, parts, WDO)
    assert again.equal
    assert (again.rows, again.extra) == (len(frame), 0)
    with pytest.raises(ConfigError, match="tail_s is -1"):
        compute_to_file(parts, engine, tmp_path / "c.parquet", tail_s=-1)


@pytest.mark.parametrize("step", [7, 11])
def test_a_damaged_file_is_refused_or_the_same(events: Events, tmp_path: Path, step: int) -> None:
    """One flipped bit, anywhere in the columns: an error of ours, never other numbers."""
    path = tmp_path / "f.parquet"
    compute_to_file([events], FeatureEngine(NAMES, WDO, "1s"), path)
    whole, data = read_features(path), path.read_bytes()
    columns = len(data) - int.from_bytes(data[-8:-4], "little") - 8
    refused = 0
    for at in range(4, len(data), step):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        try:
            frame = read_features(path)
        except DataFormatError:
            refused += 1
            continue
        if at < columns:
            assert frame.times.tobytes() == whole.times.tobytes()
            assert frame.values.tobytes() == whole.values.tobytes()
    assert refused > columns / step / 2
