"""A limit or stop price needs something to be held against."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import is_px
from quantumtrader.types import OrderType

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    if check.order.type is OrderType.MARKET or (is_px(check.order.px) and is_px(check.reference[0])):
        return None
    return Broken("no touch and no last price to hold the order price against")


RULE = Rule("no_price", _broken, exits=True)
