"""How large icebergs become, from those that were executed whole and those that were cancelled before.

>>> sizes = kaplan_meier([5, 10, 10, 20], [True, True, False, True])
>>> sizes.beyond
(0.75, 0.5, 0.0)
>>> expected_total(sizes, 10)
20.0
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Survival:
    """Kaplan-Meier estimate of a total that some cases never reach.

    Parameters
    ----------
    totals : tuple of int
        Contracts at which some case was complete, ascending.
    beyond : tuple of float
        Share of cases whose total is greater than each of them.
    cases, complete : int
        How many cases, and how many of them were seen to their end.
    median : float
        Least of ``totals`` that at most half of the cases exceed; NaN where there is none.
    mean : float
        Contracts; NaN where the greatest total was cut short: then only a bound is known.
    """

    totals: tuple[int, ...]
    beyond: tuple[float, ...]
    cases: int
    complete: int
    median: float
    mean: float


def kaplan_meier(
    sizes: Sequence[int], complete: Sequence[bool], entered: Sequence[int] | None = None
) -> Survival:
    """Estimate the distribution of totals (Kaplan and Meier, 1958, *Nonparametric Estimation from Incomplete Observations*).

    Parameters
    ----------
    sizes : sequence of int
        Contracts executed of each case.
    complete : sequence of bool
        Whether that was all there was of it; else its total is greater, or would have been.
    entered : sequence of int, optional
        Contracts beyond which each case can be one at all: it is at risk only from there on (left truncation). Shares
        are then of totals beyond the least of these, and the few that are at risk early on weigh on all of them: where
        all of those ended, the estimate is zero although others went on, and neither median nor mean is known. By
        default all are at risk from the beginning.

    Raises
    ------
    ValueError
        If a case does not go beyond where it entered, or the lengths differ.
    """
    begun = [0] * len(sizes) if entered is None else entered
    if entered is not None and any(x <= b for x, b in zip(sizes, entered, strict=True)):
        raise ValueError("a case ends where it enters or before")
    ends = sorted({q for q, whole in zip(sizes, complete, strict=True) if whole})
    share, beyond = 1.0, []
    for q in ends:
        at_risk = sum(b < q <= x for x, b in zip(sizes, begun, strict=True))
        done = sum(x == q and whole for x, whole in zip(sizes, complete, strict=True))
        share *= (at_risk - done) / at_risk
        beyond.append(share)
    if any(x > q for x in sizes for q, s in zip(ends, beyond, strict=True) if s == 0):
        return Survival(tuple(ends), tuple(beyond), len(sizes), sum(complete), math.nan, math.nan)
    median = next((float(q) for q, s in zip(ends, beyond, strict=True) if s <= 0.5), math.nan)
    out = Survival(tuple(ends), tuple(beyond), len(sizes), sum(complete), median, math.nan)
    return Survival(out.totals, out.beyond, out.cases, out.complete, median, expected_total(out, 0))


def expected_total(survival: Survival, executed: int) -> float:
    """Return the expected total of a case of which so much is executed and that goes on, contracts.

    NaN where the estimate does not reach zero, or none went on from there.
    """
    if not survival.beyond or survival.beyond[-1] > 0:
        return math.nan
    left = total = 0.0
    before = 1.0
    for q, s in zip(survival.totals, survival.beyond, strict=True):
        if q > executed:
            left += before - s
            total += q * (before - s)
        before = s
    return total / left if left else math.nan
