"""Trades of continuous trading: signs, parent orders, and the memory of signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quantumtrader._protocols import Int64
from quantumtrader.evaluation.stretches import Stretch
from quantumtrader.types import Events, Flag, Kind

PARENT_GAP = 1_000_000
"""Longest pause between two prints of one parent order, ns."""


@dataclass(frozen=True, slots=True)
class Prints:
    """Prints of continuous trading."""

    index: Int64
    times: Int64
    size: Int64
    side: Int64
    """Aggressor; 0 for crosses, auctions, RLP and prints without one."""
    inferred: float
    """Share of the signed ones whose side a rule inferred; NaN without any."""
    parents: Int64
    """Sign of each parent order."""
    homes: Int64
    """Stretch of each parent order."""

    @classmethod
    def of(cls, events: Events, pieces: Sequence[Stretch]) -> Prints:
        """Take the trades of the stretches that are neither cancellations nor corrections."""
        flags = events["flags"]
        prints = (
            (events["kind"] == Kind.TRADE)
            & (flags & (Flag.CANCELLED | Flag.EDITED) == 0)
            & (events["size"] > 0)
        )
        home = np.full(len(events), -1)
        for k, piece in enumerate(pieces):
            home[piece.first : piece.stop] = k
        index = np.flatnonzero(prints & (home >= 0))
        times = np.maximum.accumulate(events["ts_event"])[index]
        rows = events[index]
        unsigned = rows["flags"] & (Flag.CROSS | Flag.AUCTION | Flag.RLP) != 0
        side = np.where(unsigned, 0, np.sign(rows["side"])).astype(np.int64)
        broker = np.where(side > 0, rows["ref_a"], rows["ref_b"])
        begins = _parent_starts(times, side, broker, home[index])
        signed = (rows["flags"] & Flag.SIDE_INFERRED != 0)[side != 0]
        return cls(
            index,
            times,
            rows["size"].astype(np.int64),
            side,
            float(signed.mean()) if len(signed) else float("nan"),
            side[begins],
            home[index][begins],
        )

    def autocorrelation(self, lags: int) -> tuple[float, ...]:
        """Autocorrelation of parent signs, mean removed; pairs lie in one stretch."""
        n = len(self.parents)
        x = self.parents - self.parents.mean() if n else np.zeros(0)
        total = float(x @ x)
        if total == 0:
            return ()
        return tuple(
            float(np.where(self.homes[k:] == self.homes[:-k], x[k:] * x[:-k], 0.0).sum()) / total
            for k in range(1, min(lags, n - 1) + 1)
        )


def _parent_starts(times: Int64, side: Int64, broker: Int64, home: Int64) -> Int64:
    """Places of prints that begin a parent order."""
    out: list[int] = []
    last: tuple[int, int, int] | None = None
    last_t = 0
    prints = zip(times.tolist(), side.tolist(), broker.tolist(), home.tolist(), strict=True)
    for k, (t, s, who, where) in enumerate(prints):
        if s == 0:
            last = None
            continue
        goes_on = (
            last is not None
            and last[::2] == (s, where)
            and t - last_t <= PARENT_GAP
            and (who == last[1] or 0 in (who, last[1]))
        )
        if goes_on and last is not None:
            who = last[1] or who
        else:
            out.append(k)
        last, last_t = (s, who, where), t
    return np.array(out, np.int64)
