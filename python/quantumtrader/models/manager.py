"""The models that are in service: found in their folder, verified, kept ready."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quantumtrader.clock import Clock
from quantumtrader.exceptions import DataError, ModelError
from quantumtrader.execution.predictions import Prediction
from quantumtrader.models.conformal import ALPHA
from quantumtrader.models.prediction import PredictionEngine, Predictor, pool
from quantumtrader.models.registry import LoadedModel, ModelRegistry
from quantumtrader.models.retraining import RetrainingConfig, write_rule
from quantumtrader.models.states import Entry, ModelState

__all__ = ["ModelManager"]

_log = logging.getLogger(__name__)

_ORDER = (ModelState.LIVE, ModelState.CANARY, ModelState.SHADOW, ModelState.CANDIDATE)


class ModelManager:
    """The models of a folder, one version of each name in service.

    A new model is found by being in the folder. Of each name the version highest up is loaded: live, else canary, else
    shadow, else the newest candidate; of a live one also the version that a rollback would bring back, so that going
    back takes no time. Nothing is loaded that does not pass every check, and why is in ``refused``.

    Parameters
    ----------
    models_dir : path
        The folder.
    clock : Clock, optional
        Judges validity, stamps moves.
    validity : bool
        Whether models beyond their time are refused; a replay of old events does not ask.
    alpha : float
        Of the prediction sets, see :class:`Predictor`; 0 asks no set.
    """

    def __init__(
        self,
        models_dir: Path | str,
        clock: Clock | None = None,
        *,
        validity: bool = True,
        alpha: float = ALPHA,
    ) -> None:
        self.registry = ModelRegistry(models_dir, clock)
        self.refused: dict[str, str] = {}
        """``name version`` to why it was not loaded."""
        self._validity, self._alpha = validity, alpha
        self._models: dict[str, LoadedModel] = {}
        self._previous: dict[str, LoadedModel] = {}
        self._predictors: dict[str, Predictor] = {}

    @property
    def models(self) -> dict[str, LoadedModel]:
        """Models in service by name."""
        return dict(self._models)

    def load_models(self) -> dict[str, LoadedModel]:
        """Load what is in the folder, and forget what was loaded before; returns models by name."""
        self.refused = {}
        models: dict[str, LoadedModel] = {}
        previous: dict[str, LoadedModel] = {}
        for name in self.registry.names():
            try:
                states = self.registry.states(name)
            except DataError as error:
                self._refuse(name, error)
                continue
            versions = self.registry.versions(name)
            # A damaged live version is not replaced by one that was never promoted.
            highest = next((s for s in _ORDER if any(states.of(v) is s for v in versions)), None)
            for version in reversed([v for v in versions if states.of(v) is highest]):
                found = self._load(name, version)
                if found is not None:
                    models[name] = found
                    break
            if states.previous is not None:
                hot = self._load(name, states.previous)
                if hot is not None:
                    previous[name] = hot
        self._models, self._previous = models, previous
        self._predictors = {}
        return self.models

    def predictor(self, name: str | None = None) -> Predictor:
        """Return the predictor of a model; without a name of the only one that predicts a direction.

        Raises
        ------
        ModelError
            If there is none, or several to choose from.
        """
        if name is None:
            names = self._directional()
            if len(names) != 1:
                raise ModelError(
                    f"{len(names)} models predict a direction ({', '.join(names) or 'none is loaded'})",
                    path=self.registry.root,
                    remedy="Name one, or see quantumtrader models list",
                )
            name = names[0]
        if name not in self._models:
            why = "; ".join(f"{k}: {v}" for k, v in self.refused.items() if k.split()[0] == name)
            raise ModelError(
                f"no model {name} is loaded{f' ({why})' if why else ''}",
                path=self.registry.root,
                remedy=f"Loaded are {', '.join(self._models) or 'none'}",
            )
        if name not in self._predictors:
            self._predictors[name] = Predictor(self._models[name], self._alpha)
        return self._predictors[name]

    def predictor_for(self, regime: str) -> Predictor:
        """Return the predictor of a regime's own model, else that of the model for all regimes."""
        names = self._directional()
        own = [n for n in names if regime and self._models[n].manifest.regime == regime]
        general = [n for n in names if not self._models[n].manifest.regime]
        chosen = own or general
        if len(chosen) != 1:
            raise ModelError(
                f"{len(chosen)} models are for the regime {regime or 'of nobody'!r} "
                f"({', '.join(chosen) or 'none is loaded'})",
                path=self.registry.root,
                remedy="Retire all but one, or name the model",
            )
        return self.predictor(chosen[0])

    def predict(
        self, features: Mapping[str, float], model: str | None = None, *, timestamp: int = 0
    ) -> dict[str, Any]:
        """Predict with one model; see :meth:`PredictionEngine.predict`."""
        return PredictionEngine(self).predict(features, model=model, timestamp=timestamp)

    def predict_with_ensemble(
        self, features: Mapping[str, float], market_regime: str = "", *, timestamp: int = 0
    ) -> dict[str, Any]:
        """Predict with every model for this regime, weighted equally.

        Models whose features are missing are left out; ``model_used`` names those that spoke.
        """
        names = [n for n in self._directional() if self._models[n].manifest.regime in ("", market_regime)]
        if not names:
            raise ModelError("no loaded model predicts a direction", path=self.registry.root)
        said: list[Prediction] = [
            PredictionEngine.prediction(self.predictor(n), features, market_regime, timestamp, None)
            for n in names
        ]
        return pool(said).to_dict()

    def get_all_required_features(self) -> set[str]:
        """Return the names of all features that loaded models read."""
        return {name for model in self._models.values() for name in model.names}

    def update_model_performance(self, name: str, metrics: Mapping[str, Any]) -> None:
        """Record what a session brought: ``session`` (``YYYY-MM-DD``) and ``result``, and further numbers.

        The gate reads it. It counts for the version in service, in its present state.
        """
        model = self.predictor(name).model if name in self._directional() else self._models.get(name)
        if model is None:
            raise ModelError(f"no model {name} is loaded", path=self.registry.root)
        version = model.manifest.version
        state = self.registry.states(name).of(version)
        self.registry.performance(name).record(version, state, metrics)

    def setup_auto_retraining(self, config: Mapping[str, Any] | RetrainingConfig) -> RetrainingConfig:
        """Set when models are trained again: a rule in the folder of each, which training obeys (``train tick --update``).

        Parameters
        ----------
        config : mapping or RetrainingConfig
            Its ``models`` are those that the rule is for; without any it is for all that are in the folder now.

        Returns
        -------
        RetrainingConfig
            What was set.

        Raises
        ------
        ConfigError
            If a name is unknown, or a value out of range.
        ModelError
            If there is no model to set it for.
        """
        rule = config if isinstance(config, RetrainingConfig) else RetrainingConfig.of(config)
        there = self.registry.names()
        absent = [name for name in rule.models if name not in there]
        if absent or not there:
            raise ModelError(
                f"retraining: there is no model {absent[0] if absent else 'at all'}",
                path=self.registry.root,
                remedy=f"Models are {', '.join(there) or 'none'}",
            )
        for name in rule.models or there:
            write_rule(self.registry.root, name, rule)
        return rule

    def rollback(self, name: str, *, why: str, who: str | None = None) -> Entry:
        """Make the version before the live one live again; it is loaded already, so it serves from the next row on."""
        entry = self.registry.rollback(name, why=why, who=who)
        hot = self._previous.pop(name, None)
        target = next(m.version for m in entry.moves if m.target is ModelState.LIVE)
        if hot is None or hot.manifest.version != target:
            hot = self.registry.load(name, target, validity=self._validity)
        self._models[name] = hot
        self._predictors.pop(name, None)
        return entry

    def _directional(self) -> list[str]:
        return [n for n, m in self._models.items() if min(m.manifest.classes) < 0 < max(m.manifest.classes)]

    def _load(self, name: str, version: str) -> LoadedModel | None:
        try:
            return self.registry.load(name, version, validity=self._validity)
        except DataError as error:
            self._refuse(f"{name} {version}", error)
            return None

    def _refuse(self, what: str, error: DataError) -> None:
        self.refused[what] = str(error)
        _log.warning("model %s is not loaded: %s", what, error)
