"""Liquidity as defined, over the facts known at one row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from reference.recording import MINUTE, Change, Deal, View
from reference.rules import NAN, SECOND, Row, define, over


def depth(rows: tuple[tuple[int, int], ...], levels: int = 10) -> int:
    return sum(q for _, q in rows[:levels])


define("bid_depth_5", book=True)(lambda row: depth(row.view.bids, 5))
define("ask_depth_5", book=True)(lambda row: depth(row.view.asks, 5))
define("total_depth_10", book=True)(lambda row: depth(row.view.bids) + depth(row.view.asks))


def imbalance(bid: float, ask: float) -> float:
    return over(bid - ask, bid + ask)


define("book_imbalance_1", sizes=True)(
    lambda row: imbalance(depth(row.view.bids, 1), depth(row.view.asks, 1))
)


@define("book_imbalance_5", book=True)
def _(row: Row) -> float:
    return imbalance(depth(row.view.bids, 5), depth(row.view.asks, 5))


@define("book_imbalance_w10", book=True)
def _(row: Row) -> float:
    bid, ask = (sum(0.5**m * q for m, (_, q) in enumerate(side)) for side in (row.view.bids, row.view.asks))
    return imbalance(bid, ask)


@define("book_pressure", book=True)
def _(row: Row) -> float:
    bid, ask = depth(row.view.bids), depth(row.view.asks)
    return math.log(bid) - math.log(ask) if bid and ask else NAN


define("bid_concentration", book=True)(lambda row: over(depth(row.view.bids, 1), depth(row.view.bids), NAN))
define("ask_concentration", book=True)(lambda row: over(depth(row.view.asks, 1), depth(row.view.asks), NAN))


@define("book_slope_10", book=True)
def _(row: Row) -> float:
    if len(row.view.bids) < 2 or len(row.view.asks) < 2:
        return NAN
    fits = []
    for side in (row.view.bids, row.view.asks):
        x = np.array([abs(px - row.view.mid) for px, _ in side])
        fits.append(np.polyfit(x - x.mean(), np.cumsum([q for _, q in side]), 1)[0])
    return sum(fits) / 2


@define("depth_entropy_10", book=True)
def _(row: Row) -> float:
    sizes = [q for side in (row.view.bids, row.view.asks) for _, q in side if q]
    return sum(q / sum(sizes) * math.log(sum(sizes) / q) for q in sizes) / math.log(20) if sizes else NAN


def impact(view: View, side: int) -> Fraction | None:
    """Mean price of 50 contracts against the mid, contract by contract."""
    displayed = [px for px, q in (view.asks if side > 0 else view.bids) for _ in range(min(q, 50))][:50]
    if view.mid is None or len(displayed) < 50:
        return None
    return side * (Fraction(sum(displayed), 50) - Fraction(view.mid))


def impact_or_nan(row: Row, side: int) -> float:
    cost = impact(row.view, side)
    return NAN if cost is None else float(cost)


define("impact_buy_50", book=True)(lambda row: impact_or_nan(row, 1))
define("impact_sell_50", book=True)(lambda row: impact_or_nan(row, -1))


def lasting(row: Row, since: int) -> Iterator[tuple[int, int, View]]:
    """(from, until, view): the good books in force between ``since`` and the row."""
    ends = [v.t for v in row.known[1:]] + [row.t]
    for view, end in zip(row.known, ends, strict=True):
        begin = max(view.t, since)
        if end > begin and view.good and view.by_book:
            yield begin, end, view


def fading_mean(row: Row, parts: list[tuple[int, int, Fraction]], now: float) -> float:
    tau = 30 * MINUTE
    weights = [math.exp((end - row.t) / tau) * -math.expm1((begin - end) / tau) for begin, end, _ in parts]
    total = math.fsum(weights)
    return (
        math.fsum(w * float(x) for w, (_, _, x) in zip(weights, parts, strict=True)) / total if total else now
    )


def both_impacts(view: View) -> Fraction | None:
    buy, sell = impact(view, 1), impact(view, -1)
    return None if buy is None or sell is None else (buy + sell) / 2


@define("liquidity_score", 30 * MINUTE, book=True)
def _(row: Row) -> float:
    if row.view.mid is None:
        return NAN
    books = list(lasting(row, row.start))
    shown = depth(row.view.bids) + depth(row.view.asks)
    depths = [(a, b, Fraction(depth(v.bids) + depth(v.asks))) for a, b, v in books]
    d = shown / (shown + fading_mean(row, depths, shown))
    cost = both_impacts(row.view)
    if cost is None:
        c = 0.0
    else:
        costs = [(a, b, both_impacts(v)) for a, b, v in books if both_impacts(v) is not None]
        usual = fading_mean(row, costs, float(cost))
        c = usual / (usual + float(cost))
    return 100 * (0.4 * d + 0.3 / (row.view.asks[0][0] - row.view.bids[0][0]) + 0.3 * c)


def removals(row: Row) -> list[tuple[View, Change]]:
    """Decreases at the best five rows before each packet, with the view after it."""
    out = []
    for i, view in enumerate(row.known):
        before = row.known[i - 1] if i else None
        if view.at < row.first or view.voided or before is None or not (before.good and before.by_book):
            continue
        best = {(1, px) for px, _ in before.bids[:5]} | {(-1, px) for px, _ in before.asks[:5]}
        out += [(view, c) for c in view.changes if c.after < c.before and (c.side, c.px) in best]
    return out


def added(row: Row, window: int) -> int:
    return sum(v.added for v in row.known if v.at >= row.first and v.t > row.t - window)


@define("depth_replenish_10s", 10 * SECOND, book=True)
def _(row: Row) -> float:
    gone = sum(c.before - c.after for v, c in removals(row) if v.t > row.t - 10 * SECOND)
    return over(added(row, 10 * SECOND), gone, NAN)


@define("cancel_ratio_1m", MINUTE, book=True)
def _(row: Row) -> float:
    # In stream order; at one event the print comes before what the packet removed.
    facts: list[tuple[int, int, Deal | tuple[View, Change]]] = [
        (d.at, 0, d) for d in row.deals if not d.hidden
    ]
    facts += [(v.at, 1, (v, c)) for v, c in removals(row)]
    prints: list[list[int]] = []  # t, side, px, not yet used
    gone: list[list[int]] = []  # t, side, px, still unexplained
    for _, after, fact in sorted(facts, key=lambda f: f[:2]):
        if after:
            view, c = fact
            new, others = [view.t, c.side, c.px, c.before - c.after], prints
            gone.append(new)
        else:
            new, others = [fact.t, fact.side, fact.px, fact.q], gone
            prints.append(new)
        for other in others:
            if other[2] == new[2] and other[1] * new[1] <= 0 and new[0] - other[0] <= 50 * 10**6:
                used = min(other[3], new[3])
                other[3] -= used
                new[3] -= used
    return over(sum(left for t, _, _, left in gone if t > row.t - MINUTE), added(row, MINUTE), NAN)


@define("liquidity_consumption_1m", MINUTE, book=True)
def _(row: Row) -> float:
    books = [
        (b - a, depth(v.bids, 5) + depth(v.asks, 5))
        for a, b, v in lasting(row, max(row.start, row.t - MINUTE))
    ]
    area, time = sum(span * q for span, q in books), sum(span for span, _ in books)
    return over(sum(d.q for d in row.inside(MINUTE)), Fraction(area, time), NAN) if area else NAN


def parents(deals: list[Deal]) -> list[list[Deal]]:
    out: list[list[Deal]] = []
    open_, broker = False, 0
    for d in deals:
        if d.side == 0:
            open_ = False
            continue
        known = 0 in (broker, d.broker) or broker == d.broker
        if open_ and out[-1][-1].side == d.side and known and d.t - out[-1][-1].t <= 10**6:
            out[-1].append(d)
            broker = broker or d.broker
        else:
            out.append([d])
            open_, broker = True, d.broker
    return out


@define("hidden_volume_ratio_5m", 5 * MINUTE, book=True)
def _(row: Row) -> float:
    hidden = 0
    for parent in parents(row.deals):
        if parent[-1].t <= row.t - 5 * MINUTE:
            continue
        for px in {d.px for d in parent}:
            here = [d for d in parent if d.px == px]
            shown = row.recording.displayed(-here[0].side, px, here[0].at)
            if shown is None:
                continue
            old = [d for d in here if d.t <= row.t - 5 * MINUTE]
            excess = [max(0, sum(d.q for d in some) - shown) for some in (here, old)]
            hidden += excess[0] - excess[1]
    return over(hidden, sum(d.q for d in row.inside(5 * MINUTE)))
