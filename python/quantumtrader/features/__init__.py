"""Features of order flow and bars: the catalogue, and the engine that computes them.

>>> from quantumtrader import features
>>> features.info("flow_ofi_1m").range
(-1.0, 1.0)
"""

from __future__ import annotations

from quantumtrader.features.catalogue import FeatureInfo, catalogue, catalogue_hash, info
from quantumtrader.features.engine import FeatureEngine
from quantumtrader.features.sets import SETS, resolve

__all__ = ["SETS", "FeatureEngine", "FeatureInfo", "catalogue", "catalogue_hash", "info", "resolve"]
