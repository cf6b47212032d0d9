"""Features of order flow and bars: the catalogue, the engine that computes them, and what watches over them.

>>> from quantumtrader import features
>>> features.info("flow_ofi_1m").range
(-1.0, 1.0)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from quantumtrader.features.aliases import ALIASES, GROUPS, aliases_of, canonical
from quantumtrader.features.catalogue import (
    FeatureInfo,
    catalogue,
    catalogue_hash,
    definition_hash,
    info,
)
from quantumtrader.features.detectors import Detection, DetectorSettings, detector_kinds, evidence_fields
from quantumtrader.features.engine import FeatureEngine
from quantumtrader.features.lags import lagged
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.features.sets import FAMILIES, SETS, resolve, set_names

if TYPE_CHECKING:
    from quantumtrader.features.debugger import DebugReport, FeatureDebugger
    from quantumtrader.features.files import compute_to_file, read_features
    from quantumtrader.features.fit.artifact import load_fitted
    from quantumtrader.features.guards import (
        FeatureGuard,
        GuardLimits,
        GuardReport,
        InputCounter,
        Reason,
        Verdict,
    )

__all__ = [
    "FeatureEngine",
    "FeatureManifest",
    "FeatureInfo",
    "catalogue",
    "catalogue_hash",
    "definition_hash",
    "info",
    "lagged",
    "ALIASES",
    "FAMILIES",
    "GROUPS",
    "SETS",
    "aliases_of",
    "canonical",
    "resolve",
    "set_names",
    "Detection",
    "DetectorSettings",
    "detector_kinds",
    "evidence_fields",
    "FeatureGuard",
    "GuardLimits",
    "GuardReport",
    "InputCounter",
    "Reason",
    "Verdict",
    "DebugReport",
    "FeatureDebugger",
    "compute_to_file",
    "read_features",
    "load_fitted",
]

_HOME_OF = {
    "FeatureGuard": "guards",
    "GuardLimits": "guards",
    "GuardReport": "guards",
    "InputCounter": "guards",
    "Reason": "guards",
    "Verdict": "guards",
    "DebugReport": "debugger",
    "FeatureDebugger": "debugger",
    "compute_to_file": "files",
    "read_features": "files",
    "load_fitted": "fit.artifact",
}


def __getattr__(name: str) -> object:
    """Load what not every program needs at first use."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"quantumtrader.features.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value
