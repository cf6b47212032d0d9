"""Labels on recorded markets: against naive readings of the same files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from quantumtrader.data.importers import Options
from quantumtrader.data.source import load_events
from quantumtrader.data.stream import stream_events
from quantumtrader.features import FeatureEngine
from quantumtrader.training.dataset import Dataset, build_dataset
from quantumtrader.training.labels import (
    Latency,
    direction,
    fill,
    markout,
    pace_of,
    path_of,
    round_trips,
    triple_barrier,
)
from quantumtrader.types import Events, Instrument, Kind

pytestmark = pytest.mark.integration

S = 10**9
SharedData = Callable[[str], Path]


@pytest.fixture(scope="module")
def bars(shared_data: SharedData) -> tuple[Instrument, list[Events]]:
    stream = stream_events(shared_data("b3_wdo_win_bars") / "WDO_5min_2018_2019_mt5.csv", "WDO$")
    parts = list(stream)
    return stream.instrument, parts[:60]


def test_barriers_of_bars_against_a_loop(bars: tuple[Instrument, list[Events]]) -> None:
    instrument, parts = bars
    tick, horizon, width = instrument.ticks_per_exchange_tick, 30 * 60 * S, 6
    path = path_of(parts, instrument, spread_ticks=tick)
    every = np.concatenate(parts)
    every = every[every["kind"] == Kind.BAR]
    decisions = every["ts_event"][5::37].astype(np.int64)
    found = triple_barrier(
        path, decisions, 1.0, multiple=1, least_ticks=width * tick, horizon_ns=horizon, latency=Latency((0,))
    )
    assert len(found) > 0.9 * len(decisions)
    assert {-1, 1} <= set(found.y.tolist())
    for j, k in enumerate(found.rows):
        t0 = decisions[k]
        ahead = every[(every["id"] >= t0) & (every["ts_event"] <= found.spans.t1[j])]
        entry = ahead["px"][0] + tick / 2
        for bar in ahead:
            if bar["ref_a"] - tick / 2 <= entry - width * tick:
                expected = -1
                break
            if bar["px_ask"] - tick / 2 >= entry + width * tick:
                expected = 1
                break
        else:
            expected = 0
        assert found.entry_px[j] == entry
        assert found.y[j] == expected
        if expected == 0:
            assert found.gross_ticks[j] == ahead["ref_b"][-1] - tick / 2 - entry


def test_two_months_of_bars_make_a_data_set(bars: tuple[Instrument, list[Events]]) -> None:
    instrument, parts = bars
    tick = instrument.ticks_per_exchange_tick
    data: Dataset = build_dataset(
        parts,
        FeatureEngine(["ret_1", "adx_14", "ema_alignment", "atr_14"], instrument, clock="bar"),
        lambda path, rows: triple_barrier(
            path, rows.times, rows.frame["atr_14"], multiple=1, least_ticks=4 * tick, horizon_ns=30 * 60 * S,
            latency=Latency((0,)),
        ),
        payer=lambda path, times: round_trips(path, times, 30 * 60 * S, Latency((0,))),
        spread_ticks=tick,
    )  # fmt: skip
    assert data.sufficiency().sufficient
    assert len(data.spans.sessions) >= 59
    # Nothing crosses the night.
    assert ((data.spans.t1 - data.spans.t0) <= 30 * 60 * S).all()
    assert 500 < data.n_eff < len(data)


def test_a_recorded_book(shared_data: SharedData) -> None:
    aapl = Instrument("AAPL", "AAPL", 0.01, 1.0, currency="USD", timezone="America/New_York")
    events = load_events(
        shared_data("lobster_aapl_l50_1h"), "AAPL", _settings(), options=Options(date=date(2012, 6, 21))
    ).events
    path = path_of(events, aapl)
    pace = pace_of(path)
    assert 0.01 < pace.tau_ns / S < 5
    assert pace.dead_zone_ticks == pace.spread_ticks / 2 > 1  # a small-tick share: the spread is many ticks
    first = int(path.begin[0])
    decisions = first + np.arange(60, 3_000, 20, dtype=np.int64) * S
    moved = direction(path, decisions, round(4 * pace.tau_ns), pace.dead_zone_ticks)
    assert len(moved) > 100
    filled = fill(
        events, path, decisions, instrument=aapl, side=1, wait_ns=10 * S, latency=Latency((5 * 10**6,))
    )
    share = filled.y.mean()
    assert 0.05 < share < 0.95
    marks = markout(path, filled)
    assert len(marks) > 0
    # Who is filled by joining the bid has been run over on average: the mid falls with the fill.
    assert marks.moves_ticks[:, 0].mean() < 0


def _settings():
    from quantumtrader.config import Settings

    return Settings.model_validate(
        {
            "instruments": {
                "AAPL": {
                    "tick_size": 0.01,
                    "point_value": 1.0,
                    "currency": "USD",
                    "timezone": "America/New_York",
                }
            }
        }
    )
