"""Other names of features: those of the design documents, and of the columns that the bridge publishes.

An alias is another name of one feature: the engine computes the feature once, and the column keeps the name that
was asked for. A name that stands for several features is a group, which is a set (see
:mod:`quantumtrader.features.sets`).
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

ALIASES = MappingProxyType(
    {
        "hmarl_ofi_1m": "flow_ofi_1m",
        "hmarl_ofi_5m": "flow_ofi_5m",
        "hmarl_ofi_15m": "flow_ofi_15m",
        "hmarl_volume_imbalance": "flow_volume_imbalance",
        "hmarl_aggression_ratio": "flow_aggression_ratio",
        "hmarl_large_trade_ratio": "flow_large_trade_ratio",
        "hmarl_liquidity_score": "liquidity_score",
        "hmarl_spread_quality": "spread_quality",
        "hmarl_sweep_detected": "sweep_detected",
        "hmarl_iceberg_detected": "iceberg_detected",
        "volume_imbalance": "flow_volume_imbalance",
        "order_flow_imbalance": "flow_ofi_1m",
        "micro_price_deviation": "microprice_dev",
        "cumulative_delta": "cvd_session",
        "amihud": "amihud_30m",
        "pin": "pin_60",
        "poc": "poc_distance",
        "value_area": "va_position",
    }
)
"""Other name to the canonical one. ``order_flow_imbalance`` is the imbalance of trades, not ``book_ofi``."""

GROUPS = MappingProxyType(
    {
        "hmarl": tuple(name for name in ALIASES if name.startswith("hmarl_")),
        "kyle_lambda": ("kyle_lambda_5m", "kyle_lambda_30m"),
        "delta_divergence": ("delta_divergence_5m", "delta_divergence_15m"),
        "micro_price": ("weighted_mid_dev", "microprice_dev"),
        "volume_profile": ("poc_distance", "va_position", "profile_skew"),
        "accumulation_distribution": ("book_pressure", "fp_absorption_live"),
        "spoofing": ("spoof_score", "layering_score"),
        "candlestick_patterns": ("body_ratio", "upper_wick", "lower_wick", "inside_bar", "engulfing"),
    }
)
"""Names of the design documents that stand for several features, and which; ``hmarl`` has the bridge's columns."""


def canonical(name: str) -> str:
    """Return the catalogue's name for ``name``: that of its feature for an alias, else ``name`` itself."""
    return ALIASES.get(name, name)


def aliases_of(name: str) -> tuple[str, ...]:
    """Return the other names of a feature, in table order."""
    return tuple(alias for alias, target in ALIASES.items() if target == name)


def missing(known: Iterable[str]) -> tuple[str, ...]:
    """Return the features that an alias or a group names and ``known`` does not have, each once.

    Parameters
    ----------
    known : iterable of str
        Names of the catalogue.
    """
    names = set(known)
    wanted = (*ALIASES.values(), *(canonical(name) for group in GROUPS.values() for name in group))
    return tuple(dict.fromkeys(name for name in wanted if name not in names))
