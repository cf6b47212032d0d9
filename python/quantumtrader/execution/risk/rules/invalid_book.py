"""No entries on a book that is known to be broken; with ``max_book_age_s``, none unless it is known to be good."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import is_px, number

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    state, limit = check.state, check.limits.max_book_age_s
    if state.book_valid is False:
        return Broken("the book is not valid; it waits for a snapshot")
    if limit is None:
        return None
    if state.book_valid is not True:
        return Broken("nobody knows whether the book is valid")
    if is_px(state.bid_px) and is_px(state.ask_px) and state.bid_px >= state.ask_px:
        return Broken(
            f"the book is crossed: bid {state.bid_px}, ask {state.ask_px} ticks",
            {"bid": state.bid_px, "ask": state.ask_px},
        )
    age = (state.ts - number(state.book_ts)) / 1e9
    if 0 <= age <= limit:
        return None
    if age != age:
        return Broken("the age of the book is not known", {"limit": limit})
    what = "in the future: the clocks disagree" if age < 0 else f"{age:g} s old, at most {limit:g} s"
    return Broken(f"the book is {what}", {"age": age, "limit": limit})


RULE = Rule("invalid_book", _broken)
