"""Estimators behind one interface, calibration, abstention, regimes.

Nothing here loads an optional package before it is needed; a missing one names the extra that installs it.
"""

from quantumtrader.models.base import Estimator, Model, load_estimator, model, model_kinds, register_model

__all__ = ["Estimator", "Model", "load_estimator", "model", "model_kinds", "register_model"]
