"""Correlated instruments are one bet: their exposures are limited together.

Combined exposure, in money: √(Σᵢ xᵢ² + 2 Σᵢ<ⱼ max(0, ρᵢⱼ xᵢ xⱼ)), where xᵢ is the signed value of what is held in
instrument i once all working entries are filled. Perfect correlation adds exposures, none adds their squares. A pair that
offsets is worth nothing here: hedges of the past do not hold in the moment that counts. A pair that nobody knows refuses,
or counts as if it lost together (``unknown_correlation``).
"""

from __future__ import annotations

import math

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.correlations import correlation_of, pair
from quantumtrader.execution.risk.state import Exposure, is_px

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    limit, state = check.limits.max_correlated_exposure, check.state
    if limit is None:
        return None
    if state.others is None:
        return Broken("what is held in other instruments is not known", {"limit": limit})
    px = check.value_px
    if not is_px(px):
        return Broken("the order cannot be valued without a price", {"limit": limit})
    held = [Exposure.of(check.instrument, check.reached, px), *(e for e in state.others if e.amount != 0)]
    square = 0.0
    for i, one in enumerate(held):
        if not math.isfinite(one.amount):
            return Broken(f"the exposure in {one.symbol} is not known", {"limit": limit})
        square += one.amount**2
        for other in held[:i]:
            together = _together(check, one, other)
            if math.isnan(together):
                return Broken(
                    f"the correlation of {pair(one.product, other.product)} is not known; give it under correlations, "
                    "or set unknown_correlation to one",
                    {"limit": limit},
                )
            square += 2 * together
    combined = math.sqrt(square)
    if combined <= limit:
        return None
    return Broken(
        f"together with {', '.join(e.symbol for e in held[1:]) or 'nothing else'} the exposure would be "
        f"{combined:.2f} {check.instrument.currency}, at most {limit:.2f}",
        {"own": held[0].amount, "combined": combined, "limit": limit},
    )


def _together(check: Check, one: Exposure, other: Exposure) -> float:
    """Product of two exposures and their correlation, not below 0; NaN when that is not known and not set."""
    rho = correlation_of(
        (one.symbol, one.product),
        (other.symbol, other.product),
        check.limits.correlations or {},
        check.state.correlations,
    )
    product = one.amount * other.amount
    if math.isnan(rho):
        return abs(product) if check.limits.unknown_correlation == "one" else math.nan
    return max(0.0, rho * product)


RULE = Rule("correlation", _broken)
