"""Blocks of time are cut in what was recorded of the sessions, and in nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader.training.pipelines.trading_time import TradingTime
from quantumtrader.types import EVENT, Events, Kind, Phase


class Sessions:
    """Parts in place of a recording."""

    def __init__(self, *parts: Events) -> None:
        self.parts = parts

    def sessions(self) -> tuple[Events, ...]:
        return self.parts


def part(*records: tuple[int, Kind, int]) -> Events:
    events = np.zeros(len(records), EVENT)
    for event, (ts, kind, action) in zip(events, records, strict=True):
        event["ts_event"], event["kind"], event["action"] = ts, kind, action
    return events


OPEN, CLOSED = (10, Kind.SESSION, Phase.OPEN), (70, Kind.SESSION, Phase.CLOSED)


@pytest.mark.parametrize(
    ("records", "begin", "end"),
    [
        (((5, Kind.ORDER, 0), OPEN, (20, Kind.TRADE, 0), CLOSED, (80, Kind.ORDER, 0)), 10, 70),  # whole
        ((OPEN, (10, Kind.TRADE, 0), (20, Kind.TRADE, 0), CLOSED), 10, 20),  # its first hour
        ((OPEN, (30, Kind.TRADE, 0), (75, Kind.ORDER, 0), CLOSED), 30, 70),  # joined late
        (((12, Kind.TRADE, 0), (60, Kind.TRADE, 0)), 12, 60),  # no timetable
        (((2, Kind.ORDER, 0), OPEN, CLOSED), 10, 10),  # ended before the opening
        ((OPEN, CLOSED), 10, 10),  # nothing
    ],
)
def test_a_session_lasts_as_long_as_it_was_recorded(
    records: tuple[tuple[int, Kind, int], ...], begin: int, end: int
) -> None:
    time = TradingTime.of(Sessions(part(*records)))  # type: ignore[arg-type]
    assert (time.begins.tolist(), time.ends.tolist(), time.total) == ([begin], [end], end - begin)


def test_time_between_sessions_does_not_count() -> None:
    first = part((100, Kind.TRADE, 0), (200, Kind.TRADE, 0))
    second = part((1_000, Kind.TRADE, 0), (1_050, Kind.TRADE, 0))
    time = TradingTime.of(Sessions(first, second))  # type: ignore[arg-type]
    assert time.total == 150
    assert time.elapsed(np.array([50, 150, 500, 1_025, 9_999])).tolist() == [0, 50, 100, 125, 150]
    assert [time.at(x) for x in (0, 50, 100, 125)] == [100, 150, 1_000, 1_025]
