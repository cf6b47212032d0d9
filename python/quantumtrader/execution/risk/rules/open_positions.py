"""Only so many trades at once, over all instruments."""

from __future__ import annotations

import math

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import number

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    limit = check.limits.max_open_positions
    if limit is None:
        return None
    others = number(check.state.open_trades)
    if others >= 0 and others + 1 <= limit:
        return None
    if not math.isfinite(others):
        return Broken("the number of open trades is not known", {"limit": limit})
    return Broken(f"{others:g} trades are open, at most {limit} at once", {"open": others, "limit": limit})


RULE = Rule("open_positions", _broken)
