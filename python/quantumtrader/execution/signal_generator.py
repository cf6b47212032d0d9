"""From a prediction to a signal: side, stop and target in ticks, size in contracts, or a hold with its reason.

::

    prediction ─► is there one, is it strong enough, does it pay? ─► stop by ATR and regime ─► size by money at risk
                          └────────────── no: HOLD, reason ──────────────────────────┘
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from quantumtrader.exceptions import ConfigError, OrderError
from quantumtrader.execution.predictions import Prediction
from quantumtrader.execution.signals import MarketState, Signal, SignalAction
from quantumtrader.types import PX_NONE, Instrument

__all__ = ["NO_TRADE_REGIMES", "STOP_BY_REGIME", "SignalConfig", "SignalGenerator"]

NO_TRADE_REGIMES = ("undefined",)
"""Regimes in which nothing is entered unless somebody says otherwise: nobody knows yet what the market does."""
STOP_BY_REGIME = (("trend_up", 1.0), ("trend_down", 1.0), ("range", 0.75))
"""Regime to factor on the stop's distance in ATR: inside a range a move that far has already failed."""
_INSTRUMENT = "quantumtrader.data.contracts.instrument('WDOU25') gives that of a contract"


@dataclass(frozen=True, slots=True)
class SignalConfig:
    """What a prediction must be, and what a trade looks like. The numbers are settings, not findings.

    Parameters
    ----------
    direction : float
        Least absolute direction, 0 to 1.
    magnitude : float
        Least expected move as a share of the price; a model that does not know moves passes only with 0.
    confidence : float
        Least probability of the predicted side, 0 to 1.
    min_stop_points : float
        Least distance of the stop, in points.
    stop_atr : float
        Distance of the stop in average true ranges, before the regime's factor.
    stop_by_regime : tuple of (str, float)
        Factor of each regime.
    no_trade_regimes : tuple of str
        Regimes in which nothing is entered; :meth:`of` also takes words with commas between. A prediction for which nobody
        said the regime is in none of them.
    risk_reward : float
        Target's distance over the stop's.
    risk_money : float
        Money lost at the stop, fees included, that a trade may cost; 0 enters with ``size`` whatever the stop.
    size : int
        Contracts when ``risk_money`` is 0.
    max_size : int
        Most contracts.
    cost_ticks : float
        All-in cost of a round trip in ticks: spread crossed, slippage. Fees of the instrument come on top.
    label_ticks : float
        Distance of the barriers whose touch the model's probability speaks of, in ticks; 0 takes it to speak of the
        trade's own stop and target.
    margin : float
        What the confidence must exceed the break-even hit rate by.
    hold_s : float
        Time stop in seconds; 0 means never.
    cooldown_s : float
        Least time between the end of one trade and the next entry, in seconds.
    settle_s : float
        No entry in the first seconds after trading opens.
    max_spread_ticks : int
        Widest spread to enter at.
    """

    direction: float = 0.3
    magnitude: float = 0.0001
    confidence: float = 0.6
    min_stop_points: float = 5.0
    stop_atr: float = 1.5
    stop_by_regime: tuple[tuple[str, float], ...] = STOP_BY_REGIME
    no_trade_regimes: tuple[str, ...] = NO_TRADE_REGIMES
    risk_reward: float = 2.0
    risk_money: float = 0.0
    size: int = 1
    max_size: int = 1
    cost_ticks: float = 1.0
    label_ticks: float = 0.0
    margin: float = 0.02
    hold_s: float = 900.0
    cooldown_s: float = 30.0
    settle_s: float = 60.0
    max_spread_ticks: int = 2

    def __post_init__(self) -> None:
        for name in ("direction", "confidence"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"signal: {name} is {getattr(self, name)}, expected 0 to 1")
        for name in ("stop_atr", "risk_reward", "size", "max_size", "max_spread_ticks", "min_stop_points"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"signal: {name} is {getattr(self, name)}, expected a positive number")
        for name in (
            "magnitude",
            "risk_money",
            "cost_ticks",
            "label_ticks",
            "margin",
            "hold_s",
            "cooldown_s",
            "settle_s",
        ):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"signal: {name} is {getattr(self, name)}, expected 0 or more")
        for regime, factor in self.stop_by_regime:
            if not 0 < factor < math.inf:
                raise ConfigError(
                    f"signal: stop_by_regime of {regime} is {factor}, expected a positive number"
                )

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> SignalConfig:
        """Build from a dictionary: names of the fields, or ``direction_threshold`` and its like.

        Raises
        ------
        ConfigError
            If a name is unknown or a value out of range.
        """
        known = {f.name for f in fields(cls)}
        given: dict[str, Any] = {}
        for key, value in values.items():
            name = key.removesuffix("_threshold")
            if name not in known:
                raise ConfigError(f"signal: no setting {key!r}; there are {', '.join(sorted(known))}")
            if isinstance(value, Mapping):
                value = tuple(value.items())
            elif isinstance(value, list):
                value = tuple(value)
            elif name == "no_trade_regimes" and isinstance(value, str):
                value = tuple(word.strip() for word in value.split(",") if word.strip())
            given[name] = value
        return cls(**given)


