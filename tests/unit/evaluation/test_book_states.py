"""The book as arrays: e_n by hand, what breaks the chain, and the order-flow imbalance of the feature engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quantumtrader._protocols import Float64
from quantumtrader.evaluation import book_states
from quantumtrader.evaluation.book_states import Packets, book_packets
from quantumtrader.evaluation.intervals import measure_intervals
from quantumtrader.evaluation.prints import Prints
from quantumtrader.evaluation.stretches import stretches
from quantumtrader.types import PX_NONE, Action, Events, Flag, Kind, Phase
from reference.flows import as_events, random_flow

SECOND = 10**9


def quote(t: int, bid: int, bid_sz: int, ask: int, ask_sz: int, flags: int = 0) -> dict[str, int]:
    return {
        "kind": Kind.QUOTE,
        "ts_event": t,
        "px": bid,
        "size": bid_sz,
        "px_ask": ask,
        "size_ask": ask_sz,
        "flags": flags,
    }


def level(t: int, side: int, px: int, size: int, flags: int = 0) -> dict[str, int]:
    return {
        "kind": Kind.LEVEL,
        "action": Action.EDIT if size else Action.DELETE,
        "ts_event": t,
        "side": side,
        "px": px,
        "size": size,
        "flags": flags,
    }


def mark(t: int, phase: Phase) -> dict[str, int]:
    return {"kind": Kind.SESSION, "action": phase, "ts_event": t}


def states(rows: list[dict[str, int]] | Events, levels: int = 1, **more: Any) -> Packets:
    events = as_events(rows) if isinstance(rows, list) else rows
    parts = list(book_packets(events, levels, **more))
    return Packets(*(np.concatenate([getattr(p, f) for p in parts]) for f in Packets.__slots__))


def test_e_n_by_hand() -> None:
    got = states(
        [
            quote(1, 100, 10, 101, 8),
            quote(2, 100, 12, 101, 5),  # bid +2, ask −3: e = 2 + 3
            quote(3, 101, 4, 102, 6),  # bid up: +4; ask up: +5
            quote(4, 99, 7, 102, 6),  # bid down: −4; ask unchanged
            quote(5, 99, 7, 100, 9),  # ask down: −9
            quote(6, 99, 7, 100, 9),  # nothing
        ]
    )
    assert got.flow[:, 0].tolist() == [0, 5, 9, -4, -9, 0]
    assert got.chained.tolist() == [False, True, True, True, True, True]
    assert got.changed.tolist() == [False, True, True, True, True, False]
    assert got.mid2.tolist() == [201, 201, 203, 201, 199, 199]
    assert got.two_sided.all()


def test_e_n_of_deeper_levels() -> None:
    got = states(
        [
            level(1, 1, 100, 10),
            level(1, 1, 98, 3),
            level(2, -1, 101, 8),
            level(3, 1, 99, 5),  # second bid 98 to 99: +5 there, third: +3
            level(4, -1, 101, 0, Flag.MORE),
            level(4, -1, 103, 2),  # ask 101 to 103: +8
        ],
        levels=3,
    )
    assert got.flow[-2:].tolist() == [[0, 5, 3], [8, 0, 0]]


def test_what_is_no_flow() -> None:
    crossed = [
        quote(1, 100, 1, 101, 1),
        quote(2, 102, 1, 101, 1),
        quote(3, 100, 5, 101, 1),
        quote(4, 100, 6, 101, 1),
    ]
    got = states(crossed)
    assert got.flow[:, 0].tolist() == [0, 0, 0, 1]
    assert got.two_sided.tolist() == [True, False, True, True]
    assert got.chained.tolist() == [False, False, False, True]

    gap = [quote(1, 100, 1, 101, 1), {"kind": Kind.GAP, "ts_event": 2}, quote(3, 100, 5, 101, 1)]
    got = states(gap)
    assert got.flow[:, 0].tolist() == [0, 0, 0]
    assert got.two_sided.tolist() == [True, False, True]
    assert got.chained.tolist() == [False, False, False]

    unsized = [quote(1, 100, 0, 101, 0), quote(2, 101, 0, 102, 0)]
    got = states(unsized)
    assert not got.chained.any()
    assert got.two_sided.all()

    image = [
        level(1, 1, 100, 10),
        level(1, -1, 101, 10),
        {
            "kind": Kind.LEVEL,
            "action": Action.SNAPSHOT_BEGIN,
            "ts_event": 2,
            "flags": Flag.SNAPSHOT | Flag.MORE,
        },
        level(2, 1, 99, 4, Flag.SNAPSHOT | Flag.MORE),
        level(2, -1, 103, 4, Flag.SNAPSHOT | Flag.MORE),
        {"kind": Kind.LEVEL, "action": Action.SNAPSHOT_END, "ts_event": 2, "flags": Flag.SNAPSHOT},
        level(3, 1, 99, 6),
    ]
    got = states(image)
    assert got.flow[:, 0].tolist()[-2:] == [0, 2]
    assert got.chained.tolist()[-2:] == [False, True]


def test_a_missing_side_is_beyond_every_price_and_gives_no_mid() -> None:
    got = states([quote(1, 100, 1, 101, 1), quote(2, 100, 3, PX_NONE, 9), quote(3, 100, 3, 104, 2)])
    assert got.two_sided.tolist() == [True, False, True]
    assert got.flow[:, 0].tolist() == [0, 2 + 1, -2]


def test_a_packet_counts_after_its_last_record_whatever_that_is() -> None:
    trade = {"kind": Kind.TRADE, "ts_event": 3, "px": 101, "size": 8, "side": 1}
    rows = [level(1, 1, 100, 10), level(2, -1, 101, 8), level(3, -1, 101, 6, Flag.MORE), trade]
    got = states(rows)
    assert got.index.tolist() == [0, 1, 3]
    assert got.flow[-1, 0] == 2
    quoted = states([quote(1, 100, 1, 101, 8), quote(2, 100, 1, 101, 7, Flag.MORE), quote(3, 100, 1, 101, 5)])
    assert quoted.index.tolist() == [0, 2]
    assert quoted.flow[-1, 0] == 3
    # A packet that never ends is not shown.
    assert states([*rows, level(4, 1, 100, 50, Flag.MORE)]).index.tolist() == [0, 1, 3]


def test_quotes_count_until_the_first_book_record() -> None:
    got = states(
        [quote(1, 100, 1, 101, 1), quote(2, 100, 2, 101, 1), level(3, 1, 90, 5), level(4, -1, 95, 5)], 2
    )
    assert got.flow[:, 0].tolist()[:2] == [0, 1]
    assert not got.chained[2]
    assert got.mid2[-1] == 185


@pytest.mark.parametrize("feed", ["quotes", "levels", "orders"])
def test_parts_of_any_length_give_the_same(feed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    events = random_flow(5, 1500, feed)
    whole = states(events, 4)
    monkeypatch.setattr(book_states, "CHUNK", 7)
    parts = states(events, 4)
    for name in Packets.__slots__:
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name), err_msg=name)


def series(events: Events, step: int, levels: int = 5) -> Any:
    pieces = stretches(events)
    return measure_intervals(events, pieces, Prints.of(events, pieces), step, levels)[0]


def sampled(module: Any, events: Events, names: list[str], clock: str) -> tuple[Any, Float64]:
    engine = module.FeatureEngine(names, 1.0, 1.0, clock)
    engine.update_many(events)
    times, values, _ = engine.take()
    return times, values


@pytest.mark.parametrize("feed", ["quotes", "levels", "orders"])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("calm", [True, False])
def test_order_flow_is_that_of_the_feature_engine(engine: Any, feed: str, seed: int, calm: bool) -> None:
    events = random_flow(seed, 1200, feed, markers=False, calm=calm)
    compare(engine, events, least=5)


def test_order_flow_is_that_of_the_feature_engine_on_recorded_orders(engine: Any, shared_data: Any) -> None:
    from datetime import date

    from quantumtrader.config import InstrumentSettings, Settings
    from quantumtrader.data.importers import Options
    from quantumtrader.data.source import load_events

    given = InstrumentSettings(tick_size=0.01, point_value=1.0, currency="USD", timezone="America/New_York")
    settings = Settings.model_construct(instruments={"AAPL": given})
    path = shared_data("lobster_aapl_l50_1h")
    events = load_events(path, "AAPL", settings, options=Options(date=date(2012, 6, 21))).events
    if engine.__name__.endswith("_fallback"):
        events = events[:15_000]
    compare(engine, np.ascontiguousarray(events), least=7)


def compare(engine: Any, events: Events, least: int) -> None:
    """Ten seconds at the touch, and a minute of five levels, exactly."""
    for name, step, clock in (("book_ofi_10s", 10, "10s"), ("mlofi_w5_1m", 60, "1m")):
        if name.startswith("mlofi") and (events["kind"] == Kind.QUOTE).any():
            continue  # quotes have one level
        got = series(events, step * SECOND)
        times, values = sampled(engine, events, [name], clock)
        row = np.searchsorted(got.starts + step * SECOND, times)
        assert len(times) > least
        inside = row < len(got.starts)
        assert (~inside).sum() <= 1  # the grid point that a last, later event lets pass
        np.testing.assert_array_equal((got.starts + step * SECOND)[row[inside]], times[inside])
        value = values[inside, 0]
        mine = (
            got.flow[row[inside], 0]
            if step == 10
            else got.flow[row[inside]] @ np.array([16, 8, 4, 2, 1]) / 31
        )
        known = np.isfinite(value)
        assert known.sum() > least / 2
        np.testing.assert_allclose(mine[known], value[known], rtol=0 if step == 10 else 1e-12, atol=0)


def test_stretches_are_cut_at_markers() -> None:
    rows = [
        quote(1, 100, 1, 101, 1),  # before the first marker
        mark(10, Phase.CLOSED),
        quote(11, 100, 1, 101, 1),
        mark(20, Phase.AUCTION),
        quote(21, 100, 1, 101, 1),
        mark(30, Phase.OPEN),
        quote(35, 100, 1, 101, 1),
        mark(40, Phase.RESUME),  # goes on
        quote(45, 100, 1, 101, 1),
        mark(50, Phase.HALT),
        quote(51, 100, 1, 101, 1),
        mark(60, Phase.RESUME),
        quote(61, 100, 1, 101, 1),
        mark(70, Phase.ROLL),
        quote(71, 100, 1, 101, 1),
        mark(80, Phase.CLOSED),
        mark(81, Phase.HALT),
        mark(82, Phase.RESUME),  # no session to resume
        mark(83, Phase.ROLL),
        quote(84, 100, 1, 101, 1),
        mark(90, Phase.OPEN),  # nothing in it
    ]
    assert [(s.start_ns, s.end_ns) for s in stretches(as_events(rows))] == [
        (1, 1),
        (30, 45),
        (60, 61),
        (70, 71),
    ]
    assert stretches(as_events([mark(1, Phase.OPEN)])) == []
    assert stretches(as_events(rows)[:0]) == []


def test_nothing_is_measured_across_stretches() -> None:
    breaks = np.array([2])
    got = states(
        [quote(1, 100, 1, 101, 1), quote(2, 100, 2, 101, 1), quote(3, 100, 7, 101, 1)], breaks=breaks
    )
    assert got.chained.tolist() == [False, True, False]
    assert got.flow[:, 0].tolist() == [0, 1, 0]
