"""Sizes are multiples of the lot."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    size, lot = check.order.size, check.instrument.lot
    if size % lot == 0:
        return None
    return Broken(f"{size} contracts, not a multiple of {lot}", {"size": size, "lot": lot})


RULE = Rule("lot_multiple", _broken, exits=True)
