"""Fat finger: a price stays near the market. What protects a position may stand far away, but not behind the market."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.types import OrderType

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    order, limit = check.order, check.limits.price_collar_ticks
    if order.type is OrderType.MARKET:
        return None
    reference, what = check.reference
    through = (order.px - reference) * order.side if order.type is OrderType.LIMIT else 0
    away = through if order.reduce_only else abs(order.px - reference)
    if away <= limit:
        return None
    return Broken(
        f"{order.px} ticks is {away} from the {what} {reference}, at most {limit}",
        {"px": order.px, "reference": reference, "away": away, "limit": limit},
    )


RULE = Rule("price_collar", _broken, exits=True)
