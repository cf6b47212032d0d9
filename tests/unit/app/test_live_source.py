"""How a session that is joined late begins, and what a scenario says of its pace."""

from __future__ import annotations

import numpy as np
import pytest

from live_world import wdo
from quantumtrader.app.live.profit_source import _is_lockstep
from quantumtrader.app.live.source import with_opening
from quantumtrader.data.sessions import with_sessions
from quantumtrader.types import EVENT, Events, Kind, Phase

NINE = 1_754_308_800_000_000_000  # 2025-08-04 09:00 in São Paulo, a Monday
HOUR = 3_600_000_000_000


def _events(*kinds: tuple[Kind, int, int]) -> Events:
    out = np.zeros(len(kinds), EVENT)
    for k, (kind, ts, action) in enumerate(kinds):
        out[k]["kind"], out[k]["ts_event"], out[k]["ts_recv"] = kind, ts, ts + 1
        out[k]["action"], out[k]["sequence"], out[k]["size"], out[k]["px"] = action, k, 1, 10_800
    return out


def test_a_session_joined_late_begins_with_its_opening() -> None:
    events = _events(
        (Kind.GAP, NINE + HOUR, 0), (Kind.TRADE, NINE + HOUR, 0), (Kind.TRADE, NINE + HOUR + 5, 0)
    )
    marked = with_opening(events, wdo())
    assert marked is not None
    assert len(marked) == 4
    assert (marked["kind"][0], marked["action"][0], marked["ts_event"][0]) == (Kind.SESSION, Phase.OPEN, NINE)
    assert marked[1:].tobytes() == events.tobytes()
    assert (np.diff(marked["sequence"]) >= 0).all()
    assert (np.diff(marked["ts_recv"]) >= 0).all()
    again = with_sessions(marked, wdo())
    opens = again[(again["kind"] == Kind.SESSION) & (again["action"] == Phase.OPEN)]
    assert opens["ts_event"].tolist() == [NINE], "a recording of it gets no second one"


def test_a_marker_of_the_source_counts() -> None:
    own = _events((Kind.SESSION, NINE, Phase.AUCTION), (Kind.TRADE, NINE + 5, 0))
    marked = with_opening(own, wdo())
    assert marked is not None
    assert marked.tobytes() == own.tobytes()


@pytest.mark.parametrize("ts", [NINE - 2 * HOUR, NINE + 12 * HOUR, NINE - 24 * HOUR])
def test_outside_of_sessions_nothing_is_made_up(ts: int) -> None:
    events = _events((Kind.TRADE, ts, 0))
    marked = with_opening(events, wdo())
    assert marked is not None
    assert marked.tobytes() == events.tobytes()


def test_without_market_events_nothing_is_decided() -> None:
    assert with_opening(_events((Kind.GAP, NINE + HOUR, 0)), wdo()) is None


@pytest.mark.parametrize(
    ("scenario", "lockstep"),
    [
        ("", True),
        ('[market]\nspeed = "lockstep"', True),
        ("[market]\nspeed = 2.0", False),
        ('[market]\nspeed = "max"', False),
    ],
)
def test_the_pace_of_a_scenario(scenario: str, lockstep: bool) -> None:
    assert _is_lockstep(scenario) is lockstep
