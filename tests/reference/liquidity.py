"""Liquidity as defined, over the facts known at one row."""

from __future__ import annotations

from reference.rules import NAN, Row, define, over


@define("book_imbalance_5", book=True)
def _(row: Row) -> float:
    if row.view.mid is None:
        return NAN
    bid, ask = sum(q for _, q in row.view.bids[:5]), sum(q for _, q in row.view.asks[:5])
    return over(bid - ask, bid + ask)
