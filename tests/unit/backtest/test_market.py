"""Touch, last price, phases and ends of sessions along a stream."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from tests.unit.backtest.streams import SECOND, T0, WDO, marker, quote, stream, trade

from quantumtrader.backtest import MarketPath
from quantumtrader.exceptions import EmptyDataError, UnsortedEventsError
from quantumtrader.types import PX_NONE, Action, Flag, Kind, Phase, empty_events


def test_quotes_and_prints_are_carried_forward(engine: ModuleType) -> None:
    late = trade(0.5, 999)
    path = MarketPath.of(
        stream(
            [
                quote(0, 99, 101),
                trade(1, 100),
                quote(2, PX_NONE, 101, 0),
                late,
                trade(3, 98, flags=Flag.CANCELLED),
            ]
        ),
        WDO,
        engine,
    )
    assert path.source == "quotes"
    assert path.bid_px.tolist() == [99, 99, PX_NONE, PX_NONE, PX_NONE]
    assert path.ask_px.tolist() == [101] * 5
    assert path.last_px.tolist() == [PX_NONE, 100, 100, 999, 999]
    assert path.now.tolist() == [T0 + k * SECOND for k in (0, 1, 2, 2, 3)]
    assert path.continuous.all()


def test_a_touch_shows_only_when_its_packet_has_ended(engine: ModuleType) -> None:
    first = quote(1, 100, 102) | {"flags": Flag.MORE}
    path = MarketPath.of(stream([quote(0, 99, 101), first, quote(1, 101, 103)]), WDO, engine)
    assert path.bid_px.tolist() == [99, 99, 101]


def test_a_book_gives_the_touch(engine: ModuleType) -> None:
    def level(at: float, side: int, px: int, size: int) -> dict[str, int]:
        return {
            "at": round(at * SECOND),
            "kind": Kind.LEVEL,
            "side": side,
            "px": px,
            "size": size,
            "action": Action.ADD,
        }

    rows = [
        level(0, 1, 99, 5),
        level(0, -1, 101, 5),
        level(1, 1, 100, 2),
        quote(2, 50, 60),
        {"at": 3 * SECOND, "kind": Kind.GAP},
    ]
    path = MarketPath.of(stream(rows), WDO, engine)
    assert path.source == "levels"
    assert path.has_book
    assert path.bid_px.tolist() == [99, 99, 100, 100, PX_NONE]
    assert path.ask_px.tolist() == [PX_NONE, 101, 101, 101, PX_NONE]


def test_phases_and_ends(engine: ModuleType) -> None:
    rows = [
        marker(0, Phase.AUCTION), trade(1, 100), marker(2, Phase.OPEN), trade(3, 100), marker(4, Phase.HALT),
        marker(5, Phase.RESUME), trade(6, 100), marker(7, Phase.AUCTION), marker(8, Phase.CLOSED),
    ]  # fmt: skip
    path = MarketPath.of(stream(rows), WDO, engine)
    assert path.continuous.tolist() == [False, False, True, True, False, True, True, False, False]
    # The last market event and the end of the stream; nobody knows of markers before they come.
    assert path.session_ends.tolist() == [T0 + k * SECOND for k in (6, 8)]
    assert path.session_end(T0) == T0 + 6 * SECOND
    times = T0 + np.array([0, 4, 5, 7], np.int64) * SECOND
    assert path.closing(times, SECOND).tolist() == [False, False, True, True]


def test_a_stream_is_not_trading_before_its_first_opening(engine: ModuleType) -> None:
    for phase, before in ((Phase.OPEN, False), (Phase.AUCTION, False), (Phase.CLOSED, True)):
        path = MarketPath.of(stream([trade(0, 100), marker(1, phase), trade(2, 100)]), WDO, engine)
        assert path.continuous.tolist() == [before, *[phase == Phase.OPEN] * 2]
    rows = [marker(0, Phase.AUCTION), marker(1, Phase.ROLL), trade(2, 100), marker(3, Phase.OPEN)]
    path = MarketPath.of(stream(rows), WDO, engine)
    assert path.continuous.tolist() == [False, False, False, True]  # a roll leaves the phase as it is
    assert path.rolls == [1]


@pytest.mark.parametrize("void", [{"at": SECOND, "kind": Kind.GAP}, marker(1, Phase.ROLL)])
def test_quotes_are_void_after_a_gap_and_a_roll(engine: ModuleType, void: dict[str, int]) -> None:
    path = MarketPath.of(stream([quote(0, 99, 101), void, trade(2, 100), quote(3, 98, 100)]), WDO, engine)
    assert path.bid_px.tolist() == [99, PX_NONE, PX_NONE, 98]
    assert path.ask_px.tolist() == [101, PX_NONE, PX_NONE, 100]


def test_the_first_book_record_decides_and_quotes_count_before_it(engine: ModuleType) -> None:
    level = {"kind": Kind.LEVEL, "action": Action.ADD, "size": 5}
    order = {"kind": Kind.ORDER, "action": Action.ADD, "size": 5, "id": 7, "ref_b": -1}
    rows = [
        quote(0, 99, 101),
        {"at": SECOND, "side": 1, "px": 90, **level},
        {"at": 2 * SECOND, "side": -1, "px": 110, **level},
        {"at": 3 * SECOND, "side": 1, "px": 95, **order},
    ]
    path = MarketPath.of(stream(rows), WDO, engine)
    assert path.source == "levels"
    assert path.bid_px.tolist() == [99, 90, 90, 90]
    assert path.ask_px.tolist() == [101, PX_NONE, 110, 110]


def test_the_timetable_ends_each_day(engine: ModuleType) -> None:
    day = 24 * 3600
    path = MarketPath.of(stream([trade(0, 100), trade(day, 100), trade(day + 9.9 * 3600, 100)]), WDO, engine)
    close = T0 + round(9.5 * 3600 * SECOND)  # 18:30
    assert path.session_ends.tolist() == [
        close,
        close + day * SECOND,
        T0 + round((day + 9.9 * 3600) * SECOND),
    ]


def test_exit_prices_are_those_one_can_trade_at(engine: ModuleType) -> None:
    path = MarketPath.of(stream([quote(0, 99, 101), quote(1, 97, 98), trade(2, 98)]), WDO, engine)
    assert (path.exit_px(1, 0), path.exit_px(-1, 0)) == (99, 101)
    assert path.exit_range(1, 0, 3) == (97, 99)
    assert path.exit_range(-1, 0, 3) == (98, 101)
    assert path.exit_range(1, 0, 0) == (PX_NONE, PX_NONE)


def test_bad_streams_are_errors(engine: ModuleType) -> None:
    with pytest.raises(EmptyDataError, match="no events"):
        MarketPath.of(empty_events(), WDO, engine)
    events = stream([trade(0, 100), trade(1, 100), trade(2, 100)])
    events["ts_recv"][2] = events["ts_recv"][0] - 1
    with pytest.raises(UnsortedEventsError, match="at event 2"):
        MarketPath.of(events, WDO, engine)
    events = stream([trade(0, 100), trade(1, 100)])
    events["sequence"] = np.array([5, 4])
    with pytest.raises(UnsortedEventsError, match="sequence runs backwards at event 1"):
        MarketPath.of(events, WDO, engine)
