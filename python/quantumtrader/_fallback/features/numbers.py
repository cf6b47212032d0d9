"""Division with the catalogue's two rules for a zero denominator."""

from __future__ import annotations

NAN = float("nan")
MINUTE = 60_000_000_000
SECOND = 1_000_000_000


def ratio(numerator: float, denominator: float) -> float:
    """Divide; 0 where the denominator is 0 (rule Z0)."""
    return numerator / denominator if denominator else 0.0


def quotient(numerator: float, denominator: float) -> float:
    """Divide; NaN where the denominator is 0 (rule ZN)."""
    return numerator / denominator if denominator else NAN
