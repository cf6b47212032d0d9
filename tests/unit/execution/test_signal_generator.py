"""From predictions to signals, by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from quantumtrader.exceptions import ConfigError, OrderError
from quantumtrader.execution import (
    MarketState,
    Prediction,
    RiskLimits,
    RiskManager,
    SignalAction,
    SignalConfig,
    SignalGenerator,
)
from quantumtrader.types import PX_NONE, Instrument

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0, fee=1.0)
WIN = Instrument("WINQ25", "WIN", tick_size=5.0, point_value=0.2, fee=0.5)
MARKET = MarketState(1_000_000_000_000, bid_px=10_800, ask_px=10_801, last_px=10_800)
UP = Prediction(MARKET.ts, 0.5, 0.0004, 0.75, "trend_up", "m 1.0.0")


def signal(prediction: Prediction = UP, market: MarketState = MARKET, atr: float = 8.0, **config: Any) -> Any:
    return SignalGenerator(config, WDO).generate_signal(prediction, market, atr)


def test_a_long_by_hand() -> None:
    found = signal()
    # 1.5 ATR are 12 ticks, the 5 points of the least stop are 10; twice that is the target.
    assert (found.action, found.stop_ticks, found.target_ticks) == (SignalAction.BUY, 12, 24)
    assert (found.size, found.reason, found.time_stop_ns) == (1, "model_up", 900_000_000_000)


def test_a_short_is_its_mirror() -> None:
    found = signal(replace(UP, direction=-0.5))
    assert (found.side, found.stop_ticks, found.reason) == (-1, 12, "model_down")


def test_the_least_stop_is_in_points() -> None:
    assert signal(atr=2.0).stop_ticks == 10  # 5 points of WDO
    win = SignalGenerator({"cost_ticks": 0.0}, WIN).generate_signal(UP, MARKET, 0.1)
    assert win.stop_ticks == 1  # 5 points of WIN


def test_the_regime_moves_the_stop() -> None:
    assert signal(replace(UP, regime="range"), atr=20.0).stop_ticks == round(1.5 * 0.75 * 20)
    assert signal(replace(UP, regime=""), atr=20.0).stop_ticks == 30


def test_size_by_money_at_risk() -> None:
    # A tick of WDO is R$ 5. 12 ticks of stop, 1 of cost and R$ 2 of fees (0.4 ticks) are R$ 67 per contract.
    assert signal(risk_money=201.0, max_size=10).size == 3
    assert signal(risk_money=200.9, max_size=10).size == 2
    assert signal(risk_money=1_000.0, max_size=4).size == 4
    assert signal(risk_money=66.9, max_size=10).reason == "risk_below_one_lot"
    assert signal(market=replace(MARKET, lot=5), risk_money=67.0 * 9, max_size=100).size == 5


HOLDS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "in_position": ({}, {"busy": True}, {}),
    "cooldown": ({}, {"last_exit_ts": MARKET.ts - 29_000_000_000}, {}),
    "settling": ({}, {"open_since_ts": MARKET.ts - 59_000_000_000}, {}),
    "no_touch": ({}, {"bid_px": PX_NONE}, {}),
    "wide_spread": ({}, {"ask_px": 10_803}, {}),
    "prediction_of_another_time": ({"ts": 5}, {}, {}),
    "regime_undefined": ({"regime": "undefined"}, {}, {"no_trade_regimes": ("undefined",)}),
    "direction_weak": ({"direction": 0.29}, {}, {}),
    "magnitude_small": ({"magnitude": 0.00009}, {}, {}),
    "magnitude_unknown": ({"magnitude": math.nan}, {}, {}),
    "confidence_low": ({"confidence": 0.59}, {}, {}),
    "atr_unknown": ({}, {}, {"atr": math.nan}),
    "below_break_even": ({"confidence": 0.75}, {}, {"label_ticks": 4.0, "cost_ticks": 2.0}),
}


@pytest.mark.parametrize("reason", HOLDS)
def test_each_hold_has_its_reason(reason: str) -> None:
    said, market, config = HOLDS[reason]
    found = signal(replace(UP, **said), replace(MARKET, **market), **config)
    assert (found.action, found.reason) == (SignalAction.HOLD, reason)


def test_what_is_not_predicted_is_not_traded() -> None:
    found = signal(Prediction.none(MARKET.ts, "missing_cvd_session", "m 1.0.0"))
    assert (found.action, found.reason) == (SignalAction.HOLD, "missing_cvd_session")


def test_break_even_by_hand() -> None:
    # Barriers of 6 ticks, cost of 1 tick and R$ 2 (0.4 ticks): p* = 1/2 + 1.4/12 = 0.61667; margin 0.02.
    config = {"label_ticks": 6.0, "confidence": 0.0}
    assert signal(replace(UP, confidence=0.636), **config).reason == "below_break_even"
    assert signal(replace(UP, confidence=0.637), **config).reason == "model_up"


def test_dictionaries_are_taken() -> None:
    generator = SignalGenerator({"direction_threshold": 0.4, "risk_reward": 3.0}, WDO)
    market = {"ts": MARKET.ts, "bid_px": 10_800, "ask_px": 10_801, "last_px": 10_800, "atr": 4.0}
    found = generator.generate_signal(UP.to_dict(), market)
    assert (found.stop_ticks, found.target_ticks) == (12, 36)
    assert generator.counts == {"model_up": 1}


def test_the_risk_manager_takes_the_dictionary() -> None:
    generator = SignalGenerator({}, WDO)
    found = generator.generate_signal(UP, MARKET, 8.0)
    described = generator.describe(found, UP, MARKET, 8.0)
    assert described["entry_price"] == 5400.5
    assert (described["stop_loss"], described["take_profit"]) == (5394.5, 5412.5)
    assert described["metadata"]["regime"] == "trend_up"
    ok, why = RiskManager(RiskLimits(), WDO).validate_signal_ml(described, 10_000.0)
    assert not ok
    assert "no market is known" in why  # everything before that was in order


@pytest.mark.parametrize("change", [{"direction": 1.5}, {"stop_atr": 0.0}, {"margin": -1.0}, {"unknown": 1}])
def test_settings_out_of_range_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(change))):
        SignalGenerator(change)


def test_the_configuration_may_name_the_instrument() -> None:
    market = {"ts": MARKET.ts, "bid_px": 10_800, "ask_px": 10_801, "atr": 4.0}
    found = SignalGenerator({"confidence": 0.7, "instrument": WDO}).generate_signal(UP.to_dict(), market)
    assert (found.reason, found.stop_ticks) == ("model_up", 12)
    with pytest.raises(ConfigError, match="instrument is 'WDOU25', expected an Instrument"):
        SignalGenerator({"instrument": "WDOU25"})


def test_it_says_what_to_give() -> None:
    with pytest.raises(ConfigError, match=r"no instrument.*pass SignalGenerator\(config, instrument\)"):
        SignalGenerator(SignalConfig()).generate_signal(UP, MARKET, 8.0)
    generator = SignalGenerator({}, WDO)
    with pytest.raises(OrderError, match="market data has 'price'; there are ts, bid_px"):
        generator.generate_signal(UP, {"ts": MARKET.ts, "price": 5400.0})
    with pytest.raises(OrderError, match="market data has no 'ts'"):
        generator.generate_signal(UP, {"bid_px": 10_800})


def test_regimes_without_trades_have_one_default() -> None:
    assert signal(replace(UP, regime="undefined")).reason == "regime_undefined"
    assert signal(replace(UP, regime="")).reason == "model_up"  # nobody said
    assert signal(replace(UP, regime="undefined"), no_trade_regimes="").reason == "model_up"
    assert signal(replace(UP, regime="range"), no_trade_regimes="undefined, range").reason == "regime_range"


@pytest.mark.parametrize("change", [{"direction": 1.1}, {"confidence": -0.1}, {"direction": math.nan}])
def test_predictions_out_of_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(OrderError, match="expected -1 to 1"):
        replace(UP, **change)
    with pytest.raises(OrderError):
        Prediction.from_dict({**UP.to_dict(), **change})


def test_a_prediction_survives_its_dictionary() -> None:
    assert Prediction.from_dict(UP.to_dict()) == UP
    none = Prediction.none(5, "model_expired")
    back = Prediction.from_dict(none.to_dict())
    assert (back.ts, back.reason, back.ok) == (5, "model_expired", False)
