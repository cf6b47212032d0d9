"""The strategy ``hybrid``: a tick model says which way, a book model says when to enter and when to leave.

::

    new bar ──► guard ─► tick model ─► regime, base signal ─┐
    each row ─► guard ─► book model ─► now, or not yet ─────┴─► one prediction ─► signal generator ─► signal
                             └─ in a trade: turned against it? ─► exit
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, ManifestError, PromotionError
from quantumtrader.execution.predictions import Prediction
from quantumtrader.execution.signal_generator import NO_TRADE_REGIMES, SignalGenerator
from quantumtrader.execution.signals import MarketState, Signal, SignalAction
from quantumtrader.execution.strategy import register_strategy
from quantumtrader.features.catalogue import info
from quantumtrader.features.guards import Reason
from quantumtrader.features.lags import split_lag
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.models.bar_regimes import BAR_NS, BarRegimes
from quantumtrader.models.conformal import ALPHA
from quantumtrader.models.prediction import Predictor
from quantumtrader.models.regimes import FEATURES as REGIME_FEATURES
from quantumtrader.models.regimes import RegimeAnalyzer
from quantumtrader.models.registry import LoadedModel
from quantumtrader.models.row_guard import RowGuard
from quantumtrader.models.states import ModelState
from quantumtrader.models.strategy import load_folder, signal_config
from quantumtrader.types import PX_NONE, Instrument

__all__ = ["HybridStrategy", "combined_confidence"]

_ATR = "atr_14"
_EDGE = 1e-6


def combined_confidence(tick: float, book: float, weight: float) -> float:
    """Return the probability of the base's side from both models: the weighted mean of their log-odds."""
    a, b = (min(max(p, _EDGE), 1 - _EDGE) for p in (tick, book))
    z = (1 - weight) * math.log(a / (1 - a)) + weight * math.log(b / (1 - b))
    return 1 / (1 + math.exp(-z))


