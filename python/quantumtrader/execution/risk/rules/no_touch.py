"""A market order needs a price to meet."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import is_px
from quantumtrader.types import OrderType

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    px, what = check.touch
    if check.order.type is not OrderType.MARKET or is_px(px):
        return None
    return Broken(f"a market order needs a {what}, and there is none")


RULE = Rule("no_touch", _broken, exits=True)
