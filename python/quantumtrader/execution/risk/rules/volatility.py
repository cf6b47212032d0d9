"""Entries only while volatility is within bounds: too little pays no costs, too much makes stops meaningless."""

from __future__ import annotations

import math

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import number

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    limits, state = check.limits, check.state
    for what, value, low, high in (
        ("the average true range in ticks", state.atr_ticks, limits.min_atr_ticks, limits.max_atr_ticks),
        (
            "the realised volatility",
            state.realised_volatility,
            limits.min_realised_volatility,
            limits.max_realised_volatility,
        ),
    ):
        if low is None and high is None:
            continue
        least, most = -math.inf if low is None else low, math.inf if high is None else high
        known = number(value)
        if math.isfinite(known) and least <= known <= most:
            continue
        if not math.isfinite(known):
            return Broken(f"{what} is not known", {"low": least, "high": most})
        return Broken(
            f"{what} is {known:g}, entries are from {max(least, 0):g} to {most:g}",
            {"value": known, "low": least, "high": most},
        )
    return None


RULE = Rule("volatility", _broken)
