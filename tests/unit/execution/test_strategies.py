"""The baseline rules: every reason to hold, both sides, and parameters that make no sense."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, OrderError
from quantumtrader.execution import MarketState, Signal, SignalAction, make_strategy, strategies

NAN = math.nan
CALM = {"ts": 10**12, "bid_px": 100, "ask_px": 101, "last_px": 100}


def flow(row: list[float], parameters: dict[str, float] | None = None, **market: object) -> Signal:
    strategy = make_strategy("order_flow_baseline", **(parameters or {}))
    return strategy.evaluate(np.array(row), MarketState(**(CALM | market)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "market", "reason"),
    [
        ([0.5, 0.0, 2.0], {"busy": True}, "in_position"),
        ([0.5, 0.0, 2.0], {"last_exit_ts": 10**12 - 1}, "cooldown"),
        ([NAN, 0.0, 2.0], {}, "not_ready_flow_ofi_1m"),
        ([0.5, NAN, 2.0], {}, "not_ready_vwap_z"),
        ([0.5, 0.0, NAN], {}, "not_ready_book_ofi_norm_1m"),
        ([0.5, 0.0, 2.0], {"ask_px": -(2**31)}, "no_touch"),
        ([0.5, 0.0, 2.0], {"ask_px": 100}, "no_touch"),
        ([0.5, 0.0, 2.0], {"ask_px": 102}, "wide_spread"),
        ([0.29, 0.0, 2.0], {}, "flow_neutral"),
        ([0.5, 0.0, 0.9], {}, "book_disagrees"),
        ([-0.5, 0.0, 2.0], {}, "book_disagrees"),
        ([0.5, 1.6, 2.0], {}, "price_stretched"),
        ([-0.5, -1.6, -2.0], {}, "price_stretched"),
    ],
)
def test_reasons_to_hold(row: list[float], market: dict[str, object], reason: str) -> None:
    signal = flow(row, **market)
    assert (signal.action, signal.reason, signal.side) == (SignalAction.HOLD, reason, 0)


def test_entries_on_both_sides() -> None:
    buy, sell = flow([0.3, 1.5, 1.0]), flow([-0.3, -1.5, -1.0])
    assert (buy.action, sell.action) == (SignalAction.BUY, SignalAction.SELL)
    assert (buy.size, buy.stop_ticks, buy.target_ticks, buy.time_stop_ns) == (1, 8, 8, 300 * 10**9)
    assert flow([0.3, 5.0, 1.0], {"z_max": 6}).action is SignalAction.BUY


def test_without_the_book_it_asks_for_two_features() -> None:
    strategy = make_strategy("order_flow_baseline", book_min=0)
    assert strategy.features == ("flow_ofi_1m", "vwap_z")
    assert "book" not in strategy.rule
    assert flow([0.3, 0.0], {"book_min": 0}, has_touch=False, bid_px=-(2**31)).action is SignalAction.BUY


def bar(row: list[float], **market: object) -> Signal:
    state = MarketState(**(CALM | {"has_touch": False} | market))  # type: ignore[arg-type]
    return make_strategy("bar_trend_baseline").evaluate(np.array(row), state)


@pytest.mark.parametrize(
    ("row", "action", "reason"),
    [
        ([0.5, 60.0, 10.0], "buy", "trend_with_momentum"),
        ([-0.5, 40.0, 10.0], "sell", "trend_with_momentum"),
        ([0.4, 60.0, 10.0], "hold", "no_trend"),
        ([0.5, 50.0, 10.0], "hold", "momentum_disagrees"),
        ([-0.5, 51.0, 10.0], "hold", "momentum_disagrees"),
        ([0.5, 70.1, 10.0], "hold", "move_exhausted"),
        ([-0.5, 29.0, 10.0], "hold", "move_exhausted"),
        ([0.5, 60.0, 0.2], "hold", "range_below_one_tick"),
        ([0.5, 60.0, NAN], "hold", "not_ready_atr_14"),
    ],
)
def test_bar_trend(row: list[float], action: str, reason: str) -> None:
    signal = bar(row)
    assert (signal.action, signal.reason) == (action, reason)
    if action != "hold":
        assert (signal.stop_ticks, signal.target_ticks) == (15, 20)


def test_the_registry() -> None:
    assert set(strategies()) >= {"bar_trend_baseline", "order_flow_baseline"}
    assert make_strategy("order_flow_baseline", flow_min="0.4", size="2").rule.startswith(
        "Buy when flow_ofi_1m >= 0.4"
    )
    with pytest.raises(ConfigError, match="there are bar_trend_baseline"):
        make_strategy("magic")
    for name, value in (("flow_min", 0), ("z_max", -1), ("book_min", -1), ("cooldown_s", -1), ("size", 0)):
        with pytest.raises(ConfigError, match=name):
            make_strategy("order_flow_baseline", **{name: value})
    with pytest.raises(ConfigError, match="rsi_max"):
        make_strategy("bar_trend_baseline", rsi_max=100)


def test_signals_carry_reasons_and_whole_brackets() -> None:
    with pytest.raises(OrderError, match="reason"):
        Signal(0, SignalAction.HOLD, "")
    with pytest.raises(OrderError, match="must be positive"):
        Signal(0, SignalAction.BUY, "why", size=1, stop_ticks=0, target_ticks=5)
