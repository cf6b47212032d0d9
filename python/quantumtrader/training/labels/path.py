"""The prices at which one could have traded, over time: what every label is measured on.

A step is a stretch of time with one bid and ask. Steps belong to segments; a segment ends with the session, a
contract roll, a gap, or the recording, and no label reaches beyond its segment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader._protocols import BookProtocol
from quantumtrader.data.sessions import session_days
from quantumtrader.exceptions import ConfigError, DataError, EmptyDataError
from quantumtrader.types import PX_NONE, Events, Flag, Instrument, Kind, Phase

__all__ = ["PathBuilder", "PricePath", "path_of"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

_BEGINNING = -(1 << 63)


@dataclass(frozen=True, slots=True)
class PricePath:
    """Executable prices over time, in ticks; NaN where there was none.

    Parameters
    ----------
    begin, end : ndarray of int64, shape (n,)
        A step's prices can be had on ``[begin, end)``, ns UTC.
    bid, ask : ndarray of float64, shape (n,)
        At the begin of the step: the touch, or a bar's open less and plus half the assumed spread.
    bid_high, bid_low, ask_high, ask_low : ndarray of float64, shape (n,)
        Extremes during the step; for a touch the touch itself.
    known : ndarray of int64, shape (n,)
        When the step's last price is known: its begin for a touch, its end for a bar.
    last_bid, last_ask : ndarray of float64, shape (n,)
        That price.
    bid_size, ask_size : ndarray of float64, shape (n,)
        Contracts at the touch; NaN where not known.
    segment : ndarray of int64, shape (n,)
        Index into the next four.
    segment_begin, segment_end : ndarray of int64, shape (m,)
        Times, ns UTC.
    segment_session : ndarray of int64, shape (m,)
        Session date as days since 1970.
    segment_ended : ndarray of str, shape (m,)
        By what: ``session``, ``roll``, ``gap`` or ``data`` (the recording ends).
    """

    begin: Int64
    end: Int64
    bid: Float64
    ask: Float64
    bid_high: Float64
    bid_low: Float64
    ask_high: Float64
    ask_low: Float64
    known: Int64
    last_bid: Float64
    last_ask: Float64
    bid_size: Float64
    ask_size: Float64
    segment: Int64
    segment_begin: Int64
    segment_end: Int64
    segment_session: Int64
    segment_ended: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.begin)

    @property
    def mid(self) -> Float64:
        """Mid of the last price of each step, ticks."""
        return (self.last_bid + self.last_ask) / 2

    def segment_of(self, times: Int64) -> Int64:
        """Return the segment that each time lies in, −1 outside of all; a segment's end is outside."""
        k = np.searchsorted(self.segment_begin, times, "right") - 1
        inside = k >= 0
        inside[inside] = times[inside] < self.segment_end[k[inside]]
        return np.where(inside, k, -1)

    def executable(self, times: Int64, segments: Int64) -> Int64:
        """Return the step whose prices an order gets that arrives at a time; −1 where there is none.

        The step in force then, all events of that time included; where none is in force (between two bars), the
        next one of the segment.
        """
        k = np.searchsorted(self.begin, times, "right") - 1
        found = np.full(len(times), -1, np.int64)
        for shift in (1, 0):  # the step in force overrides the next one
            at = k + shift
            fits = (at >= 0) & (at < len(self)) & (segments >= 0)
            fits[fits] &= (self.segment[at[fits]] == segments[fits]) & (
                (shift == 1) | (times[fits] < self.end[at[fits]])
            )
            found[fits] = at[fits]
        return found

    def last_known(self, times: Int64, segments: Int64) -> Int64:
        """Return the newest step whose last price is known at each time, in that segment; −1 where none is."""
        k = np.searchsorted(self.known, times, "right") - 1
        fits = (k >= 0) & (segments >= 0)
        fits[fits] &= self.segment[k[fits]] == segments[fits]
        return np.where(fits, k, -1)

    def at(self, values: Float64, steps: Int64) -> Float64:
        """Return the values of steps, NaN for step −1."""
        out = np.full(len(steps), np.nan)
        out[steps >= 0] = values[steps[steps >= 0]]
        return out


