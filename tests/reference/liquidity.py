"""Liquidity as defined, over the facts known at one row."""

from __future__ import annotations

from reference.rules import NAN, Row, define, over


@define("book_imbalance_5", book=True)
def _(row: Row) -> float:
    if row.view.mid is None:
        return NAN
    bid, ask = sum(q for _, q in row.view.bids), sum(q for _, q in row.view.asks)
    return over(bid - ask, bid + ask)
