"""Trades of continuous trading: signs, parent orders, and the memory of signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quantumtrader._fallback.features.parents import Parents
from quantumtrader._fallback.features.tape import Print
from quantumtrader._protocols import Int64
from quantumtrader._records import prints
from quantumtrader.evaluation.stretches import Stretch
from quantumtrader.types import Events, Flag


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
        counts, sides = prints(events)
        home = np.full(len(events), -1)
        for k, piece in enumerate(pieces):
            home[piece.first : piece.stop] = k
        index = np.flatnonzero(counts & (home >= 0))
        times = np.maximum.accumulate(events["ts_event"])[index]
        rows = events[index]
        side = np.sign(sides[index]).astype(np.int64)
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
    """Places of prints that begin a parent order: the engine's rule, within one stretch."""
    out: list[int] = []
    parents, stretch = Parents(), -1
    rows = zip(times.tolist(), side.tolist(), broker.tolist(), home.tolist(), strict=True)
    for k, (t, s, who, where) in enumerate(rows):
        if where != stretch:
            parents.restart()
            stretch = where
        before = parents.open
        parents.add(Print(t, 0, 0, s, who))
        if parents.open is not None and parents.open is not before:
            out.append(k)
    return np.array(out, np.int64)