class SignalGenerator:
    """Turns predictions into signals for one instrument.

    Parameters
    ----------
    config : SignalConfig or mapping, optional
        Thresholds and shape of a trade; a mapping may name the ``instrument`` too.
    instrument : Instrument, optional
        Tick and money; needed before the first signal.

    Examples
    --------
    >>> wdo = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)
    >>> generator = SignalGenerator({"direction_threshold": 0.3, "instrument": wdo})
    >>> said = {"direction": 0.5, "magnitude": 0.0004, "confidence": 0.75, "timestamp": 1}
    >>> market = {"ts": 1, "bid_px": 10_800, "ask_px": 10_801, "atr": 4.0}
    >>> generator.generate_signal(said, market).reason
    'model_up'
    """

    def __init__(
        self, config: SignalConfig | Mapping[str, Any] | None = None, instrument: Instrument | None = None
    ) -> None:
        if not isinstance(config, SignalConfig):
            values = dict(config or {})
            own = values.pop("instrument", None)
            if own is not None and not isinstance(own, Instrument):
                raise ConfigError(f"signal: instrument is {own!r}, expected an Instrument; {_INSTRUMENT}")
            instrument = own if instrument is None else instrument
            config = SignalConfig.of(values)
        self.config = config
        self.instrument = instrument
        self.counts: dict[str, int] = {}
        """How often each reason code was given."""

    def generate_signal(
        self,
        prediction: Prediction | Mapping[str, Any],
        market_data: MarketState | Mapping[str, Any],
        atr_ticks: float | None = None,
    ) -> Signal:
        """Decide on one prediction.

        Parameters
        ----------
        prediction : Prediction or mapping
            A mapping has ``direction, magnitude, confidence, regime, timestamp, model_used``.
        market_data : MarketState or mapping
            A mapping has the fields of :class:`MarketState` by name, and may have ``atr`` in points.
        atr_ticks : float, optional
            Average true range in ticks; NaN or None where it is not known.

        Returns
        -------
        Signal
            Never None: a hold carries its reason.

        Raises
        ------
        OrderError
            If the prediction or the market is malformed.
        ConfigError
            If the generator has no instrument.
        """
        if self.instrument is None:
            raise ConfigError(
                "the signal generator has no instrument, and stops in ticks and sizes in money need one: pass "
                f'SignalGenerator(config, instrument), or config["instrument"]; {_INSTRUMENT}'
            )
        if not isinstance(prediction, Prediction):
            prediction = Prediction.from_dict(prediction)
        if not isinstance(market_data, MarketState):
            values = dict(market_data)
            atr = values.pop("atr", None)
            if atr_ticks is None and atr is not None:
                atr_ticks = float(atr) / self.instrument.tick_size
            known = [f.name for f in fields(MarketState)]
            odd = [name for name in values if name not in known]
            if odd or "ts" not in values:
                what = f"has {odd[0]!r}" if odd else "has no 'ts' (sample time, ns UTC)"
                raise OrderError(
                    f"market data {what}; there are {', '.join(known)}, prices in ticks, and atr in points"
                )
            market_data = MarketState(**values)
        signal = self._decide(
            prediction, market_data, math.nan if atr_ticks is None else atr_ticks, self.instrument
        )
        self.counts[signal.reason] = self.counts.get(signal.reason, 0) + 1
        return signal

    def describe(
        self, signal: Signal, prediction: Prediction, market: MarketState, atr_ticks: float
    ) -> dict[str, Any]:
        """Return a signal as the dictionary that ``RiskManager.validate_signal`` takes, in points.

        Entry is the touch that a market order would meet, or the last price.
        """
        if self.instrument is None:
            raise ConfigError("the signal generator has no instrument")
        if not signal.side:
            raise OrderError(f"signal: {signal.action} ({signal.reason}) is no trade to describe")
        px = _entry_px(signal.side, market)
        if px == PX_NONE:
            raise OrderError("signal: there is no price to enter at")
        price = self.instrument.price
        return {
            "timestamp": signal.ts,
            "action": str(signal.action),
            "entry_price": price(px),
            "stop_loss": price(px - signal.side * signal.stop_ticks),
            "take_profit": price(px + signal.side * signal.target_ticks),
            "confidence": prediction.confidence,
            "position_size": signal.size,
            "reason": signal.reason,
            "metadata": {
                "prediction": prediction.to_dict(),
                "atr": price(atr_ticks),
                "regime": prediction.regime,
            },
        }

    def _decide(
        self, said: Prediction, market: MarketState, atr_ticks: float, instrument: Instrument
    ) -> Signal:
        config = self.config
        held = _not_now(config, market)
        if held:
            return _hold(market, held)
        if not said.ok:
            return _hold(market, said.reason)
        if said.ts != market.ts:
            return _hold(market, "prediction_of_another_time")
        if said.regime in config.no_trade_regimes:
            return _hold(market, f"regime_{said.regime}")
        if said.side == 0 or abs(said.direction) < config.direction:
            return _hold(market, "direction_weak")
        if config.magnitude > 0 and math.isnan(said.magnitude):
            return _hold(market, "magnitude_unknown")
        if config.magnitude > 0 and said.magnitude < config.magnitude:
            return _hold(market, "magnitude_small")
        if said.confidence < config.confidence:
            return _hold(market, "confidence_low")
        if not 0 < atr_ticks < math.inf:
            return _hold(market, "atr_unknown")
        factor = dict(config.stop_by_regime).get(said.regime, 1.0)
        least = math.ceil(config.min_stop_points / instrument.tick_size - 1e-9)
        stop = max(least, round(config.stop_atr * factor * atr_ticks), 1)
        target = max(1, round(config.risk_reward * stop))
        cost = config.cost_ticks + 2.0 * instrument.fee / instrument.tick_value
        # The probability is that of the label's barriers; where those are known, they are what must pay.
        near, far = (config.label_ticks,) * 2 if config.label_ticks else (stop, target)
        if said.confidence < (near + cost) / (near + far) + config.margin:
            return _hold(market, "below_break_even")
        size = self._size(config, instrument, market.lot, stop, cost)
        if size < market.lot:
            return _hold(market, "risk_below_one_lot")
        return Signal(
            ts=market.ts,
            action=SignalAction.BUY if said.side > 0 else SignalAction.SELL,
            reason="model_up" if said.side > 0 else "model_down",
            size=size,
            stop_ticks=stop,
            target_ticks=target,
            time_stop_ns=round(config.hold_s * 1e9),
        )

    @staticmethod
    def _size(config: SignalConfig, instrument: Instrument, lot: int, stop: int, cost: float) -> int:
        if config.risk_money == 0:
            wanted = config.size
        else:
            wanted = math.floor(config.risk_money / instrument.money(stop + cost, 1) + 1e-9)
        return min(wanted, config.max_size) // lot * lot


def _not_now(config: SignalConfig, market: MarketState) -> str:
    """Why nothing is entered whatever is predicted; empty when something may be."""
    if market.busy:
        return "in_position"
    if market.last_exit_ts and market.ts - market.last_exit_ts < config.cooldown_s * 1e9:
        return "cooldown"
    if market.open_since_ts and market.ts - market.open_since_ts < config.settle_s * 1e9:
        return "settling"
    if market.has_touch and not market.touch_ok:
        return "no_touch"
    if market.has_touch and market.spread_ticks > config.max_spread_ticks:
        return "wide_spread"
    return ""


def _entry_px(side: int, market: MarketState) -> int:
    if not market.has_touch:
        return market.last_px
    return market.ask_px if side > 0 else market.bid_px


def _hold(market: MarketState, reason: str) -> Signal:
    return Signal(market.ts, SignalAction.HOLD, reason)
