"""The strategy ``model``: a model folder decides, in replay, demonstration and live trading alike.

::

    row ─► guard ─► regime by bar ─► model ─► prediction ─► signal generator ─► signal
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, ManifestError, PromotionError
from quantumtrader.execution.predictions import Prediction
from quantumtrader.execution.signal_generator import NO_TRADE_REGIMES, SignalConfig, SignalGenerator
from quantumtrader.execution.signals import MarketState, Signal
from quantumtrader.execution.strategy import register_strategy
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.models.bar_regimes import BarRegimes
from quantumtrader.models.conformal import ALPHA
from quantumtrader.models.prediction import Predictor
from quantumtrader.models.regimes import FEATURES as REGIME_FEATURES
from quantumtrader.models.regimes import Regime, RegimeAnalyzer
from quantumtrader.models.registry import LoadedModel, ModelRegistry
from quantumtrader.models.row_guard import RowGuard
from quantumtrader.models.states import ModelState
from quantumtrader.types import Instrument

__all__ = ["ModelStrategy", "load_folder", "signal_config"]

_ATR = "atr_14"


def load_folder(folder: Path | str) -> LoadedModel:
    """Load the model of a folder ``<models>/<name>/<version>``, or the live version of ``<models>/<name>``.

    Raises
    ------
    ConfigError
        If the path names no model, or one without a live version.
    ModelError
        If the model does not pass its checks. Validity is judged later, by the time of each row.
    """
    path = Path(folder)
    if not str(folder).strip() or path.name in ("", ".", ".."):
        raise ConfigError("model: give the model's folder, for example -p folder=models/wdo_dir/1.0.0")
    if path.name[:1].isdigit() and "." in path.name:
        return ModelRegistry(path.parent.parent).load(path.parent.name, path.name, validity=False)
    registry = ModelRegistry(path.parent)
    live = registry.states(path.name).live
    if live is None:
        raise ConfigError(
            f"model: {path} has no live version; give one, for example {path}/"
            f"{(registry.versions(path.name) or ('1.0.0',))[-1]}"
        )
    return registry.load(path.name, live, validity=False)


def signal_config(strategy: Any, max_size: int, model: LoadedModel | None = None) -> SignalConfig:
    """Return what the fields of a strategy say of signals.

    Parameters
    ----------
    strategy : dataclass instance
        Has fields of :class:`SignalConfig` by name.
    max_size : int
        Most contracts.
    model : LoadedModel, optional
        Whose label the probability speaks of: where that has barriers, they are what must pay.

    Raises
    ------
    ConfigError
        If a value is out of range, or a regime is none that the analyzer says.
    """
    shared = {f.name for f in fields(SignalConfig)} & {f.name for f in fields(strategy)}
    barrier = 0.0 if model is None else float(model.manifest.label.get("barrier_ticks") or 0.0)
    config = SignalConfig.of(
        {name: getattr(strategy, name) for name in shared} | {"max_size": max_size, "label_ticks": barrier}
    )
    odd = [name for name in config.no_trade_regimes if name not in set(Regime)]
    if odd:
        raise ConfigError(
            f"{strategy.name}: no_trade_regimes has {odd[0]!r}; regimes are {', '.join(Regime)}, with commas between"
        )
    return config


@register_strategy("model")
@dataclass(eq=False)
class ModelStrategy:
    """Trade what a model predicts, where the prediction is strong enough to pay for the trade.

    Parameters
    ----------
    folder : str
        ``<models>/<name>/<version>``, or ``<models>/<name>`` for its live version.
    alpha : float
        Share of rows whose prediction set may miss what comes; nothing is entered where the set holds both sides. 0 asks no
        set, as a model without scores for it must be asked.
    no_trade_regimes : str
        Regimes in which nothing is entered, with commas between; empty for none.
    direction, magnitude, confidence, min_stop_points, stop_atr, risk_reward, risk_money, size, max_size, cost_ticks,
    margin, hold_s, cooldown_s, settle_s, max_spread_ticks
        See :class:`SignalConfig`.
    """

    folder: str = ""
    alpha: float = ALPHA
    no_trade_regimes: str = ",".join(NO_TRADE_REGIMES)
    direction: float = 0.3
    magnitude: float = 0.0001
    confidence: float = 0.6
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
        signal_config(self, self.max_size)  # complains before seconds are spent on the model
        self._model = load_folder(self.folder)
        self._predictor = Predictor(self._model, self.alpha)
        names = self._model.names
        self._features = tuple(dict.fromkeys((*names, _ATR, *REGIME_FEATURES)))
        self._width = len(names)
        self._atr, self._adx, self._alignment = (self._features.index(n) for n in (_ATR, *REGIME_FEATURES))
        self._generator: SignalGenerator | None = None
        self._said: Prediction | None = None
        self._begin()

    @property
    def name(self) -> str:
        """Name in the registry."""
        return "model"

    @property
    def features(self) -> tuple[str, ...]:
        """Columns of the row: the model's, then those of stop and regime."""
        return self._features

    @property
    def clock(self) -> str:
        """Sampling clock that the model was trained on."""
        return self._model.manifest.features.clock

    @property
    def rule(self) -> str:
        """The rule in words."""
        m = self._model.manifest
        made = "synthetic data" if m.data["synthetic"] else "a recording"
        return (
            f"{m.id} ({m.kind}, {self._model.state}), trained on {made} from {_day(m.data['from_ns'])} to "
            f"{_day(m.data['to_ns'])}. Enter with its direction of at least {self.direction:g} at a confidence of at "
            f"least {self.confidence:g} and above break-even; stop {self.stop_atr:g} ATR by regime, target "
            f"{self.risk_reward:g} times the stop, time stop {self.hold_s:g} s."
        )

    @property
    def model(self) -> LoadedModel:
        """The model."""
        return self._model

    @property
    def prediction(self) -> Prediction | None:
        """What was predicted on the last row; None before the first."""
        return self._said

    def bind(self, instrument: Instrument, manifest: str, *, real_money: bool = False) -> None:
        """Hold the rows and the instrument against what the model was trained on; see ``bind_strategy``.

        Raises
        ------
        ManifestError
            Names every difference: columns, order, windows, clock, engine version, tick, product.
        PromotionError
            If the model may not trade real money in its state.
        """
        trained = self._model.manifest
        running = FeatureManifest.from_json(manifest)
        differences = list(trained.differences(running))
        product = trained.instrument["product"]
        if instrument.product != product:
            differences.append(f"product is {instrument.product}, expected {product}")
        if differences:
            remedy = trained.remedy(running, self._model.folder)
            raise ManifestError(
                f"{trained.id} was trained on other rows: {'; '.join(differences)}{remedy and f'. {remedy}'}",
                tuple(differences),
            )
        state = self._model.state
        if real_money and not state.trades:
            raise PromotionError(
                f"{trained.id} is {state}: only a canary or a live model may trade real money",
                (f"state is {state}",),
            )
        most = instrument.lot if state is ModelState.CANARY else self.max_size
        self._generator = SignalGenerator(signal_config(self, most, self._model), instrument)
        self._begin()

    def evaluate(self, row: npt.NDArray[np.float64], market: MarketState) -> Signal:
        """Decide on one sample; see ``Strategy.evaluate``."""
        if self._generator is None:
            raise ConfigError("model: the strategy was not told what its rows are; call bind_strategy first")
        own = row[: self._width]
        blocked = self._guard.observe(market.ts, own, market.inputs)
        regime = self._regimes.observe(market.ts, float(row[self._adx]), float(row[self._alignment]))
        said = self._predictor.predict(market.ts, own, regime=regime, blocked=blocked)
        self._said = said
        return self._generator.generate_signal(said, market, float(row[self._atr]))

    def _begin(self) -> None:
        """Forget all rows: a run starts."""
        self._guard = RowGuard(self._model.names)
        self._regimes = BarRegimes(RegimeAnalyzer())
        self._said = None


def _day(ns: int) -> str:
    return str(np.datetime64(int(ns), "ns").astype("datetime64[D]"))
