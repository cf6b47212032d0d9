"""Signals and positions as dictionaries: the same rules, in points and R$."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from quantumtrader.data.contracts import instrument
from quantumtrader.exceptions import OrderError
from quantumtrader.execution import Approved, RiskLimits, RiskManager, RiskState
from quantumtrader.types import Order

WDO = dataclasses.replace(instrument("WDOU25"), fee=1.0)
WHEN = datetime(2025, 8, 5, 15, 0, tzinfo=UTC)
NOON = int(WHEN.timestamp()) * 10**9
STATE = RiskState(NOON, 0, 0, 0, 0.0, 0.0, bid_px=10_800, ask_px=10_801, last_px=10_800)
BUY: dict[str, Any] = {
    "timestamp": NOON,
    "action": "buy",
    "entry_price": 5400.5,
    "stop_loss": 5396.5,
    "take_profit": 5408.5,
    "confidence": 0.7,
    "position_size": 3,
    "reason": "flow",
    "metadata": {"prediction": {"direction": 0.5, "confidence": 0.7}, "atr": 6.0},
}
POSITION = {
    "action": "buy",
    "entry_price": 5400.0,
    "stop_loss": 5396.0,
    "take_profit": 5408.0,
    "position_size": 2,
}


def manager(**limits: Any) -> RiskManager:
    return RiskManager(RiskLimits(**limits), WDO, source=lambda ts: dataclasses.replace(STATE, ts=ts))


def test_risk_per_trade_in_reais() -> None:
    # 3 contracts, 4 points at R$ 10: R$ 120, and R$ 6 fees; 2 % of R$ 6,300.
    risk = manager(risk_per_trade=0.02)
    assert risk.validate_signal(BUY, 6_300.0) == (True, "approved")
    good, reason = risk.validate_signal(BUY, 6_299.0)
    assert not good
    assert reason.startswith("trade_risk: ")
    assert "126.00 BRL" in reason


def test_it_asks_the_same_rules() -> None:
    assert manager(max_position=2).validate_signal(BUY, 1e5)[1].startswith("position_limit")
    assert manager(min_risk_reward=2.5).validate_signal(BUY, 1e5)[1].startswith("risk_reward")
    assert (
        manager(price_collar_ticks=5)
        .validate_signal({**BUY, "entry_price": 5397.5}, 1e5)[1]
        .startswith("price_collar")
    )
    assert (
        manager(max_atr_ticks=11.0).validate_signal(BUY, 1e5)[1].startswith("volatility")
    )  # 6 points: 12 ticks
    assert manager(max_atr_ticks=12.0).validate_signal({**BUY, "timestamp": WHEN}, 1e5) == (True, "approved")
    risk = manager()
    risk.trip("feed lost")
    assert risk.validate_signal(BUY, 1e5)[1].startswith("kill_switch")


def test_a_yes_is_no_approval_and_counts_for_nothing() -> None:
    risk = manager(orders_per_minute=1)
    for _ in range(5):
        assert risk.validate_signal(BUY, 1e5)[0]
    assert isinstance(risk.check(Order(1, 1, 1), STATE), Approved)
    assert risk.validate_signal(BUY, 1e5)[1].startswith("order_rate")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action": "hold"}, "expected buy or sell"),
        ({"stop_loss": None}, "stop_loss is None"),
        ({"take_profit": math.nan}, "take_profit is nan"),
        ({"entry_price": 5400.3}, "not on the grid"),
        ({"stop_loss": 5401.0}, "two sides"),
        ({"take_profit": 5400.0}, "two sides"),
        ({"action": "sell"}, "two sides"),
        ({"position_size": 1.5}, "whole number"),
        ({"position_size": 0}, "whole number"),
        ({"timestamp": datetime(2025, 8, 5)}, "time zone"),
        ({"timestamp": None}, "timestamp is None"),
    ],
)
def test_bad_signals_are_refused(change: dict[str, Any], message: str) -> None:
    good, reason = manager().validate_signal({**BUY, **change}, 1e5)
    assert not good
    assert message in reason


@pytest.mark.parametrize("balance", [0.0, -1.0, math.nan, None])
def test_an_unknown_balance_refuses(balance: Any) -> None:
    assert "account balance" in manager().validate_signal(BUY, balance)[1]


def test_no_market_no_yes() -> None:
    assert "no market is known" in RiskManager(RiskLimits(), WDO).validate_signal(BUY, 1e5)[1]


def test_positions_given_or_registered_count() -> None:
    risk = manager(max_open_positions=1)
    open_, closed = {**POSITION, "status": "open"}, {**POSITION, "status": "closed"}
    assert risk.validate_signal(BUY, 1e5, [closed])[0]
    assert risk.validate_signal(BUY, 1e5, {"a": open_})[1].startswith("open_positions")
    risk.register_position(POSITION)
    assert risk.validate_signal(BUY, 1e5)[1].startswith("open_positions")


def test_signals_of_models_agree_with_their_prediction() -> None:
    risk = manager()
    assert risk.validate_signal_ml(BUY, 1e5) == (True, "approved")
    assert (
        "against a predicted" in risk.validate_signal_ml(BUY, 1e5, {"direction": -0.1, "confidence": 0.9})[1]
    )
    assert (
        "against a predicted" in risk.validate_signal_ml(BUY, 1e5, {"direction": 0.0, "confidence": 0.9})[1]
    )
    for bad in (
        {"direction": math.nan, "confidence": 0.9},
        {"direction": 0.5, "confidence": 1.1},
        {"direction": 0.5},
    ):
        assert "expected -1 to 1" in risk.validate_signal_ml(BUY, 1e5, bad)[1]
    assert "no prediction" in risk.validate_signal_ml({**BUY, "metadata": {}}, 1e5)[1]


def test_a_position_from_open_to_closed_in_reais() -> None:
    risk = manager(daily_loss=500.0)
    number = risk.register_position(POSITION)
    # 2 contracts, 4 points at R$ 10 to the stop: R$ 80, and R$ 4 fees.
    assert risk.get_risk_metrics() == {
        "open_positions": 1,
        "contracts": 2,
        "risk_at_stops": 84.0,
        "closed_positions": 0,
        "closed_result": 0.0,
        "daily_loss_left": 500.0,
        "kill_switch": None,
    }
    risk.update_position_stop(number, 5398.0)
    assert risk.get_risk_metrics()["risk_at_stops"] == 44.0
    for bad in (5397.5, math.nan, None):
        with pytest.raises(OrderError, match="only with the trade"):
            risk.update_position_stop(number, bad)
    with pytest.raises(OrderError, match="exit price"):
        risk.close_position(number, math.nan, "stop")
    closed = risk.close_position(number, 5398.0, "stop")
    assert (closed["result"], closed["status"], closed["exit_reason"]) == (-44.0, "closed", "stop")
    metrics = risk.get_risk_metrics()
    assert (metrics["open_positions"], metrics["closed_result"], metrics["daily_loss_left"]) == (
        0,
        -44.0,
        456.0,
    )
    with pytest.raises(OrderError, match="open are none"):
        risk.close_position(number, 5398.0, "again")
    risk.begin_session()
    assert risk.get_risk_metrics()["daily_loss_left"] == 500.0


def test_short_positions_and_win() -> None:
    win = dataclasses.replace(instrument("WINV25"), fee=0.5)
    risk = RiskManager(RiskLimits(), win)
    number = risk.register_position(
        {"id": "w", "action": "sell", "entry_price": 135_000, "stop_loss": 135_100, "position_size": 5}
    )
    assert risk.get_risk_metrics()["risk_at_stops"] == pytest.approx(105.0)  # 100 points x R$ 0.20 x 5 + R$ 5
    assert risk.close_position(number, 134_800, "target")["result"] == pytest.approx(195.0)
    with pytest.raises(OrderError, match="do not fit a sell"):
        risk.register_position({"action": "sell", "entry_price": 10, "stop_loss": 9, "position_size": 1})
