"""Everyone who reads a stream sees the same touch and phase after every packet: path, venue, books and features."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from tests.reference.flows import FEEDS, random_flow

from quantumtrader.backtest import MarketPath
from quantumtrader.types import PX_NONE, Events, Flag, Instrument, Kind, Phase

WDO = Instrument("WDOU25", "WDO", 0.5, 10.0)
MIXES = (
    ("quotes", "levels"),
    ("quotes", "orders"),
    ("trades", "quotes"),
    ("levels", "orders"),
    ("orders", "levels"),
)


def mixed(seed: int, feeds: tuple[str, ...], n: int = 150) -> Events:
    """Flows of several feeds, one after another."""
    parts: list[Events] = []
    for k, feed in enumerate(feeds):
        part = random_flow(seed + k, n, feed)
        if parts:
            last = parts[-1]
            for name in ("ts_event", "ts_recv"):
                part[name] += int(last["ts_recv"][-1]) - int(part["ts_recv"][0])
            part["sequence"] += int(last["sequence"][-1])
        part["flags"][-1] &= ~np.uint16(Flag.MORE)
        parts.append(part)
    return np.concatenate(parts)


def whole_packets(events: Events) -> list[int]:
    """Indices of the records that end a packet."""
    return np.flatnonzero((events["flags"] & Flag.MORE) == 0).tolist()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("feeds", [*[(feed,) for feed in FEEDS if feed != "bars"], *MIXES], ids="-".join)
def test_all_readers_see_the_same_touch(engine: ModuleType, feeds: tuple[str, ...], seed: int) -> None:
    events = mixed(seed, feeds)
    path = MarketPath.of(events, WDO, engine)
    venue = engine.Venue(tick_size=0.5, point_value=10.0)
    book = engine.OrderBook() if path.source == "orders" else engine.L2Book()
    first_book = (
        int(np.argmax(np.isin(events["kind"], (Kind.LEVEL, Kind.ORDER)))) if path.has_book else len(events)
    )
    start = 0
    for i in whole_packets(events):
        venue.update_many(events[start : i + 1])
        book.update_many(events[start : i + 1])
        start = i + 1
        touch = (int(path.bid_px[i]), int(path.ask_px[i]))
        assert touch == venue.best()[::2], f"venue after event {i}"
        if i >= first_book:
            assert touch == book.best()[::2], f"book after event {i}"

    features = engine.FeatureEngine(["spread_ticks"], 0.5, 10.0, "event")
    features.update_many(events)
    _, values, counts = features.take()
    assert len(counts) > 0  # a stream that closes early gives few
    for spread, count in zip(values[:, 0].tolist(), counts.tolist(), strict=True):
        bid, ask = int(path.bid_px[count - 1]), int(path.ask_px[count - 1])
        defined = PX_NONE not in (bid, ask) and bid < ask
        assert defined != np.isnan(spread), f"features after {count} events: {spread}, path {bid}/{ask}"
        assert not defined or spread == ask - bid


@pytest.mark.parametrize("seed", range(40))
def test_all_readers_see_the_same_phase(seed: int) -> None:
    from quantumtrader import _fallback

    events = mixed(seed, ("quotes", "levels"), 250)
    path = MarketPath.of(events, WDO, _fallback)
    venue = _fallback.Venue(tick_size=0.5, point_value=10.0)
    phase = (events["kind"] == Kind.SESSION) & (events["action"] != Phase.ROLL)
    known = int(np.argmax(phase)) if phase.any() else len(events)
    for i in range(len(events)):
        venue.update_many(events[i : i + 1])
        if i >= known:  # before the first marker the path waits for the opening; the venue cannot know of one
            assert venue._is_continuous() == path.continuous[i], f"after event {i}"
