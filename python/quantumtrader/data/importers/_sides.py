"""Aggressor of trades that come without one.

Quote rule with the quote in force before the trade, tick rule at the mid (Lee and Ready, 1991, *Inferring
Trade Direction from Intraday Data*); tick rule alone where there are no quotes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quantumtrader.types import PX_NONE

Bools = npt.NDArray[np.bool_]
Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


def tick_rule(px: Int32 | Int64, previous: tuple[int, int] = (PX_NONE, 0)) -> Int8:
    """Sign of the last price change up to each trade; 0 before the first change.

    Parameters
    ----------
    px : ndarray of int, shape (n,)
        Trade prices in ticks.
    previous : (int, int)
        Price and sign of the trade before the first one, for reading in parts.
    """
    if not len(px):
        return np.zeros(0, np.int8)
    first = px[0] if previous[0] == PX_NONE else previous[0]
    change = np.sign(np.diff(px.astype(np.int64), prepend=np.int64(first))).astype(np.int8)
    last = np.maximum.accumulate(np.where(change != 0, np.arange(len(px)), -1))
    return np.where(last >= 0, change[np.maximum(last, 0)], np.int8(previous[1])).astype(np.int8)


def quote_rule(px: Int32, bid: Int32, ask: Int32, ticks: Int8) -> Int8:
    """Side from the quote before each trade; ``ticks`` (the tick rule) decides at the mid and without a quote.

    A locked or crossed quote belongs to an auction and gives side 0.
    """
    both = (bid != PX_NONE) & (ask != PX_NONE)
    twice_mid = bid.astype(np.int64) + ask
    twice_px = 2 * px.astype(np.int64)
    side = np.where(both & (twice_px > twice_mid), 1, np.where(both & (twice_px < twice_mid), -1, ticks))
    side = np.where(both & (bid >= ask), 0, side)
    return side.astype(np.int8)
