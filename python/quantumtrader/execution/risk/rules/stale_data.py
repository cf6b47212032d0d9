"""No entries on old data: the last market event is recent."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import number

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    limit = check.limits.max_event_age_s
    if limit is None:
        return None
    age = (check.state.ts - number(check.state.last_event_ts)) / 1e9
    if 0 <= age <= limit:
        return None
    if age != age:
        return Broken("no market event is known", {"limit": limit})
    what = "in the future: the clocks disagree" if age < 0 else f"{age:g} s old, at most {limit:g} s"
    return Broken(f"the last market event is {what}", {"age": age, "limit": limit})


RULE = Rule("stale_data", _broken)
