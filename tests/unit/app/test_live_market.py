"""The market seen batch by batch is the market seen as a whole."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from live_world import session, wdo
from quantumtrader.app.live.market import LiveMarket, MarketNow
from quantumtrader.backtest.market import MarketPath
from quantumtrader.types import EVENT, PX_NONE, Events, Flag, Kind, Phase, Side


def _event(kind: Kind, ts: int, **fields: int) -> Events:
    out = np.zeros(1, EVENT)
    out["kind"], out["ts_event"], out["ts_recv"] = kind, ts, ts + 5
    for name, value in fields.items():
        out[name] = value
    return out


def _seen(core: ModuleType, events: Events, cuts: list[int]) -> list[MarketNow]:
    market, seen = LiveMarket(core, "ts_event"), []
    for part in np.split(events, cuts):
        market.extend(part)
        seen += [market.at(i) for i in range(len(part))]
    return seen


@pytest.mark.parametrize("seed", [1, 2])
def test_any_batches_show_what_the_whole_stream_shows(engine: ModuleType, seed: int) -> None:
    events = session(3, seed).copy()
    rng = np.random.default_rng(seed)
    gaps = np.sort(rng.choice(np.arange(500, len(events)), 4, replace=False))
    events["kind"][gaps] = Kind.GAP
    path = MarketPath.of(events, wdo(), engine)
    cuts = np.sort(rng.choice(len(events), 40, replace=False)).tolist()
    seen = _seen(engine, events, cuts)
    for name in ("bid_px", "ask_px", "last_px"):
        assert [getattr(s, name) for s in seen] == getattr(path, name).tolist()
    assert [s.now_ns for s in seen] == path.now.tolist()
    assert [s.continuous for s in seen] == path.continuous.tolist()
    on = path.continuous
    assert np.array([s.open_since_ns for s in seen])[on].tolist() == path.open_since[on].tolist()


def test_before_the_first_event_nothing_is_known(engine: ModuleType) -> None:
    market = LiveMarket(engine)
    market.extend(_event(Kind.TRADE, 10, px=100, size=1, side=Side.BUY))
    before = market.at(-1)
    assert (before.last_px, before.continuous, before.book_valid) == (PX_NONE, False, None)
    assert market.last.last_px == 100
    assert not market.last.continuous, "trading is not known to be on before a marker says so"


def test_a_gap_voids_the_touch_until_the_next_quote(engine: ModuleType) -> None:
    market = LiveMarket(engine)
    market.extend(_event(Kind.QUOTE, 10, px=99, px_ask=101, size=1))
    assert market.last.book_valid is True
    market.extend(_event(Kind.GAP, 11, size=3))
    assert (market.last.bid_px, market.last.book_valid) == (PX_NONE, False)
    market.extend(_event(Kind.QUOTE, 12, px=98, px_ask=100, size=1))
    assert (market.last.bid_px, market.last.book_valid) == (98, True)


def test_ages_count_from_the_stamp_that_was_chosen(engine: ModuleType) -> None:
    received, marked = LiveMarket(engine), LiveMarket(engine, "ts_event")
    for market in (received, marked):
        market.extend(_event(Kind.TRADE, 10, px=100, size=1))
        market.extend(_event(Kind.SESSION, 20, action=Phase.OPEN))
    assert (received.last.event_ns, marked.last.event_ns) == (15, 10), "a marker is no market event"
    assert received.last.book_ns == 0


def test_cancelled_trades_are_no_last_price_and_packets_show_when_they_are_whole(engine: ModuleType) -> None:
    market = LiveMarket(engine)
    market.extend(_event(Kind.TRADE, 10, px=100, size=1))
    market.extend(_event(Kind.TRADE, 11, px=90, size=1, flags=int(Flag.CANCELLED)))
    market.extend(_event(Kind.QUOTE, 12, px=99, px_ask=101, flags=int(Flag.MORE)))
    assert (market.last.last_px, market.last.bid_px) == (100, PX_NONE)
    market.extend(_event(Kind.TRADE, 13, px=101, size=1))
    assert (market.last.last_px, market.last.bid_px) == (101, 99)


def test_a_roll_is_named_and_voids_the_touch(engine: ModuleType) -> None:
    market = LiveMarket(engine)
    events = np.concatenate(
        [
            _event(Kind.QUOTE, 10, px=99, px_ask=101),
            _event(Kind.SESSION, 11, action=Phase.ROLL),
            _event(Kind.TRADE, 12, px=100, size=1),
        ]
    )
    market.extend(events)
    assert market.rolls == [1]
    assert market.last.broken
