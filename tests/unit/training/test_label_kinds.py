"""Labels that no training learns, written from a recording: those of the library functions, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quantumtrader.app.primary import primary_sides
from quantumtrader.backtest import Backtest, BacktestSettings
from quantumtrader.exceptions import ConfigError, DataAccessError, DataError, DataFormatError, EmptyDataError
from quantumtrader.execution.strategies.bar_trend_baseline import BarTrendBaseline
from quantumtrader.features import FeatureEngine
from quantumtrader.training.labels import Latency, fill, markout, path_of, triple_barrier, volatility
from quantumtrader.training.pipelines import Recording
from quantumtrader.training.pipelines.labelling import LabelConfig, label_recording
from quantumtrader.training.pipelines.sides import Sides, read_sides
from quantumtrader.training.pipelines.synthetic import synthetic_book
from quantumtrader.training.weights import average_uniqueness
from quantumtrader.types import Events, Kind
from reference.planted import S, X, sessions
from reference.planted_bars import Y, bar_sessions

LATENCIES = (5 * 10**6, 40 * 10**6, 700 * 10**6)


@pytest.fixture(scope="module")
def bars() -> list[Events]:
    return bar_sessions(3, 3, 0.9)


@pytest.fixture(scope="module")
def book() -> Recording:
    return synthetic_book(2, minutes=5)


def closes(parts: list[Events]) -> np.ndarray:
    whole = np.concatenate(parts)
    return whole["ts_event"][whole["kind"] == Kind.BAR].astype(np.int64)


def test_volatility_is_that_of_the_function(bars: list[Events]) -> None:
    found = label_recording(Recording.of(bars, Y), LabelConfig("volatility", horizon_s=600, every_s=300))
    times = closes(bars)
    stretch = times // (300 * S)
    due = times[np.concatenate(([True], stretch[1:] != stretch[:-1]))]
    alone = volatility(path_of(bars, Y, 1.0), due, 600 * S)
    assert found.spans.t0.tolist() == alone.spans.t0.tolist()
    assert found.y.tolist() == alone.y.tolist()
    assert found.columns["sigma_ticks"] == pytest.approx(np.sqrt(alone.y))
    assert found.facts["dropped"] == dict(alone.dropped)
    assert found.facts["quantiles"]["p50"] == np.median(alone.y)
    assert "classes" not in found.facts
    table = found.table()
    assert table.column_names == ["t0", "t1", "session", "y", "weight", "sigma_ticks"]
    assert table["weight"].to_numpy() == pytest.approx(average_uniqueness(alone.spans))
    assert found.facts["n_eff"] == pytest.approx(average_uniqueness(alone.spans).sum())


def test_meta_labels_are_those_of_the_function_after_costs(bars: list[Events]) -> None:
    instrument = replace(Y, fee=1.25)  # 2 × 1.25 over a tick of 5 are half a tick
    times = closes(bars)
    rng = np.random.default_rng(2)
    chosen = times[np.sort(rng.choice(len(times), 60, replace=False))] + 7 * S
    chosen = chosen[chosen % (86_400 * S) > (12 * 3_600 + 1_200) * S]  # warm in each session
    primary = Sides(np.append(chosen, times[-1] + 3_600 * S), rng.choice([-1, 0, 1], len(chosen) + 1), "mine")
    asked = LabelConfig(
        "meta", horizon_s=300, sides=primary, slippage_ticks=1.0, latency_sample_ns=LATENCIES, seed=5
    )
    found = label_recording(Recording.of(bars, instrument), asked)
    engine = FeatureEngine(["atr_14"], instrument, clock="bar")
    engine.update_many(np.concatenate(bars))
    frame = engine.take()
    sigma = frame["atr_14"][np.searchsorted(frame.times, chosen, "right") - 1]
    alone = triple_barrier(
        path_of(bars, instrument, 1.0), chosen, sigma, side=primary.side[:-1], multiple=2.0, least_ticks=4.0,
        horizon_ns=300 * S, latency=Latency(LATENCIES, 5),
    )  # fmt: skip
    assert found.spans.t1.tolist() == alone.spans.t1.tolist()
    assert found.columns["net_ticks"].tolist() == (alone.gross_ticks - 1.5).tolist()
    assert found.y.tolist() == (alone.gross_ticks > 1.5).astype(int).tolist()
    assert {0, 1} == set(found.y.tolist())
    assert found.columns["ended"].tolist() == alone.ended.tolist()
    assert found.facts["dropped"] == {
        **alone.dropped,
        "outside a session": alone.dropped["outside a session"] + 1,
    }
    assert found.facts["fees_known"]
    assert not label_recording(Recording.of(bars, replace(Y, fee=0.0, free=False)), asked).facts["fees_known"]
    assert found.facts["measured_from"]["sides"] == "mine"
    assert found.facts["measured_from"]["latency_count"] == 3


def test_fills_and_markouts_are_those_of_the_functions(book: Recording) -> None:
    options: dict[str, Any] = {"wait_s": 5.0, "latency_sample_ns": LATENCIES}
    found = label_recording(book, LabelConfig("fill", **options))
    events = np.concatenate(list(book.sessions()))
    path = path_of(events, book.instrument)
    moments = np.unique(found.spans.t0)
    assert (np.diff(moments // (5 * S)) > 0).all()
    assert len(found.y) == 2 * len(moments) > 80
    alone = fill(
        events, path, np.repeat(moments, 2), instrument=book.instrument, side=np.tile([1, -1], len(moments)),
        wait_ns=5 * S, latency=Latency(LATENCIES),
    )  # fmt: skip
    assert 0 < alone.y.sum() < len(alone)
    assert found.y.tolist() == alone.y.tolist()
    for name in ("side", "limit_px", "fill_ts", "fill_px", "maker"):
        np.testing.assert_array_equal(found.columns[name], getattr(alone, name))
    marks = label_recording(book, LabelConfig("markout", after_s=(0.5, 5.0), **options))
    after = markout(path, alone, (S // 2, 5 * S))
    assert marks.y.tolist() == after.moves_ticks[:, 0].tolist()
    assert marks.spans.t1.tolist() == after.spans.t1.tolist()
    np.testing.assert_array_equal(marks.columns["move_5s_ticks"], after.moves_ticks[:, 1])
    np.testing.assert_array_equal(marks.columns["fill_ts"], alone.fill_ts[np.isin(alone.rows, after.rows)])
    assert marks.facts["dropped"]["not filled"] == after.dropped["not filled"]
    bids = label_recording(book, LabelConfig("fill", side="buy", **options))
    assert bids.y.tolist() == alone.y[alone.side == 1].tolist()
    assert set(bids.columns["side"].tolist()) == {1}


def test_fills_are_refused_without_a_book(bars: list[Events]) -> None:
    for parts, instrument, what in ((bars, Y, "bar"), (sessions(1, 3, 0.9, n=60), X, "quote")):
        for label in ("fill", "markout"):
            with pytest.raises(DataError, match=rf"{label}: events has no book, only {what}: where an order"):
                label_recording(Recording.of(parts, instrument), LabelConfig(label))


def test_sessions_with_a_gap_are_refused_or_left_out(bars: list[Events]) -> None:
    parts = [part.copy() for part in bars]
    parts[1]["kind"][40] = Kind.GAP
    recording = Recording.of(parts, Y)
    asked = LabelConfig("volatility", horizon_s=600)
    with pytest.raises(DataError, match="events were lost"):
        label_recording(recording, asked)
    found = label_recording(recording, replace(asked, gaps="drop"))
    assert found.spans.sessions.tolist() == [20_000, 20_002]
    assert found.facts["dropped"]["session with a gap"] > 0


def test_sides_of_a_strategy_are_the_entries_of_its_replay(bars: list[Events]) -> None:
    recording = Recording.of(bars, Y)
    sides = primary_sides(recording, "bar_trend_baseline", {"cooldown_s": "0", "hold_s": "300"})
    whole = np.concatenate(bars)
    strategy = BarTrendBaseline(cooldown_s=0.0, hold_s=300.0)
    replayed = Backtest(whole, Y, strategy, BacktestSettings()).run()
    said = [k for k, action in enumerate(replayed.actions) if action in ("buy", "sell")]
    assert sides.times.tolist() == replayed.frame.times[said].tolist()
    assert sides.side.tolist() == [1 if replayed.actions[k] == "buy" else -1 for k in said]
    assert len(sides) > 3
    assert sides.origin == "bar_trend_baseline(cooldown_s=0, hold_s=300)"
    with pytest.raises(EmptyDataError, match="asked for no entry"):
        primary_sides(recording, "bar_trend_baseline", {"cross_min": "1e6"})


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"label": "luck"}, "no label 'luck'"),
        ({"label": "meta"}, "meta needs sides"),
        ({"sides": Sides(np.arange(1), np.ones(1, np.int64), "x")}, "side takes no sides"),
        ({"horizon_s": -1.0}, "horizon_s is -1"),
        ({"wait_s": 0.0}, "wait_s is 0"),
        ({"after_s": ()}, "after_s is"),
        ({"after_s": (5.0, 1.0)}, "after_s is"),
        ({"after_s": (float("nan"),)}, "after_s is"),
        ({"side": "bid"}, "side is 'bid', expected one of buy, sell, both"),
        ({"queue": "first"}, "queue is 'first'"),
        ({"latency_sample_ns": ()}, "sample is empty"),
    ],
)
def test_what_is_asked_wrongly(odd: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        LabelConfig(**odd)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"t0": [1, 2]}, "has no column side"),
        ({"t0": [1, 2], "side": [1.0, -1.0]}, "column side is of double"),
        ({"t0": [1, None], "side": [1, 1]}, "column t0 is of int64 with 1 values missing"),
        ({"t0": [2, 1], "side": [1, 1]}, "row 1 is earlier than the one before"),
        ({"t0": [1, 2], "side": [1, 2]}, "side is 2 in row 1"),
    ],
)
def test_files_that_are_no_sides(columns: dict[str, Any], said: str, tmp_path: Path) -> None:
    file = tmp_path / "sides.parquet"
    pq.write_table(pa.table(columns), file)
    with pytest.raises(DataError, match=said):
        read_sides(file)
    with pytest.raises(DataAccessError, match="cannot be read"):
        read_sides(tmp_path / "none.parquet")
    file.write_text("no")
    with pytest.raises(DataFormatError, match="is no Parquet file"):
        read_sides(file)
