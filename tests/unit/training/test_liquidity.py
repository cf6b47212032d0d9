"""Moves and volume of a minute, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader.training.assessment.size import size_facts
from quantumtrader.training.assessment.walk import Walk
from quantumtrader.training.labels import Latency
from quantumtrader.training.pipelines import Recording
from quantumtrader.training.pipelines import liquidity as liquidity_module
from quantumtrader.training.pipelines.liquidity import LEVELS, displayed_books, entry_books, measure_liquidity
from quantumtrader.types import EVENT, Action, Events, Flag, Instrument, Kind, Side

MINUTE = 60 * 10**9


def prints(*rows: tuple[float, int, int]) -> Events:
    """Trades from ``(minute, price, size)``."""
    events = np.zeros(len(rows), EVENT)
    events["kind"] = Kind.TRADE
    events["ts_event"] = [int(minute * MINUTE) for minute, _, _ in rows]
    events["px"], events["size"] = [px for _, px, _ in rows], [size for _, _, size in rows]
    return events


def bars(step: int, *rows: tuple[int, int]) -> Events:
    """Bars of ``step`` minutes, one after another, from ``(close, volume)``."""
    events = np.zeros(len(rows), EVENT)
    events["kind"] = Kind.BAR
    events["ts_event"] = (1 + np.arange(len(rows))) * step * MINUTE
    events["ref_b"], events["size"] = [close for close, _ in rows], [size for _, size in rows]
    return events


def test_of_prints() -> None:
    # Last prices 12, 10, 16 in minutes 0 to 2: moves −2 and 6. Minute 5 follows no print; the other part begins anew.
    first = prints((0.1, 7, 1), (0.9, 12, 2), (1.5, 10, 9), (2.0, 11, 1), (2.99, 16, 3), (5.0, 90, 8))
    second = prints((0.0, 900, 4), (1.0, 904, 4))
    found = measure_liquidity([first, second])
    assert found is not None
    assert found.sigma_ticks == pytest.approx(np.std([-2, 6, 4]))
    assert found.volume == np.median([3, 9, 4, 8, 4, 4])
    assert found.sizes is None


def test_of_bars_scaled_to_a_minute() -> None:
    found = measure_liquidity([bars(5, (100, 50), (104, 60), (98, 22_000_000))], 5 * MINUTE)
    assert found is not None
    assert found.sigma_ticks == pytest.approx(np.std([4, -6]) / np.sqrt(5))
    assert found.volume == 60 / 5


def test_nothing_is_said_of_too_little() -> None:
    assert measure_liquidity([]) is None
    assert measure_liquidity([prints((0, 5, 1), (3, 6, 1))]) is None
    assert measure_liquidity([bars(1, (5, 0), (6, 0), (7, 0))], MINUTE) is None


def ladder(*packets: tuple[int, list[tuple[int, int]], list[tuple[int, int]]]) -> Events:
    """Whole books from ``(second, bids, asks)``, each side ``(price, size)`` from the best on."""
    rows = []
    for second, bids, asks in packets:
        rows.append((second, Action.CLEAR, 0, 0, 0))
        rows += [(second, Action.ADD, Side.BUY, px, size) for px, size in bids]
        rows += [(second, Action.ADD, Side.SELL, px, size) for px, size in asks]
    events = np.zeros(len(rows), EVENT)
    events["kind"], events["sequence"] = Kind.LEVEL, np.arange(len(rows))
    columns = list(zip(*rows, strict=True))
    events["ts_event"] = events["ts_recv"] = [second * 10**9 for second in columns[0]]
    for name, column in zip(("action", "side", "px", "size"), columns[1:], strict=True):
        events[name] = column
    events["flags"][:-1] = np.where(np.diff(events["ts_event"]) == 0, int(Flag.MORE), 0)
    return events


BOOK = ladder(
    (0, [(99, 4), (98, 9)], [(101, 2), (103, 5)]),
    (10, [(100, 7)], [(101, 1), (102, 3), (105, 50)]),
    (20, [], [(101, 1)]),  # a side is missing
    (30, [(100, 1)], [(101, 1)]),
)


def test_the_levels_before_an_order_are_those_of_its_moment_and_side() -> None:
    second = 10**9
    times = np.array([25, 10, 9, 5, 99]) * second  # in no order; the last two find no book, and no session
    found = displayed_books([BOOK], times, np.array([1, 1, 1, -1, 1]))
    assert found is not None
    sizes, distances = found
    assert sizes.shape == distances.shape == (3, LEVELS)
    # At 5 a sale meets the bids around 100, at 9 a purchase the asks; at 10 the new book counts, around 100.5.
    assert [row[row > 0].tolist() for row in sizes] == [[4, 9], [2, 5], [1, 3, 50]]
    away = [row[: np.count_nonzero(size)].tolist() for row, size in zip(distances, sizes, strict=True)]
    assert away == [[1, 2], [1, 3], [0.5, 1.5, 4.5]]
    assert displayed_books([BOOK], np.array([25 * second]), np.array([1])) is None
    assert displayed_books([prints((0, 5, 1), (1, 6, 1))], times, np.ones(5, int)) is None


def test_capacity_walks_the_book_at_the_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two purchases at 9 s (asks 2 at 1, 5 at 3 ticks from the mid) of 12 ticks from mid to mid, spread 2.

    Two contracts pay 1 tick a side, five (2·1 + 3·3) / 5 = 2.2; no moves, so that the law costs nothing.
    """
    instrument = Instrument("X", "X", tick_size=0.5, point_value=10.0, timezone="UTC")
    books = entry_books(Recording.of([BOOK], instrument), np.array([0]), Latency((10**9,)))
    assert books is not None
    decided = np.array([8, 8]) * 10**9  # arrives a second later
    found = books(decided, np.array([1, 1]))
    assert found is not None
    two = np.arange(2)
    walk = Walk(1, two * 0, two, two * 0 + 1, two * 0 + 12.0, two * 0 + 2.0, two * 0 + 1.0, two * 0)
    size = size_facts(walk, 1.0, liquidity_module.Liquidity(0.0, 1e6, *found))
    assert size.books == 2
    assert size.net_ticks[:3].tolist() == pytest.approx([12 - 2 - 1, 12 - 2 - 1, 12 - 4.4 - 1])
    assert np.isnan(size.net_ticks[3:]).all()  # seven are displayed
    monkeypatch.setattr(liquidity_module, "MOMENTS", 1)
    few = books(decided, np.array([1, 1]))
    assert few is not None
    assert len(few[0]) == 1
    assert (
        entry_books(Recording.of([prints((0, 5, 1), (1, 6, 1))], instrument), np.array([0]), Latency((0,)))
        is None
    )
