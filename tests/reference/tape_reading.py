"""Tape reading as defined, over the facts known at one row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

from reference.recording import MINUTE, Deal
from reference.rules import NAN, SECOND, Row, define, imbalance, over

FIVE = 5 * MINUTE
MILLISECOND = 10**6


def speed(row: Row, window: int, t: int | None = None) -> Fraction:
    """Trades per second."""
    return Fraction(len(row.inside(window, t)) * SECOND, window)


define("tape_speed", 10 * SECOND)(lambda row: speed(row, 10 * SECOND))
define("tape_speed_1m", MINUTE)(lambda row: speed(row, MINUTE))
define("tape_speed_ratio", FIVE)(lambda row: over(speed(row, 10 * SECOND), speed(row, FIVE), NAN))
define("tape_volume_speed", 10 * SECOND)(lambda row: sum(d.q for d in row.inside(10 * SECOND)) / 10)
define("tape_accel", 20 * SECOND)(
    lambda row: speed(row, 10 * SECOND) - speed(row, 10 * SECOND, row.t - 10 * SECOND)
)


def of_sizes(name: str, window: int) -> Callable[[Callable[[list[int]], float]], object]:
    """Register a definition over the window's trade sizes, NaN where there is none."""

    def register(f: Callable[[list[int]], float]) -> object:
        def definition(row: Row) -> float:
            sizes = [d.q for d in row.inside(window)]
            return f(sizes) if sizes else NAN

        return define(name, window)(definition)

    return register


def moment(sizes: list[int], k: int) -> Fraction:
    """Central moment."""
    mean = Fraction(sum(sizes), len(sizes))
    return sum(((q - mean) ** k for q in sizes), Fraction(0)) / len(sizes)


of_sizes("trade_size_mean_1m", MINUTE)(lambda sizes: sum(sizes) / len(sizes))
of_sizes("trade_size_median_5m", FIVE)(lambda sizes: sorted(sizes)[(len(sizes) - 1) // 2])
of_sizes("trade_size_std_5m", FIVE)(lambda sizes: math.sqrt(moment(sizes, 2)))
of_sizes("trade_size_hhi_1m", MINUTE)(lambda sizes: sum(Fraction(q, sum(sizes)) ** 2 for q in sizes))


@of_sizes("trade_size_skew_5m", FIVE)
def _(sizes: list[int]) -> float:
    return moment(sizes, 3) / moment(sizes, 2) ** 1.5 if len(set(sizes)) > 1 else NAN


@of_sizes("trade_size_p95_5m", FIVE)
def _(sizes: list[int]) -> float:
    return min(q for q in sizes if 20 * sum(x <= q for x in sizes) >= 19 * len(sizes))


@of_sizes("trade_size_entropy_5m", FIVE)
def _(sizes: list[int]) -> float:
    classes = [range(1, 5), range(5, 20), range(20, 50), range(50, 100), range(100, 2**31)]
    shares = [sum(q for q in sizes if q in c) / sum(sizes) for c in classes]
    return -sum(s * math.log(s, 5) for s in shares if s > 0)


def share(accepts: Callable[[int], bool]) -> Callable[[Row], float]:
    def definition(row: Row) -> float:
        deals = row.inside(FIVE)
        return over(sum(d.q for d in deals if accepts(d.q)), sum(d.q for d in deals))

    return definition


define("small_trade_ratio_5m", FIVE)(share(lambda q: q < 20))
define("medium_trade_ratio_5m", FIVE)(share(lambda q: 20 <= q < 50))
define("flow_large_trade_ratio", FIVE)(share(lambda q: q >= 50))
define("whale_trade_ratio_5m", FIVE)(share(lambda q: q >= 100))
define("large_trade_imb_5m", FIVE)(lambda row: imbalance([d for d in row.inside(FIVE) if d.q >= 50]))
define("small_trade_imb_5m", FIVE)(lambda row: imbalance([d for d in row.inside(FIVE) if d.q < 20]))
define("large_trade_count_5m", FIVE)(lambda row: len([d for d in row.inside(FIVE) if d.q >= 50]))


@define("time_since_large")
def _(row: Row) -> float:
    large = [d.t for d in row.deals if d.q >= 50]
    return (row.t - large[-1]) / SECOND if large else NAN


def tail(row: Row, key: Callable[[Deal], int]) -> list[Deal]:
    """Deals at the end that agree with the last one."""
    last = key(row.deals[-1])
    return list(itertools.takewhile(lambda d: key(d) == last, reversed(row.deals)))


define("same_side_run")(lambda row: sum(d.side for d in tail(row, lambda d: d.side)) if row.deals else NAN)
define("same_side_run_volume")(
    lambda row: sum(d.side * d.q for d in tail(row, lambda d: d.side)) if row.deals else NAN
)
define("same_price_run")(lambda row: len(tail(row, lambda d: d.px)) if row.deals else NAN)


@define("parent_size_mean_1m", MINUTE)
def _(row: Row) -> float:
    parents: list[list[Deal]] = []
    for before, d in itertools.pairwise([None, *row.deals]):
        brokers = {x.broker for x in (parents[-1] if parents else []) if x.broker} | {d.broker} - {0}
        joins = before is not None and d.side == before.side and d.t - before.t <= MILLISECOND
        if joins and len(brokers) <= 1:
            parents[-1].append(d)
        else:
            parents.append([d])
    # The last one may still go on until its pause is too long.
    ended = [p for p in parents if p is not parents[-1] or row.t - p[-1].t > MILLISECOND]
    volumes = [sum(d.q for d in p) for p in ended if p[0].side and p[-1].t > row.t - MINUTE]
    return over(sum(volumes), len(volumes), NAN)


@define("agent_concentration_5m", FIVE)
def _(row: Row) -> float:
    known = [d for d in row.inside(FIVE) if d.broker]
    volumes = [sum(d.q for d in known if d.broker == b) for b in {d.broker for d in known}]
    return sum((Fraction(v, sum(volumes)) ** 2 for v in volumes), Fraction(0)) if volumes else NAN