@register_strategy("hybrid")
@dataclass(eq=False)
class HybridStrategy:
    """Trade the side of a tick model when a book model agrees.

    The tick model is asked once per bar, on the first row after it closed, and must read features of bars only: those are
    the same whatever the clock of the rows. Regime and side are the tick model's, the moments of entry and exit are the
    book model's; the size and the bracket follow the regime's range, and both models must be probable enough together.

    A trade is left, besides by its bracket and by time, when the book model turns against it: its direction reaches
    ``-exit`` on the trade's side and does not come back to 0 or above for ``exit_s``. Between ``-exit`` and ``entry``
    nothing changes, so that a model that wavers about 0 does not pay the spread at each step.

    Parameters
    ----------
    tick, book : str
        Folders of the models, as of the strategy ``model``.
    entry : float
        Least direction of the book model, on the side of the tick model.
    exit : float
        Least direction of the book model against the trade that begins to turn it out, above 0 to 1; 0 leaves by bracket
        and time only.
    exit_s : float
        How long the book model must stay against the trade, in seconds; 0 leaves on the first row. A row on which it
        predicts nothing begins the count anew, and so does an auction or a halt.
    weight : float
        Of the book model in the common confidence, 0 to 1; half, unless a stack was fitted.
    alpha : float
        Share of rows whose prediction set may miss what comes; nothing is entered where the set holds both sides. 0 asks no
        set, as a model without scores for it must be asked.
    no_trade_regimes : str
        Regimes in which nothing is entered, with commas between; empty for none.
    direction, magnitude, confidence, min_stop_points, stop_atr, risk_reward, risk_money, size, max_size, cost_ticks,
    margin, hold_s, cooldown_s, settle_s, max_spread_ticks
        See :class:`SignalConfig`.
    """

    tick: str = ""
    book: str = ""
    entry: float = 0.1
    exit: float = 0.2
    exit_s: float = 1.0
    weight: float = 0.5
    alpha: float = ALPHA
    no_trade_regimes: str = ",".join(NO_TRADE_REGIMES)
    direction: float = 0.1
    magnitude: float = 0.0
    confidence: float = 0.5
    min_stop_points: float = 5.0
    stop_atr: float = 1.5
    risk_reward: float = 2.0
    risk_money: float = 0.0
    size: int = 1
    max_size: int = 1
    cost_ticks: float = 1.0
    margin: float = 0.02
    hold_s: float = 900.0
    cooldown_s: float = 30.0
    settle_s: float = 60.0
    max_spread_ticks: int = 2

    def __post_init__(self) -> None:
        for name in ("entry", "exit", "weight"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"hybrid: {name} is {getattr(self, name)}, expected 0 to 1")
        if not 0 <= self.exit_s < math.inf:
            raise ConfigError(f"hybrid: exit_s is {self.exit_s}, expected 0 or more")
        signal_config(self, self.max_size)
        self._base, self._timing = load_folder(self.tick), load_folder(self.book)
        moving = [n for n in self._base.names if info(n).inputs != ("B",)]
        if moving:
            raise ConfigError(
                f"hybrid: {self._base.id} reads {moving[0]}, which changes between bars; train it on the set bars"
            )
        earlier = [n for n in self._base.names if split_lag(n)[1]]
        if earlier:
            raise ConfigError(
                f"hybrid: {self._base.id} reads {earlier[0]}: it counts bars, the rows here are those of the book's clock; "
                "train it without columns of earlier rows"
            )
        length = int(self._base.manifest.label.get("bar_ns") or BAR_NS)
        if length != BAR_NS:
            raise ConfigError(
                f"hybrid: {self._base.id} was trained on bars of {length / 1e9:g} s; the engine makes bars of "
                f"{BAR_NS / 1e9:g} s from prints"
            )
        self._base_predictor = Predictor(self._base, self.alpha)
        self._timing_predictor = Predictor(self._timing, self.alpha)
        self._features = tuple(
            dict.fromkeys((*self._timing.names, *self._base.names, _ATR, *REGIME_FEATURES))
        )
        place = {name: k for k, name in enumerate(self._features)}
        self._own = np.array([place[n] for n in self._timing.names])
        self._bars = np.array([place[n] for n in self._base.names])
        self._read = tuple(dict.fromkeys((*self._timing.names, *self._base.names)))  # the first columns
        self._atr, self._adx, self._alignment = (place[n] for n in (_ATR, *REGIME_FEATURES))
        self._generator: SignalGenerator | None = None
        self._bar = -1
        self._direction: Prediction | None = None
        self._said: Prediction | None = None
        self._against_since: int | None = None
        self._begin()

    @property
    def name(self) -> str:
        """Name in the registry."""
        return "hybrid"

    @property
    def features(self) -> tuple[str, ...]:
        """Columns of the row: the book model's, then the tick model's, then those of stop and regime."""
        return self._features

    @property
    def clock(self) -> str:
        """Sampling clock of the book model."""
        return self._timing.manifest.features.clock

    @property
    def rule(self) -> str:
        """The rule in words."""
        made = (
            "synthetic data"
            if any(m.manifest.data["synthetic"] for m in (self._base, self._timing))
            else "recordings"
        )
        turned = (
            f"; out when the latter leads against the trade by {self.exit:g} and stays so for {self.exit_s:g} s"
            if self.exit
            else ""
        )
        return (
            f"Side and regime from {self._base.id} once per bar, entry when {self._timing.id} leads the same way by "
            f"{self.entry:g}; trained on {made}. Stop {self.stop_atr:g} ATR by regime, target {self.risk_reward:g} times "
            f"the stop, time stop {self.hold_s:g} s{turned}."
        )

    @property
    def models(self) -> tuple[LoadedModel, LoadedModel]:
        """Tick model and book model."""
        return self._base, self._timing

    @property
    def prediction(self) -> Prediction | None:
        """What was predicted on the last row; None before the first."""
        return self._said

    def bind(self, instrument: Instrument, manifest: str, *, real_money: bool = False) -> None:
        """Hold the rows against what both models were trained on; the clock is the book model's.

        Raises
        ------
        ManifestError
            Names every difference.
        PromotionError
            If one of the models may not trade real money in its state.
        """
        running = FeatureManifest.from_json(manifest)
        differences = list(self._timing.manifest.differences(running))
        # Features of bars hear of bars alone: on any clock they are those of the tick model's. Columns that both models
        # read stand where the book model has them; the tick model's are taken by name.
        own = replace(_in_order(running, self._base.names), clock=self._base.manifest.features.clock)
        differences += self._base.manifest.differences(own)
        for model in self.models:
            product = model.manifest.instrument["product"]
            if instrument.product != product:
                differences.append(f"product is {instrument.product}, {model.id} expects {product}")
        if differences:
            told = [
                self._timing.manifest.remedy(running, self._timing.folder),
                self._base.manifest.remedy(own, self._base.folder),
            ]
            remedy = "".join(f". {text}" for text in dict.fromkeys(told) if text)
            raise ManifestError(
                f"hybrid: rows are others: {'; '.join(differences)}{remedy}", tuple(differences)
            )
        states = [model.state for model in self.models]
        closed = [m.id for m in self.models if not m.state.trades]
        if real_money and closed:
            raise PromotionError(
                f"hybrid: {', '.join(closed)} may not trade real money; only a canary or a live model may",
                tuple(closed),
            )
        most = instrument.lot if ModelState.CANARY in states else self.max_size
        # The side is the tick model's, so its barriers are what the trade must pay by.
        self._generator = SignalGenerator(signal_config(self, most, self._base), instrument)
        self._begin()

    def evaluate(self, row: npt.NDArray[np.float64], market: MarketState) -> Signal:
        """Decide on one sample; see ``Strategy.evaluate``."""
        if self._generator is None:
            raise ConfigError("hybrid: the strategy was not told what its rows are; call bind_strategy first")
        regime = self._regimes.observe(market.ts, float(row[self._adx]), float(row[self._alignment]))
        blocked = self._guard.observe(market.ts, row[: len(self._read)], market.inputs)
        base = self._base_said(market.ts, row, regime, blocked)
        timing = self._timing_predictor.predict(market.ts, row[self._own], regime=regime, blocked=blocked)
        said = self._said = self._together(base, timing, market.ts, regime)
        if self._turned(timing, market):
            return Signal(market.ts, SignalAction.EXIT, "book_turned")
        return self._generator.generate_signal(said, market, float(row[self._atr]))

    def _base_said(
        self, ts: int, row: npt.NDArray[np.float64], regime: str, blocked: Mapping[str, Reason]
    ) -> Prediction:
        """What the tick model said of this bar; nothing while one of its columns is blocked."""
        bar, known = ts // BAR_NS, self._direction
        if known is not None and bar == self._bar and not (blocked and known.ok):
            return known
        said = self._base_predictor.predict(ts, row[self._bars], regime=regime, blocked=blocked)
        if known is None or bar != self._bar:
            self._bar, self._direction = bar, said
        return said

    def _turned(self, timing: Prediction, market: MarketState) -> bool:
        """Whether the book model has led against the trade for long enough, and there is a price to leave at."""
        # What is too uncertain to enter on may still be a way out: only a book model that says nothing counts as 0.
        known = self.exit and not math.isnan(timing.direction)
        lead = market.trade_side * timing.direction if known else 0.0
        if lead >= 0:
            self._against_since = None
            return False
        if self._against_since is not None and self._against_since < market.open_since_ts:
            self._against_since = None  # nobody asked in the auction or halt between
        if self._against_since is None and lead <= -self.exit:
            self._against_since = market.ts
        if self._against_since is None or market.ts - self._against_since < self.exit_s * 1e9:
            return False
        # Without a price an exit is refused, but its stop is taken out: better stay guarded.
        px = market.bid_px if market.trade_side > 0 else market.ask_px
        return not market.has_touch or px != PX_NONE

    def _together(self, base: Prediction, timing: Prediction, ts: int, regime: str) -> Prediction:
        used = f"{base.model_used} + {timing.model_used}"
        for said in (base, timing):
            if not said.ok:
                return Prediction.none(ts, said.reason, said.model_used, regime)
        if base.side == 0:
            return Prediction.none(ts, "no_base", used, regime)
        lead = base.side * timing.direction
        if lead < self.entry:
            return Prediction.none(ts, "book_waits" if lead >= 0 else "book_against", used, regime)
        confidence = combined_confidence(base.confidence, (1 + lead) / 2, self.weight)
        return Prediction(ts, base.direction, base.magnitude, confidence, regime, used)

    def _begin(self) -> None:
        """Forget all rows: a run starts."""
        self._guard = RowGuard(self._read)
        self._regimes = BarRegimes(RegimeAnalyzer())
        self._bar, self._direction, self._said = -1, None, None
        self._against_since = None


def _in_order(manifest: FeatureManifest, names: tuple[str, ...]) -> FeatureManifest:
    """Return the manifest with the columns of ``names`` in their order, before all others."""
    rank = {name: k for k, name in enumerate(names)}
    places = sorted(range(len(manifest.names)), key=lambda k: rank.get(manifest.names[k], len(rank)))
    return replace(
        manifest,
        names=tuple(manifest.names[k] for k in places),
        features=tuple(manifest.features[k] for k in places),
        definitions=tuple(manifest.definitions[k] for k in places),
        warmups=tuple(manifest.warmups[k] for k in places),
    )
