"""Moves and volume of a minute, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader.training.pipelines.liquidity import measure_liquidity
from quantumtrader.types import EVENT, Events, Kind

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
