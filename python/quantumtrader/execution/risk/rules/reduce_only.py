"""An exit has the right side, and no more contracts than are held."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    order, position = check.order, check.state.position
    if not order.reduce_only or (position * order.side < 0 and order.size <= abs(position)):
        return None
    signed = order.side * order.size
    return Broken(
        f"an exit of {signed:+d} contracts does not reduce a position of {position:+d}",
        {"size": signed, "position": position},
    )


RULE = Rule("reduce_only", _broken, exits=True)
