"""Recordings in parts: together they are what is loaded at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumtrader import core
from quantumtrader.data.contracts import instrument
from quantumtrader.data.lake import Lake
from quantumtrader.data.sessions import with_sessions, with_sessions_in_parts
from quantumtrader.data.source import load_events
from quantumtrader.data.stream import stream_events
from quantumtrader.exceptions import DataAccessError, EmptyDataError
from quantumtrader.types import EVENT, Events, Instrument, Kind, Phase

DOL = instrument("DOLK20")
FREE = Instrument("X", "X", tick_size=1.0, point_value=1.0, timezone="UTC")
MINUTE = 60 * 10**9
FIRST = 1_585_699_200 * 10**9  # 2020-04-01 00:00 UTC, a Wednesday; 10 April is a holiday


@st.composite
def recordings(draw: st.DrawFn) -> Events:
    """Events over up to twelve days, some late, some of them session markers."""
    steps = draw(st.lists(st.integers(0, 700), min_size=1, max_size=60))
    out = np.zeros(len(steps), EVENT)
    out["ts_recv"] = FIRST + np.cumsum(steps) * MINUTE
    out["ts_event"] = (
        out["ts_recv"] - np.array(draw(_some(st.sampled_from((0, 0, 0, 90)), len(steps)))) * MINUTE
    )
    own = np.array(draw(_some(st.sampled_from((0, 0, 0, 0, 0, 1)), len(steps))), bool)
    out["kind"] = np.where(own, Kind.SESSION, Kind.TRADE)
    phases = draw(_some(st.sampled_from((Phase.OPEN, Phase.CLOSED, Phase.AUCTION)), len(steps)))
    out["action"] = np.where(own, phases, 0)
    return out


def _some(values: st.SearchStrategy[int], n: int) -> st.SearchStrategy[list[int]]:
    return st.lists(values, min_size=n, max_size=n)


@given(recordings(), st.lists(st.integers(0, 60), max_size=6))
def test_markers_are_those_of_the_whole_stream(events: Events, cuts: list[int]) -> None:
    parts = np.split(events, sorted(min(cut, len(events)) for cut in cuts))
    got = list(with_sessions_in_parts(parts, DOL))
    np.testing.assert_array_equal(np.concatenate(got), with_sessions(events, DOL))


@given(recordings(), st.lists(st.integers(0, 60), max_size=6))
def test_a_market_without_hours_passes_straight_through(events: Events, cuts: list[int]) -> None:
    events["kind"] = Kind.TRADE
    parts = np.split(events, sorted(min(cut, len(events)) for cut in cuts))
    got = list(with_sessions_in_parts(parts, FREE))
    np.testing.assert_array_equal(np.concatenate(got), with_sessions(events, FREE))
    assert len(got) == sum(len(part) > 0 for part in parts)


def test_no_more_than_a_session_is_held_back() -> None:
    events = np.zeros(300, EVENT)
    events["kind"] = Kind.TRADE
    events["ts_event"] = events["ts_recv"] = FIRST + np.arange(300) * 60 * MINUTE  # 12.5 days
    taken = 0

    def parts() -> object:
        nonlocal taken
        for part in np.split(events, 30):
            taken += len(part)
            yield part

    days = with_sessions_in_parts(parts(), DOL)  # type: ignore[arg-type]
    assert len(next(days)) <= 30
    assert taken <= 40


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    wdo = instrument("WDOU25")
    day_ns = 24 * 3600 * 10**9
    first = core().generate_session(seed=1, max_events=3_000)
    second = core().generate_session(seed=2, max_events=2_000)
    second["ts_event"] += day_ns
    second["ts_recv"] += day_ns
    second["sequence"] += int(first["sequence"][-1]) + 1
    with Lake(root).writer(wdo, source="test") as writer:
        writer.add(np.concatenate((first, second)))
        writer.notes.append("made for a test")
    return root


def test_a_lake_comes_session_by_session(lake: Path) -> None:
    stream = stream_events(lake, "WDOU25")
    parts = list(stream)
    loaded = load_events(lake, "WDOU25")
    assert len(parts) == 2
    np.testing.assert_array_equal(np.concatenate(parts), loaded.events)
    assert stream.instrument == loaded.instrument
    assert stream.notes == loaded.notes == ["made for a test"]
    marks = np.count_nonzero(loaded.events["kind"] == Kind.SESSION)
    assert stream.total is not None
    assert stream.total - marks <= len(loaded.events) - marks <= stream.total
    day = Lake(lake).dates("WDOU25")[1]
    only = np.concatenate(list(stream_events(lake, "WDOU25", start=day)))
    np.testing.assert_array_equal(only, load_events(lake, "WDOU25", start=day).events)


def test_a_file_comes_in_parts(tmp_path: Path) -> None:
    rows = "".join(f"2025-08-14 {9 + i // 60:02}:{i % 60:02},5400,5401,5399,5400.5,7\n" for i in range(300))
    path = tmp_path / "export.csv"
    path.write_text(f"timestamp,open,high,low,close,volume\n{rows}", "utf-8")
    stream = stream_events(path, "WDOU25")
    loaded = load_events(path, "WDOU25")
    np.testing.assert_array_equal(np.concatenate(list(stream)), loaded.events)
    assert (stream.notes, stream.rejected) == (loaded.notes, loaded.rejected)
    with pytest.raises(EmptyDataError, match="no events from 2030-01-01 to the end: it has 20"):
        list(stream_events(path, "WDOU25", start=date(2030, 1, 1)))


def test_what_is_not_there_is_said_at_once(tmp_path: Path, lake: Path) -> None:
    with pytest.raises(DataAccessError, match="no such file"):
        stream_events(tmp_path / "none.csv", "WDOU25")
    with pytest.raises(EmptyDataError, match="no data of WDOV25"):
        stream_events(lake, "WDOV25")
