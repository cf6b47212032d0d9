"""Stretches of continuous trading: what an interval never reaches across."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantumtrader.features.fit.segments import Segment, Segments
from quantumtrader.types import Events, Kind

_MARKET = (Kind.TRADE, Kind.QUOTE, Kind.LEVEL, Kind.ORDER)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One uninterrupted piece of continuous trading in one contract.

    Parameters
    ----------
    first, stop : int
        Places in the stream of its first event, and of the first one after it.
    start_ns : int
        When it begins: at its marker, or at the first event of a stream that begins without one.
    end_ns : int
        Engine time of its last trade, quote or book record.
    """

    first: int
    stop: int
    start_ns: int
    end_ns: int


def stretches(events: Events) -> list[Stretch]:
    """Join the segments of continuous trading that follow each other in one session of one contract.

    A stretch begins at ``OPEN``, at ``RESUME`` after an auction or a halt, and at ``ROLL`` while trading; it ends
    where the next one begins and at ``AUCTION``, ``HALT`` and ``CLOSED``. A stream without markers is one stretch.
    Those without a market record are left out.
    """
    times, segments = Segments().cut(events)
    market = np.flatnonzero(np.isin(events["kind"], _MARKET))
    out: list[Stretch] = []
    for first, stop in _joined(segments):
        last = int(np.searchsorted(market, stop)) - 1
        if last >= 0 and market[last] >= first:
            out.append(Stretch(first, stop, int(times[first]), int(times[market[last]])))
    return out


def _joined(segments: list[Segment]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    before: Segment | None = None
    for piece in segments:
        if piece.continuous:
            goes_on = before is not None and not piece.begins and piece.contract == before.contract
            if goes_on:
                out[-1] = out[-1][0], piece.last
            else:
                out.append((piece.first, piece.last))
        before = piece if piece.continuous else None
    return out
