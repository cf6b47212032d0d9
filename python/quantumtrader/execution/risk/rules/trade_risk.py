"""What a trade loses at its stop, fees of both sides included, is limited: as an amount and as a share of the capital."""

from __future__ import annotations

import math

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import number

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    limits, unit, trade = check.limits, check.instrument.currency, check.state.trade
    if limits.max_trade_risk is None and limits.risk_per_trade is None:
        return None
    stop = number(None if trade is None else trade.stop_ticks)
    planned = number(None if trade is None else trade.size)
    if not (math.isfinite(stop) and stop > 0 and math.isfinite(planned)):
        return Broken("the trade has no stop or no size: what it may lose is not known")
    size = max(check.order.size, planned)
    loss = check.instrument.money(stop, size) + 2 * check.instrument.fee * size
    limit = math.inf if limits.max_trade_risk is None else limits.max_trade_risk
    share = ""
    if limits.risk_per_trade is not None:
        # Only what is not given at all is left out: a balance that is NaN is not known.
        known = [number(c) for c in (limits.capital, check.state.capital) if c is not None]
        if not known or not all(math.isfinite(c) for c in known):
            return Broken("the capital is not known; give the account's balance or the limit capital")
        if limits.risk_per_trade * min(known) < limit:
            limit = limits.risk_per_trade * min(known)
            share = f" ({limits.risk_per_trade:.2%} of {min(known):.2f})"
    if loss <= limit:
        return None
    return Broken(
        f"{size:g} contracts lose {loss:.2f} {unit} at a stop of {stop:g} ticks, fees included; at most {limit:.2f}{share}",
        {"loss": loss, "size": size, "stop": stop, "limit": limit},
    )


RULE = Rule("trade_risk", _broken)
