"""Around auctions and halts: entries only in continuous trading that has gone on for a while."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import number

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    wait = check.limits.trading_after_auction_s
    if wait is None:
        return None
    age = (check.state.ts - number(check.state.open_since_ts)) / 1e9
    if age >= wait:
        return None
    if age != age:
        return Broken("trading is not known to be continuous", {"limit": wait})
    return Broken(
        f"continuous trading began {age:g} s ago; entries wait for {wait:g} s", {"age": age, "limit": wait}
    )


RULE = Rule("auction", _broken)
