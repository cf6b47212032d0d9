"""Microstructure as defined, over the facts known at one row."""

from __future__ import annotations

from fractions import Fraction

from reference.rules import NAN, Row, define


@define("spread_ticks", touch=True)
def _(row: Row) -> float:
    return NAN if row.view.mid is None else row.view.asks[0][0] - row.view.bids[0][0]


@define("weighted_mid_dev", touch=True)
def _(row: Row) -> float:
    if row.view.mid is None:
        return NAN
    (bp, bq), (ap, aq) = row.view.bids[0], row.view.asks[0]
    return NAN if bq + aq == 0 else Fraction(bp * aq + ap * bq, bq + aq) - Fraction(bp + ap, 2)
