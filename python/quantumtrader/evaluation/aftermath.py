"""What the mid does after an absorption, against moments like it at which none was told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quantumtrader._protocols import Float64, Int64
from quantumtrader._records import NOT_A_PRINT, WITHOUT_AGGRESSOR
from quantumtrader.evaluation.book_states import book_packets
from quantumtrader.evaluation.scoring import Share, wilson
from quantumtrader.evaluation.stretches import Stretch, stretches
from quantumtrader.evaluation.units import SECOND
from quantumtrader.features import Detection, DetectorSettings
from quantumtrader.types import Events, Flag, Kind

AHEAD_S = 30
MATCHES = 5


@dataclass(frozen=True, slots=True)
class Aftermath:
    """Moves of the mid in the 30 s after some moments.

    Parameters
    ----------
    name : str
        ``told``: absorptions; ``matched``: moments like them.
    cases : int
        Moments with a mid then and 30 s later, in one stretch of trading.
    towards : Share
        Of those after which the mid had moved: to the absorbing side, against the aggressors.
    mean_ticks : float
        Mean move to the absorbing side, those without a move included; NaN of none.
    """

    name: str
    cases: int
    towards: Share
    mean_ticks: float


def after_absorptions(
    events: Events, detections: Sequence[Detection], settings: DetectorSettings
) -> tuple[Aftermath, ...]:
    """Compare the sign of the next 30 s move of the mid after absorptions with that after matched non-events.

    A non-event is a whole second of the stretch that is more than 30 s from every absorption and whose delta, over
    ``absorption_window_s``, has the sign of the absorption's. Each absorption, in the order of time, is matched with up
    to five that are nearest in time among those still free. The matched are at least 30 s apart, so that no two of them
    see the same move; absorptions may be nearer to each other.

    Parameters
    ----------
    events : Events
        In stream order.
    detections : sequence of Detection
        Of this stream; other kinds are passed over.
    settings : DetectorSettings
        The thresholds they were made with.

    Returns
    -------
    tuple of Aftermath
        ``told`` and ``matched``; empty without an absorption, or without a mid.
    """
    # A second is judged 1 ns after its end, once all of it is known: the moment is its end.
    told = sorted((d.ts - 1, d.side) for d in detections if d.kind == "absorption")
    window = settings.absorption_window_s * SECOND
    mids = _Mids(events)
    if not told or not len(mids.times):
        return ()
    at = np.array([t for t, _ in told], np.int64)
    moves: list[float] = []
    matched: list[float] = []
    for stretch in stretches(events):
        inside = [(t, side) for t, side in told if stretch.start_ns < t <= stretch.end_ns]
        seconds = _seconds(stretch, window)
        near = np.searchsorted(at, seconds - AHEAD_S * SECOND) < np.searchsorted(
            at, seconds + AHEAD_S * SECOND, side="right"
        )
        ahead = mids.ahead(seconds)
        usable = ~near & ~np.isnan(ahead)
        flow = _deltas(events, seconds, window)
        for t, side in inside:
            own = float(mids.ahead(np.array([t]))[0]) if t + AHEAD_S * SECOND <= stretch.end_ns else math.nan
            if math.isnan(own):
                continue
            moves.append(own * side)
            like = np.flatnonzero(usable & (np.sign(flow) == -side))
            left = MATCHES
            for k in like[np.argsort(np.abs(seconds[like] - t), kind="stable")].tolist():
                if usable[k] and left:
                    usable[np.abs(seconds - seconds[k]) < AHEAD_S * SECOND] = False
                    matched.append(float(ahead[k]) * side)
                    left -= 1
    return _summed("told", moves), _summed("matched", matched)


class _Mids:
    """The mid in force at any time."""

    def __init__(self, events: Events) -> None:
        parts = list(book_packets(events, 1))
        self.times = np.concatenate([p.times for p in parts]) if parts else np.zeros(0, np.int64)
        mids = [np.where(p.two_sided, p.mid2 / 2, np.nan) for p in parts]
        self.mids = np.concatenate(mids) if mids else np.zeros(0)

    def at(self, t: Int64) -> Float64:
        place = np.searchsorted(self.times, t, side="right") - 1
        return np.asarray(np.where(place >= 0, self.mids[np.maximum(place, 0)], np.nan))

    def ahead(self, t: Int64) -> Float64:
        """Return the move over the next 30 s, ticks."""
        return self.at(t + AHEAD_S * SECOND) - self.at(t)


def _seconds(stretch: Stretch, window: int) -> Int64:
    """Whole seconds with the delta before them, and the 30 s after, inside the stretch."""
    first, last = stretch.start_ns + window, stretch.end_ns - AHEAD_S * SECOND
    return np.arange(first, last + 1, SECOND, dtype=np.int64)


def _deltas(events: Events, seconds: Int64, window: int) -> Int64:
    """Contracts bought less sold in the window, ns, up to each second."""
    none = NOT_A_PRINT | WITHOUT_AGGRESSOR | int(Flag.RLP)
    prints = (events["kind"] == Kind.TRADE) & ((events["flags"] & none) == 0)
    times = np.maximum.accumulate(events["ts_event"])[prints]
    signed = events["size"][prints].astype(np.int64) * events["side"][prints]
    total = np.concatenate([[0], np.cumsum(signed)])
    upto = total[np.searchsorted(times, seconds, side="right")]
    before = total[np.searchsorted(times, seconds - window, side="right")]
    return np.asarray(upto - before, np.int64)


def _summed(name: str, moves: list[float]) -> Aftermath:
    moved = [m for m in moves if m]
    towards = wilson(sum(m > 0 for m in moved), len(moved))
    return Aftermath(name, len(moves), towards, sum(moves) / len(moves) if moves else math.nan)
