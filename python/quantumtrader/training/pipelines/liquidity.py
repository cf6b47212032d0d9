"""What a recording says of how much can be traded: moves and volume of a minute."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from quantumtrader.training.assessment import Liquidity
from quantumtrader.types import Events, Kind

__all__ = ["LIQUID", "measure_liquidity"]

LIQUID = 20
"""Newest sessions outside the vault that are measured: of how much could be traded, the latest says most."""

_MINUTE = 60 * 10**9


def measure_liquidity(sessions: Iterable[Events], bar_ns: int = 0) -> Liquidity | None:
    """Measure moves and volume of a minute; without depth, so that capacity is an upper bound.

    Parameters
    ----------
    sessions : iterable of Events
        Parts of a recording; no move is taken from one part to the next, nor across minutes without a print.
    bar_ns : int
        Length of its bars; 0 for prints. Bars are scaled to a minute: moves by the square root of time.

    Returns
    -------
    Liquidity or None
        Volume is the median over minutes with a print: a wrong record must not make a market deep. None where there are
        no two prints in a row, or no volume is told.
    """
    step = bar_ns or _MINUTE
    moves, volumes = [], []
    for part in sessions:
        rows = part[part["kind"] == (Kind.BAR if bar_ns else Kind.TRADE)]
        if not len(rows):
            continue
        # A bar ends on the edge of the next one.
        place = (rows["ts_event"].astype(np.int64) - (1 if bar_ns else 0)) // step
        price = rows["ref_b" if bar_ns else "px"].astype(np.float64)
        steps, first = np.unique(place, return_index=True)
        last = np.append(first[1:], len(rows)) - 1
        volumes.append(np.add.reduceat(rows["size"].astype(np.float64), first))
        moves.append(np.diff(price[last])[np.diff(steps) == 1])
    moved = np.concatenate(moves) if moves else np.empty(0)
    traded = float(np.median(np.concatenate(volumes))) if volumes else 0.0
    if len(moved) < 2 or traded <= 0:
        return None
    minutes = step / _MINUTE
    return Liquidity(float(moved.std() / np.sqrt(minutes)), traded / minutes)