class PathBuilder:
    """Builds paths from a stream in parts; books and phases carry over from one part to the next.

    Parameters
    ----------
    instrument : Instrument
        Its hours decide which date a session is of.
    spread_ticks : float, optional
        Spread assumed around prints and bars, which have none; needed for such streams only.
    """

    def __init__(self, instrument: Instrument, spread_ticks: float | None = None) -> None:
        if spread_ticks is not None and not spread_ticks > 0:
            raise ConfigError(
                f"labels: the assumed spread is {spread_ticks} ticks, expected a positive number"
            )
        self._instrument = instrument
        self._spread = spread_ticks
        self._source: Kind | None = None
        self._book: BookProtocol | None = None
        self._now = _BEGINNING
        self._continuous = True  # a stream that has shown no marker counts as open
        self._quote = (float("nan"),) * 4
        self._contract: int | None = None

    def add(self, events: Events) -> PricePath:
        """Return the path of the events that follow; each call is given whole sessions.

        Raises
        ------
        DataError
            Contracts are mixed without a roll marker between them, or prints and bars come without an assumed spread.
        """
        if not len(events):
            raise EmptyDataError("labels: there are no events")
        self._require_one_contract(events)
        now = np.maximum(np.maximum.accumulate(events["ts_event"]), self._now)
        segment, table, continuous = self._segments(events, now)
        if self._source is None:
            self._choose(events)
        bars = self._source == Kind.BAR
        steps = self._bars(events, segment) if bars else self._touches(events, now, segment, continuous)
        self._now = int(now[-1])
        begins, ends, ended = table
        days = session_days(begins, self._instrument) if len(begins) else np.empty(0, np.int64)
        seg = steps["segment"]
        follows = np.zeros(len(seg), np.bool_)
        if not bars and len(seg):
            follows[:-1] = seg[1:] == seg[:-1]
            steps["end"] = np.where(follows, np.roll(steps["begin"], -1), ends[seg])
        return PricePath(
            **steps, segment_begin=begins, segment_end=ends, segment_session=days, segment_ended=ended
        )

    def _require_one_contract(self, events: Events) -> None:
        contract, marker = events["instrument"], events["kind"] == Kind.SESSION
        roll = marker & (events["action"] == Phase.ROLL)
        before = int(contract[0]) if self._contract is None else self._contract
        change = np.flatnonzero(np.diff(contract, prepend=contract.dtype.type(before)) != 0)
        rolls = np.flatnonzero(roll)
        for k in change.tolist():
            last = change[change < k].max(initial=-1)
            if not ((rolls > last) & (rolls <= k)).any():
                raise DataError(
                    f"contracts are mixed without a roll: instrument {contract[k]} follows at sequence "
                    f"{events['sequence'][k]}",
                    remedy="Give one contract, or a stream with roll markers (quantumtrader.data.roll)",
                )
        self._contract = int(contract[-1])

    def _segments(
        self, events: Events, now: Int64
    ) -> tuple[Int64, tuple[Int64, Int64, npt.NDArray[np.str_]], npt.NDArray[np.bool_]]:
        """Return each event's segment (−1: none), the table of segments, and where trading is continuous."""
        session = events["kind"] == Kind.SESSION
        places = np.flatnonzero(session | (events["kind"] == Kind.GAP)).tolist()
        segment = np.full(len(events), -1, np.int64)
        continuous = np.zeros(len(events), np.bool_)
        begins: list[int] = []
        ends: list[int] = []
        ended: list[str] = []
        # Not carried over: a part begins with its own opening, or counts as open from its first event.
        opened = not any(session[k] and events["action"][k] == Phase.OPEN for k in places)
        first, live = 0, self._continuous
        if opened:
            begins.append(int(now[0]))

        def close(k: int, why: str) -> None:
            nonlocal opened
            if opened:
                ends.append(int(now[k]))
                ended.append(why)
            opened = False

        for k in places:
            if opened:
                segment[first:k] = len(begins) - 1
            continuous[first:k] = live
            first = k
            phase = Phase(int(events["action"][k])) if session[k] else None
            if phase is None:
                was = opened
                close(k, "gap")
                opened = was
            elif phase == Phase.OPEN:
                close(k, "session")
                opened, live = True, True
            elif phase == Phase.ROLL:
                was = opened
                close(k, "roll")
                opened = was
            elif phase == Phase.CLOSED:
                close(k, "session")
                live = False
            else:
                live = phase == Phase.RESUME
            if opened and len(begins) == len(ends):
                begins.append(int(now[k]))
        if opened:
            segment[first:] = len(begins) - 1
            ends.append(int(now[-1]))
            ended.append("data")
        continuous[first:] = live
        self._continuous = live
        return (
            segment,
            (np.array(begins, np.int64), np.array(ends, np.int64), np.array(ended, dtype="U8")),
            continuous,
        )

    def _choose(self, events: Events) -> None:
        kinds = set(np.unique(events["kind"]).tolist())
        for kind in (Kind.ORDER, Kind.LEVEL, Kind.QUOTE, Kind.BAR, Kind.TRADE):
            if kind in kinds:
                self._source = kind
                break
        if self._source in (Kind.BAR, Kind.TRADE) and self._spread is None:
            raise DataError(
                "labels need executable prices, and these events have prints or bars only",
                remedy="Give the spread to assume, in ticks (spread_ticks)",
            )
        if self._source == Kind.ORDER:
            self._book = _backend.core().OrderBook()
        elif self._source == Kind.LEVEL:
            self._book = _backend.core().L2Book()

    def _touches(
        self, events: Events, now: Int64, segment: Int64, continuous: npt.NDArray[np.bool_]
    ) -> dict[str, npt.NDArray[Any]]:
        bid, bid_size, ask, ask_size = self._after_each(events)
        sound = continuous & (bid < ask)
        whole = (events["flags"] & int(Flag.MORE)) == 0
        columns = [np.where(sound, c, np.nan) for c in (bid, ask, bid_size, ask_size)]
        keep = whole & (segment >= 0)
        rows = np.flatnonzero(keep)
        table = np.stack([c[rows] for c in columns] + [segment[rows].astype(np.float64)])
        filled = np.nan_to_num(table, nan=-1e18)
        changed = (
            np.concatenate(([True], (np.diff(filled, axis=1) != 0).any(axis=0))) if len(rows) else keep[:0]
        )
        rows = rows[changed]
        b, a, bs, sz = (c[rows] for c in columns)
        begin = now[rows]
        return {
            "begin": begin,
            "end": begin,
            "bid": b,
            "ask": a,
            "bid_high": b,
            "bid_low": b,
            "ask_high": a,
            "ask_low": a,
            "known": begin,
            "last_bid": b,
            "last_ask": a,
            "bid_size": bs,
            "ask_size": sz,
            "segment": segment[rows],
        }

    def _after_each(self, events: Events) -> tuple[Float64, Float64, Float64, Float64]:
        if self._book is not None:
            px, size, px_ask, size_ask = self._book.best_after_each(events)
            return _ticks(px), size.astype(np.float64), _ticks(px_ask), size_ask.astype(np.float64)
        if self._source == Kind.TRADE:
            half = (self._spread or 0.0) / 2
            rows = np.flatnonzero((events["kind"] == Kind.TRADE) & ((events["flags"] & _ODD) == 0))
            prints = _ticks(events["px"][rows])
            unknown = np.full(len(rows), np.nan)
            values = (prints - half, unknown, prints + half, unknown)
        else:
            rows = np.flatnonzero(events["kind"] == Kind.QUOTE)
            values = (
                _ticks(events["px"][rows]),
                events["size"][rows].astype(np.float64),
                _ticks(events["px_ask"][rows]),
                events["size_ask"][rows].astype(np.float64),
            )
        void = np.flatnonzero(
            (events["kind"] == Kind.GAP)
            | ((events["kind"] == Kind.SESSION) & (events["action"] == Phase.ROLL))
        )
        places = np.concatenate((rows, void))
        order = np.argsort(places, kind="stable")
        places = places[order]
        last = np.searchsorted(places, np.arange(len(events)), "right") - 1
        out = []
        for column, carried in zip(values, self._quote, strict=True):
            given = np.concatenate((column, np.full(len(void), np.nan)))[order]
            out.append(np.where(last >= 0, given[np.maximum(last, 0)] if len(given) else np.nan, carried))
        self._quote = (float(out[0][-1]), float(out[1][-1]), float(out[2][-1]), float(out[3][-1]))
        return out[0], out[1], out[2], out[3]

    def _bars(self, events: Events, segment: Int64) -> dict[str, npt.NDArray[Any]]:
        rows = np.flatnonzero((events["kind"] == Kind.BAR) & (segment >= 0))
        bars = events[rows]
        half = (self._spread or 0.0) / 2
        end = bars["ts_event"].astype(np.int64)
        before = np.concatenate((end[:1], end[:-1]))
        begin = np.minimum(np.where(bars["id"] > 0, np.maximum(bars["id"], before), before), end)
        if len(end):
            begin[0] = bars["id"][0] if 0 < bars["id"][0] <= end[0] else end[0]
        opened, high, low, close = (_ticks(bars[f]) for f in ("px", "px_ask", "ref_a", "ref_b"))
        unknown = np.full(len(rows), np.nan)
        return {
            "begin": begin,
            "end": end,
            "bid": opened - half,
            "ask": opened + half,
            "bid_high": high - half,
            "bid_low": low - half,
            "ask_high": high + half,
            "ask_low": low + half,
            "known": end,
            "last_bid": close - half,
            "last_ask": close + half,
            "bid_size": unknown,
            "ask_size": unknown,
            "segment": segment[rows],
        }


_ODD = int(Flag.AUCTION | Flag.RLP | Flag.CROSS | Flag.CANCELLED | Flag.EDITED | Flag.HIDDEN)
"""Prints at which nobody else could have traded."""


def path_of(
    events: Events | Iterable[Events], instrument: Instrument, spread_ticks: float | None = None
) -> PricePath:
    """Return the path of a whole stream; see :class:`PathBuilder`."""
    builder = PathBuilder(instrument, spread_ticks)
    parts = [events] if isinstance(events, np.ndarray) else events
    paths = [builder.add(part) for part in parts]
    if not paths:
        raise EmptyDataError("labels: there are no events")
    if len(paths) == 1:
        return paths[0]
    offsets = np.cumsum([0] + [len(p.segment_begin) for p in paths[:-1]])
    columns = {f.name: np.concatenate([getattr(p, f.name) for p in paths]) for f in fields(PricePath)}
    columns["segment"] = np.concatenate([p.segment + k for p, k in zip(paths, offsets, strict=True)])
    return PricePath(**columns)


def _ticks(px: npt.NDArray[np.int32]) -> Float64:
    return np.where(px == PX_NONE, np.nan, px.astype(np.float64))
