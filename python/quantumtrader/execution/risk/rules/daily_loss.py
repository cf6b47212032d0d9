"""No new risk once the session has lost its limit, realised and open, after fees."""

from __future__ import annotations

import math

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.limits import RiskLimits
from quantumtrader.execution.risk.state import number

__all__ = ["RULE", "loss_limit_hit"]


def loss_limit_hit(limits: RiskLimits, result: float) -> bool:
    """Whether a session's result has reached the daily loss; one that is not known (NaN) has."""
    return not (math.isfinite(result) and result > -limits.daily_loss)


def _broken(check: Check) -> Broken | None:
    state, limit, unit = check.state, check.limits.daily_loss, check.instrument.currency
    if not loss_limit_hit(check.limits, state.result):
        return None
    realised, open_ = number(state.realised), number(state.open)
    return Broken(
        f"the session is at {state.result:.2f} {unit} ({realised:.2f} realised, {open_:.2f} open), "
        f"the limit is -{limit:.2f}",
        {"realised": realised, "open": open_, "limit": limit},
    )


RULE = Rule("daily_loss", _broken)
