"""Estimators behind one interface, calibration, regimes, the registry, and what serves its models.

The public names load at first use: nothing here loads an optional package before it is needed, and a missing one names the
extra that installs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantumtrader.models.base import Estimator, Model, load_estimator, model, model_kinds, register_model
    from quantumtrader.models.coordinator import MLCoordinator
    from quantumtrader.models.manager import ModelManager
    from quantumtrader.models.prediction import PredictionEngine
    from quantumtrader.models.regimes import RegimeAnalyzer
    from quantumtrader.models.registry import ModelRegistry
    from quantumtrader.models.retraining import RetrainingConfig

__all__ = [
    "Estimator",
    "MLCoordinator",
    "Model",
    "ModelManager",
    "ModelRegistry",
    "PredictionEngine",
    "RegimeAnalyzer",
    "RetrainingConfig",
    "load_estimator",
    "model",
    "model_kinds",
    "register_model",
]

_HOME = {
    "base": ("Estimator", "Model", "load_estimator", "model", "model_kinds", "register_model"),
    "coordinator": ("MLCoordinator",),
    "manager": ("ModelManager",),
    "prediction": ("PredictionEngine",),
    "regimes": ("RegimeAnalyzer",),
    "registry": ("ModelRegistry",),
    "retraining": ("RetrainingConfig",),
}
_HOME_OF = {name: home for home, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name at first use."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
