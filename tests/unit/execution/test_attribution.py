"""Implementation shortfall: by hand in ticks and R$, and exact sums for any fills."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumtrader.data.contracts import instrument
from quantumtrader.exceptions import OrderError
from quantumtrader.execution.attribution import Cost, MarkedFill, SlippageTracker, attribute
from quantumtrader.types import Fill

WDO = dataclasses.replace(instrument("WDOU25"), fee=1.0)
WIN = instrument("WINV25")
NAN = math.nan


def test_a_buy_by_hand() -> None:
    # Decided at 100.0, begun at 100.5; 4 sent at mid 101 and filled at 102 with mid 101.5; 2 sent at 101.5, resting, filled
    # at 101 with mid 101.5; 4 of 10 never filled, mid 103 at the end.
    fills = [MarkedFill(102, 4, 4.0, 101.0, 101.5), MarkedFill(101, 2, 2.0, 101.5, 101.5)]
    cost = attribute(1, 10, 100.0, 100.5, fills, 103.0, WDO)
    ticks = {name: c.ticks for name, c in cost.components.items()}
    assert ticks == {
        "delay": 3.0,  # 0.5 x 6
        "timing": 4.0,  # 0.5 x 4 + 1.0 x 2
        "impact": 2.0,  # 0.5 x 4
        "spread": 1.0,  # 0.5 x 4 - 0.5 x 2
        "opportunity": 12.0,  # 3 x 4
        "fees": 1.2,  # R$ 6 at R$ 5 a tick
    }
    assert cost.total == Cost(23.2, 116.0)  # 2 x 4 + 1 x 2 + 12 ticks = R$ 110, and R$ 6
    assert (cost.filled, cost.average_px, cost.ticks_per_contract) == (6, pytest.approx(610 / 6), 2.32)
    assert cost.impact.money == 10.0


def test_a_sell_in_win_by_hand() -> None:
    # Sold 5 at 26,998 against a decision at 27,000: 10 ticks = 50 points = R$ 10.
    cost = attribute(-1, 5, 27_000.0, 27_000.0, [MarkedFill(26_998, 5, 0.0, 26_999.5, 26_999.0)], NAN, WIN)
    assert {k: c.ticks for k, c in cost.components.items() if c.ticks} == {
        "timing": 2.5,
        "impact": 2.5,
        "spread": 5.0,
    }
    assert cost.total.money == pytest.approx(10.0)


def test_what_is_missing_is_nan_and_the_rest_stays_known() -> None:
    fills = [MarkedFill(102, 4, 0.0, 101.0, NAN)]
    cost = attribute(1, 4, 100.0, 100.5, fills, NAN, WDO)
    assert math.isnan(cost.impact.ticks)
    assert math.isnan(cost.spread.money)
    assert (cost.delay.ticks, cost.timing.ticks, cost.opportunity.ticks, cost.total.ticks) == (
        2.0,
        2.0,
        0.0,
        8.0,
    )
    assert math.isnan(
        attribute(1, 5, 100.0, 100.5, fills, NAN, WDO).total.ticks
    )  # one is left, at no known price
    no_decision = attribute(1, 4, NAN, 100.5, fills, NAN, WDO)
    assert math.isnan(no_decision.total.ticks)
    assert no_decision.timing.ticks == 2.0


def test_nothing_filled_costs_the_opportunity() -> None:
    cost = attribute(1, 10, 100.0, NAN, [], 101.5, WDO)
    assert cost.total == cost.opportunity == Cost(15.0, 75.0)
    assert math.isnan(cost.average_px)


def test_more_than_wanted_is_an_error() -> None:
    with pytest.raises(OrderError, match="4 contracts filled of 3"):
        attribute(1, 3, 100.0, 100.0, [MarkedFill(100, 4, 0.0, 100.0, 100.0)], 100.0, WDO)


def test_the_tracker_counts_a_fill_once() -> None:
    tracker = SlippageTracker(1, 2, 100.0, WDO)
    tracker.arrived(100.5)
    tracker.sent(7, 101.0)
    for _ in range(2):
        tracker.filled(Fill(1, 7, 5, 1, 102, 2, False, 2.0), 101.5)
    tracker.ended(NAN)
    assert tracker.result() == attribute(
        1, 2, 100.0, 100.5, [MarkedFill(102, 2, 2.0, 101.0, 101.5)], NAN, WDO
    )
    foreign = SlippageTracker(1, 2, 100.0, WDO)
    foreign.filled(Fill(1, 7, 5, 1, 102, 2, False, 2.0), 101.5)
    assert math.isnan(foreign.result().timing.ticks)


HALF = st.integers(1_000, 60_000).map(lambda half: half / 2)


@given(
    side=st.sampled_from([1, -1]),
    mids=st.tuples(HALF, HALF, HALF),
    fills=st.lists(
        st.builds(MarkedFill, st.integers(500, 30_000), st.integers(1, 500), st.floats(0, 100), HALF, HALF),
        max_size=20,
    ),
    left=st.integers(0, 100),
)
def test_the_parts_add_up_exactly(
    side: int, mids: tuple[float, float, float], fills: list[MarkedFill], left: int
) -> None:
    size = sum(f.size for f in fills) + left
    if size == 0:
        return
    decision, arrival, end = mids
    cost = attribute(side, size, decision, arrival, fills, end, WDO)
    assert sum(c.ticks for c in cost.components.values()) == cost.total.ticks
    assert sum(c.money for c in cost.components.values()) == cost.total.money
    paper = sum(side * f.size * (f.px - decision) for f in fills) + side * left * (end - decision)
    assert cost.total.money == pytest.approx(paper * 5.0 + sum(f.fee for f in fills))
