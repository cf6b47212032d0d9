"""What a recording says of how much can be traded: moves and volume of a minute, and the levels displayed at entries."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader._protocols import BookProtocol
from quantumtrader.training.assessment import Books, Liquidity
from quantumtrader.training.labels import Latency
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.types import PX_NONE, Events, Kind

__all__ = ["LEVELS", "LIQUID", "MOMENTS", "displayed_books", "entry_books", "measure_liquidity"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

LIQUID = 20
"""Newest sessions outside the vault that are measured: of how much could be traded, the latest says most."""

LEVELS = 20
"""Best levels that are read from a book."""
MOMENTS = 2_000
"""Entries at most at which a book is read, evenly among those of the newest sessions."""

_MINUTE = 60 * 10**9


def measure_liquidity(sessions: Iterable[Events], bar_ns: int = 0) -> Liquidity | None:
    """Measure moves and volume of a minute; without depth, so that by itself capacity is an upper bound.

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


def displayed_books(sessions: Iterable[Events], times: Int64, sides: Int64) -> tuple[Float64, Float64] | None:
    """Read what an order that takes displays before it: the other side's levels, all events of its moment included.

    Parameters
    ----------
    sessions : iterable of Events
        In order; the book carries over from one to the next.
    times : ndarray of int64, shape (n,)
        When orders arrive, ns UTC.
    sides : ndarray of int64, shape (n,)
        1 buys, from the asks; −1 sells, to the bids.

    Returns
    -------
    sizes, distances : ndarray of float64, shape (books, LEVELS)
        Contracts from the best level on, and ticks from the mid; 0 beyond the last level. Moments outside of the sessions,
        and those at which a side is empty or the sides cross, have no row. None where no moment has one.
    """
    order = np.argsort(times, kind="stable")
    times, sides = times[order], sides[order]
    book: BookProtocol | None = None
    sizes, distances = [], []
    for part in sessions:
        book = book or _book_of(part)
        if book is None:
            continue
        events = np.ascontiguousarray(part)
        now = np.maximum.accumulate(events["ts_event"].astype(np.int64))
        applied = 0
        for k in np.flatnonzero((times >= now[0]) & (times < now[-1])).tolist():
            until = int(np.searchsorted(now, times[k], "right"))
            book.update_many(events[applied:until])
            applied = until
            bid, bid_size, ask, ask_size = book.depth(LEVELS)
            if PX_NONE in (bid[0], ask[0]) or bid[0] >= ask[0]:
                continue
            px, size = (ask, ask_size) if sides[k] > 0 else (bid, bid_size)
            mid = (float(bid[0]) + float(ask[0])) / 2
            sizes.append(size.astype(np.float64))
            distances.append(np.where(px == PX_NONE, 0.0, np.abs(px.astype(np.float64) - mid)))
        book.update_many(events[applied:])
    return (np.array(sizes), np.array(distances)) if sizes else None


def entry_books(recording: Recording, days: Int64, latency: Latency) -> Books | None:
    """Return what reads the displayed levels at the entries of trades; None where the recording has no levels.

    Parameters
    ----------
    recording : Recording
    days : ndarray of int64
        Sessions outside the vault, as days since 1970; the newest ``LIQUID`` of them are read.
    latency : Latency
        From a decision to the arrival of its order, as of the labels.
    """
    if not recording.survey().has_book:
        return None

    def read(decided: Int64, sides: Int64) -> tuple[Float64, Float64] | None:
        newest = days[-LIQUID:]
        begin = int(next(recording.sessions(newest[:1]))["ts_event"].min())
        recent = np.flatnonzero(decided >= begin)
        some = recent[:: max(1, -(-len(recent) // MOMENTS))]
        times = decided[some]
        return displayed_books(recording.sessions(newest), times + latency.draw(times), sides[some])

    return read


def _book_of(part: Events) -> BookProtocol | None:
    """Return an empty book for the records of a session; None where it has none."""
    kinds = set(np.unique(part["kind"]).tolist())
    if Kind.ORDER in kinds:
        return _backend.core().OrderBook()
    return _backend.core().L2Book() if Kind.LEVEL in kinds else None
