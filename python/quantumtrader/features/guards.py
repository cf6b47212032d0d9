"""Guards: which features may be used now, and why the others may not.

A guard watches the rows that go to a prediction. It blocks values that are missing, infinite or out of range, that
are late, or that have stopped moving while the market goes on; it never repairs one. Missing is NaN, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import IntFlag
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader._protocols import Float64, Int64
from quantumtrader.exceptions import ConfigError, DataError, UnsortedEventsError
from quantumtrader.features.aliases import canonical
from quantumtrader.features.catalogue import FeatureInfo, info
from quantumtrader.features.lags import split_lag
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.types import Events, Kind

__all__ = [
    "FeatureGuard",
    "GuardCount",
    "GuardLimits",
    "GuardReport",
    "InputCounter",
    "Reason",
    "Verdict",
    "absent_inputs",
]

Codes = npt.NDArray[np.uint16]

INPUTS = ("trades", "quotes", "book", "bars")
"""What arrives, in the order of the counts: prints, quote records, book records, bar records."""

_KINDS = ((Kind.TRADE,), (Kind.QUOTE,), (Kind.LEVEL, Kind.ORDER), (Kind.BAR,))
_COUNTS_AS = np.array([[kind in kinds for kinds in _KINDS] for kind in range(256)], np.int64)
"""What each kind of event counts as."""
_GROUPS = ("T", "L1", "L2", "B")
_SOURCES = ("trades", "quotes or book records", "book records", "bars or trades")
"""Needs of features, and what feeds them: the touch comes from quotes or the book, bars from prints or the source."""
_FED_BY = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [1, 0, 0, 1]], np.int64)
_EVIDENCE = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], np.int64)
_BLOCK = 4_096
_BAR_S, _FOOTPRINT_BAR_S = 60.0, 300.0


class Reason(IntFlag):
    """Why a feature may not be used; several can hold at once. ``OK`` is none of them."""

    OK = 0
    WARMUP = 1
    """NaN, and not valid yet in this session."""
    MISSING = 2
    """NaN although it was valid before, or although the time of its warm-up is over."""
    INFINITE = 4
    """Plus or minus infinity."""
    OUT_OF_RANGE = 8
    """Beyond the catalogue's range."""
    LATE = 16
    """The row is older than the limit by the clock."""
    STALE = 32
    """The same to the bit for longer than its limit, while its inputs arrived."""
    CONSTANT = 64
    """The same to the bit over so many rows and so many of its inputs that it is no longer computed."""
    FROZEN_INPUT = 128
    """One of the inputs that it needs has stopped arriving."""
    FROZEN_FEED = 256
    """Nothing at all arrives any more, while time goes on."""

    @property
    def words(self) -> tuple[str, ...]:
        """Names of the reasons in it, in lower case."""
        return tuple(str(reason.name).lower() for reason in Reason if reason & self)


REASONS = tuple(reason for reason in Reason if reason)
INVALID = Reason.INFINITE | Reason.OUT_OF_RANGE | Reason.STALE | Reason.CONSTANT
INVALID |= Reason.FROZEN_INPUT | Reason.FROZEN_FEED
"""Reasons that speak of an error. The others are part of a normal day: warm-up, an undefined value, a late row."""


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """Limits of a guard; every one is a positive number.

    Parameters
    ----------
    late_s : float
        Age of a row by the clock, in seconds.
    unchanged_s : float
        How long a feature may stay the same to the bit while its inputs arrive, in seconds.
    unchanged_integer_s : float
        The same for features that the catalogue calls integers, which move in steps; on top of it comes their
        window, or ``rest_s`` where that is the session. Flags have no limit, nor have what a session has once and
        order statistics of sizes.
    unchanged_bars : float
        For features of bars, on top of that: as many bars of one minute, or all bars of the feature's warm-up if
        they take longer (footprint bars have five minutes).
    rest_s : float
        The same for a feature that rests at 0 or at an end of its range, as when nothing of its kind happened.
        Features of bars over a session have it on top of their limit.
    unchanged_of : tuple of (str, float)
        Limits of single features in seconds, in place of all of these; ``inf`` for none.
    stale_inputs : int
        So many inputs must have arrived for a feature to be called stale.
    constant_rows, constant_inputs : int
        A feature that is the same over more rows and more inputs than this is constant, however short the time.
        Both grow in the ratio of the feature's own limit to ``unchanged_s``.
    feed_s : float
        How long nothing at all may arrive, in seconds.
    trades_s, book_s, bars_s : float
        How long no print, neither quote nor book record, and no bar record may arrive, in seconds. A source of bars
        alone has ``bars_s`` in place of ``feed_s``.
    break_s : float
        Rows that are further apart belong to different sessions: what was unchanged before does not count.
    tolerance : float
        How far beyond its range a value may lie, relative to the bound (at least 1): the rounding of a sum.
    """

    late_s: float = 5.0
    unchanged_s: float = 600.0
    unchanged_integer_s: float = 1_800.0
    unchanged_bars: float = 30.0
    rest_s: float = 14_400.0
    unchanged_of: tuple[tuple[str, float], ...] = ()
    stale_inputs: int = 10
    constant_rows: int = 5_000
    constant_inputs: int = 50_000
    feed_s: float = 60.0
    trades_s: float = 600.0
    book_s: float = 120.0
    bars_s: float = 1_800.0
    break_s: float = 3_600.0
    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        given = {name: value for name, value in asdict(self).items() if name != "unchanged_of"}
        for name, value in [*given.items(), *((f"unchanged_of {k}", v) for k, v in self.unchanged_of)]:
            if math.isnan(value) or value <= 0:
                raise ConfigError(f"guard limit {name} is {value}; expected a positive number")

    def unchanged(self, feature: FeatureInfo) -> float:
        """Return how many seconds a feature may stay the same while its inputs arrive; ``inf`` for a flag."""
        own = {canonical(name): value for name, value in self.unchanged_of}
        name = split_lag(feature.name)[0]  # an earlier row's value rests as long as today's
        if name in own:
            return own[name]
        # What a session has once, such as its opening gap; and the median of sizes may be one lot all day.
        once, order_statistic = feature.window == "1 session", feature.update == "U12"
        if feature.kind == "flag" or once or (order_statistic and feature.kind == "integer"):
            return math.inf
        bars = feature.family == "footprint" or "B" in feature.inputs or "bar" in feature.window
        by_session = feature.window == "session"
        base = self.unchanged_s
        if feature.kind == "integer":
            window_s = self.rest_s if by_session else (feature.warmup_ns or 0) / 1e9
            base = self.unchanged_integer_s + window_s
        elif bars and by_session:
            base += self.rest_s
        if bars:
            bar = _FOOTPRINT_BAR_S if feature.family == "footprint" else _BAR_S
            base += max(self.unchanged_bars * _BAR_S, bar * (feature.warmup_items or 0))
        return base


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a guard says of one row.

    Parameters
    ----------
    time : int
        Time of the row, ns UTC.
    names : tuple of str
        Columns.
    codes : ndarray of uint16, shape (n_features,)
        :class:`Reason` of each column; 0 where the value may be used.
    """

    time: int
    names: tuple[str, ...]
    codes: Codes

    @property
    def ok(self) -> bool:
        """Whether every value may be used."""
        return not self.codes.any()

    @property
    def blocked(self) -> dict[str, Reason]:
        """Columns that may not be used, and why."""
        return {self.names[k]: Reason(int(self.codes[k])) for k in np.flatnonzero(self.codes)}

    def __getitem__(self, name: str) -> Reason:
        return Reason(int(self.codes[self.names.index(name)]))


@dataclass(frozen=True, slots=True)
class GuardCount:
    """How often one reason held for one feature; times are ns UTC of the first and the last row."""

    name: str
    reason: str
    rows: int
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class GuardReport:
    """What a guard has seen.

    Parameters
    ----------
    rows : int
        Rows observed.
    first_ns, last_ns : int or None
        Times of the first and the last, ns UTC.
    blocked_rows : int
        Rows in which at least one feature was blocked.
    counts : tuple of GuardCount
        By feature, then by reason.
    """

    rows: int
    first_ns: int | None
    last_ns: int | None
    blocked_rows: int
    counts: tuple[GuardCount, ...] = ()

    @property
    def invalid(self) -> tuple[GuardCount, ...]:
        """The counts that speak of an error: not those of warm-up, undefined values and late rows."""
        return tuple(count for count in self.counts if Reason[count.reason.upper()] & INVALID)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


@dataclass(slots=True)
class InputCounter:
    """Counts what has arrived, so that a guard knows whether the market moves.

    >>> from quantumtrader.types import empty_events
    >>> InputCounter().add(empty_events(0), [0]).tolist()
    [[0, 0, 0, 0]]
    """

    counts: Int64 = field(default_factory=lambda: np.zeros(len(INPUTS), np.int64))
    """Prints, quote records, book records and bar records so far."""
    events: int = 0
    """Events so far."""

    def add(self, events: Events, seen: Int64 | Sequence[int] = ()) -> Int64:
        """Count events, and say how many of each input rows had seen.

        Parameters
        ----------
        events : Events, shape (n,)
            Those that the engine was given last.
        seen : array of int, shape (n_rows,)
            Events applied when each row was read, as ``FeatureEngine.take_counted`` returns them.

        Returns
        -------
        ndarray of int64, shape (n_rows, 4)
            ``events_seen`` of :meth:`FeatureGuard.observe_many`.
        """
        running = np.empty((len(events) + 1, len(INPUTS)), np.int64)
        running[0] = self.counts
        running[1:] = _COUNTS_AS[events["kind"]]
        np.cumsum(running, axis=0, out=running)
        places = np.asarray(seen, np.int64) - self.events
        if len(places) and not (places.min() >= 0 and places.max() <= len(events)):
            raise DataError("the rows were not read during these events: count each slice when it is taken")
        self.counts = running[-1].copy()
        self.events += len(events)
        return np.asarray(running[places])


class FeatureGuard:
    """Watches rows of features and says of each value whether it may be used.

    Memory is a few numbers per feature. All features are judged at once, and many rows at once give the same as one
    after the other.

    Parameters
    ----------
    features : FeatureManifest or sequence of str
        Columns of the rows. A name that the catalogue does not have is held to no range and no input.
    limits : GuardLimits, optional
        What is too late, too long, too often.

    Examples
    --------
    >>> guard = FeatureGuard(["flow_ofi_1m", "spread_ticks"])
    >>> guard.observe(0, [0.5, 0.0]).blocked
    {'spread_ticks': <Reason.OUT_OF_RANGE: 8>}
    """

    def __init__(self, features: FeatureManifest | Sequence[str], limits: GuardLimits | None = None) -> None:
        names = features.names if isinstance(features, FeatureManifest) else tuple(features)
        if not names:
            raise ConfigError("the guard has no features; give at least one")
        self.names = names
        self.limits = limits or GuardLimits()
        self._place = {name: k for k, name in enumerate(names)}
        self._place |= {canonical(name): k for k, name in enumerate(names)}
        self._from_catalogue([_known(name) for name in names])
        self._how: str | None = None
        self.reset()

    def _from_catalogue(self, entries: list[FeatureInfo | None]) -> None:
        limits, n = self.limits, len(entries)
        slack = limits.tolerance
        self._low, self._high = np.full(n, -np.inf), np.full(n, np.inf)
        self._limit_ns = np.full(n, limits.unchanged_s * 1e9)
        self._warmup_ns = np.full(n, np.inf)
        self._by_session = np.ones(n, bool)
        needs = np.zeros((n, len(_GROUPS)), bool)
        for k, entry in enumerate(entries):
            if entry is None:
                needs[k] = True
                continue
            low, high = entry.range
            self._low[k] = -np.inf if low is None else low
            self._high[k] = np.inf if high is None else high
            self._limit_ns[k] = limits.unchanged(entry) * 1e9
            self._warmup_ns[k] = np.inf if entry.warmup_ns is None else entry.warmup_ns
            self._by_session[k] = entry.reset == "session"
            for need in entry.inputs:
                needs[k, _GROUPS.index("L2" if need == "L3" else need)] = True
        self._least = self._low - slack * np.maximum(
            np.abs(self._low), 1, where=np.isfinite(self._low), out=np.ones(n)
        )
        self._most = self._high + slack * np.maximum(
            np.abs(self._high), 1, where=np.isfinite(self._high), out=np.ones(n)
        )
        self._rest_ns = np.maximum(self._limit_ns, limits.rest_s * 1e9)
        known = np.array([entry is not None for entry in entries])[:, None]
        self._needs = (needs & known).T.astype(np.int64)
        self._quiet_ns = 1e9 * np.array([limits.trades_s, limits.book_s, limits.book_s, limits.trades_s])
        self._quiet_bars_ns = np.array(
            [*self._quiet_ns[:3], limits.bars_s * 1e9]
        )  # of a source of bars alone
        self._fed_by = (needs @ _FED_BY > 0).astype(np.int64)
        self._evidence = (needs @ _EVIDENCE > 0).astype(np.int64)

    def reset(self) -> None:
        """Forget all rows, as a new guard."""
        n = len(self.names)
        self._rows = self._blocked_rows = 0
        self._first: int | None = None
        self._time: int | None = None
        self._bits = np.zeros(n, np.int64)
        self._codes: Codes = np.full(n, Reason.WARMUP, np.uint16)
        self._seen = np.zeros(n, bool)
        self._changed_ns = np.zeros(n, np.int64)
        self._changed_row = np.zeros(n, np.int64)
        self._changed_inputs = np.zeros(n, np.int64)
        self._input_counts = np.zeros(len(INPUTS), np.int64)
        self._input_ns = np.zeros(len(INPUTS), np.int64)
        self._began_ns = 0
        self._how = None
        self._hits = np.zeros((len(REASONS), n), np.int64)
        self._hit_first = np.zeros((len(REASONS), n), np.int64)
        self._hit_last = np.zeros((len(REASONS), n), np.int64)

    def observe(
        self,
        time: int,
        row: Float64 | Sequence[float],
        events_seen: int | Int64 | Sequence[int] | None = None,
        now: int | None = None,
    ) -> Verdict:
        """Judge one row; parameters and errors as in :meth:`observe_many`, for one row."""
        codes = self.observe_many(
            np.array([time], np.int64),
            np.asarray(row, np.float64)[None, :],
            None if events_seen is None else np.asarray(events_seen, np.int64)[None],
            None if now is None else np.array([now], np.int64),
        )
        return Verdict(time, self.names, codes[0])

    def observe_many(
        self, times: Int64, rows: Float64, events_seen: Int64 | None = None, now: Int64 | None = None
    ) -> Codes:
        """Judge rows in order.

        Parameters
        ----------
        times : ndarray of int64, shape (n_rows,)
            Sampling times, ns UTC, not decreasing.
        rows : ndarray of float64, shape (n_rows, n_features)
            Values; NaN is missing.
        events_seen : ndarray of int64, shape (n_rows, 4) or (n_rows,), optional
            What had arrived when each row was read: counts of each input (see :class:`InputCounter`), or events in
            all. Timers and markers are no arrivals: where they are counted, a dead feed looks alive. Without it a
            change of any feature counts as an arrival of its inputs, which notices a dead feed only when the
            windows have run empty.
        now : ndarray of int64, shape (n_rows,), optional
            The clock when each row is to be used, ns UTC; without it no row is late.

        Returns
        -------
        ndarray of uint16, shape (n_rows, n_features)
            A :class:`Reason` each; 0 where the value may be used.

        Raises
        ------
        UnsortedEventsError
            If time runs backwards.
        DataError
            If shapes do not fit, or ``events_seen`` decreases or changes its kind from one call to the next.
        """
        times = np.asarray(times, np.int64)
        rows = np.ascontiguousarray(rows, np.float64)
        if rows.ndim != 2 or rows.shape != (len(times), len(self.names)):
            raise DataError(f"{rows.shape} values for {len(times)} times and {len(self.names)} features")
        counts = self._arrivals(events_seen, len(times))
        steps = _steps(times, times[:1] if self._time is None else self._time)
        if len(steps) and steps.min() < 0:
            k = int(np.argmin(steps >= 0))
            raise UnsortedEventsError(f"row {k}: time {times[k]} runs backwards")
        codes = np.empty(rows.shape, np.uint16)
        for start, stop in _blocks(steps > self.limits.break_s * 1e9):
            part = slice(start, stop)
            if self._time is None or steps[start] > self.limits.break_s * 1e9:
                self._begin(int(times[start]))
            codes[part] = self._judge(times[part], rows[part], None if counts is None else counts[part])
            if now is not None:
                late = np.asarray(now, np.int64)[part] - times[part] > self.limits.late_s * 1e9
                codes[part] |= np.where(late, np.uint16(Reason.LATE), np.uint16(0))[:, None]
            self._count(times[part], codes[part])
        return codes

    def blocked(self, names: Sequence[str] | None = None, now: int | None = None) -> dict[str, Reason]:
        """Say which features may not be used now: what the path to a prediction asks first.

        Parameters
        ----------
        names : sequence of str, optional
            Features, by either name; all of them by default.
        now : int, optional
            The clock, ns UTC: a row that is older than the limit blocks, also when no row has come since.

        Returns
        -------
        dict
            Name to reason, empty when all may be used. Before the first row everything is ``WARMUP``.

        Raises
        ------
        ConfigError
            If the guard does not watch a name.
        """
        wanted = self.names if names is None else tuple(names)
        unknown = [name for name in wanted if name not in self._place and canonical(name) not in self._place]
        if unknown:
            raise ConfigError(f"the guard does not watch {', '.join(unknown)}")
        late = now is not None and self._time is not None and now - self._time > self.limits.late_s * 1e9
        out = {}
        for name in wanted:
            place = self._place[name] if name in self._place else self._place[canonical(name)]
            reason = Reason(int(self._codes[place])) | (Reason.LATE if late else Reason.OK)
            if reason:
                out[name] = reason
        return out

    def report(self) -> GuardReport:
        """Return how often each reason held, since the start."""
        counts = tuple(
            GuardCount(
                name,
                str(reason.name).lower(),
                *(int(a[j, k]) for a in (self._hits, self._hit_first, self._hit_last)),
            )
            for k, name in enumerate(self.names)
            for j, reason in enumerate(REASONS)
            if self._hits[j, k]
        )
        return GuardReport(self._rows, self._first, self._time, self._blocked_rows, counts)

    def _arrivals(self, events_seen: Int64 | None, n: int) -> Int64 | None:
        """Return the counts of each input, shape (n, 4), or None when they are not told."""
        how = "none" if events_seen is None else ("all" if np.ndim(events_seen) == 1 else "inputs")
        if self._how is None:
            self._how = how
        if self._how != how:
            raise DataError(
                f"events_seen was given as {self._how!r} before and is {how!r} now: stay with one"
            )
        if events_seen is None:
            return None
        counts = np.asarray(events_seen, np.int64)
        if how == "all":
            counts = np.repeat(counts[:, None], len(INPUTS), axis=1)
        if counts.shape != (n, len(INPUTS)):
            raise DataError(f"events_seen has shape {counts.shape}, expected ({n}, {len(INPUTS)}) or ({n},)")
        if n and (_steps(counts, self._input_counts) < 0).any():
            raise DataError("events_seen runs backwards: reset the guard together with the engine")
        return counts

    def _begin(self, t: int) -> None:
        """Start a session: nothing has been unchanged yet."""
        self._began_ns = t
        self._seen &= ~self._by_session
        self._changed_ns[:] = t
        self._changed_row[:] = self._rows
        self._changed_inputs[:] = self._input_counts @ self._fed_by.T
        self._input_ns[:] = t

    def _judge(self, times: Int64, rows: Float64, counts: Int64 | None) -> Codes:
        bits = rows.view(np.int64)
        changed = bits != np.vstack((self._bits[None], bits[:-1]))
        if not self._rows:
            changed[0] = True
        if counts is None:
            moved = (changed & ~np.isnan(rows)) @ self._evidence > 0
            counts = self._input_counts + np.cumsum(moved, axis=0)
        codes = self._values(times, rows)
        codes |= self._unchanged(times, rows, changed, counts)
        codes |= self._frozen(times, counts)
        self._bits = bits[-1].copy()
        self._codes = codes[-1].copy()
        return codes

    def _values(self, times: Int64, rows: Float64) -> Codes:
        """Judge each value by itself."""
        absent = np.isnan(rows)
        seen = np.logical_or.accumulate(~absent, axis=0) | self._seen
        warm = seen | ((times - self._began_ns)[:, None] > self._warmup_ns)
        infinite = np.isinf(rows)
        beyond = ((rows < self._least) | (rows > self._most)) & ~infinite
        self._seen = seen[-1].copy()
        return (
            _where(absent & ~warm, Reason.WARMUP)
            | _where(absent & warm, Reason.MISSING)
            | _where(infinite, Reason.INFINITE)
            | _where(beyond, Reason.OUT_OF_RANGE)
        )

    def _unchanged(self, times: Int64, rows: Float64, changed: npt.NDArray[np.bool_], counts: Int64) -> Codes:
        """Judge what has stopped moving: against the row of each feature's last change."""
        limits = self.limits
        number = self._rows + np.arange(len(times))
        inputs = counts @ self._fed_by.T
        if len(times) == 1:  # the loop of serving: each feature changed here or before
            since_ns = np.where(changed, times, self._changed_ns)
            since_row = np.where(changed, number, self._changed_row)
            since_inputs = np.where(changed, inputs, self._changed_inputs)
        else:
            last = np.maximum.accumulate(np.where(changed, np.arange(len(times))[:, None], -1), axis=0)
            here = np.maximum(last, 0)
            since_ns = np.where(last >= 0, times[here], self._changed_ns)
            since_row = np.where(last >= 0, number[here], self._changed_row)
            since_inputs = np.where(last >= 0, np.take_along_axis(inputs, here, axis=0), self._changed_inputs)
        resting = (rows == 0) | (rows == self._low) | (rows == self._high)
        limit = np.where(resting, self._rest_ns, self._limit_ns)
        arrived = inputs - since_inputs
        there = ~np.isnan(rows)
        factor = limit / (limits.unchanged_s * 1e9)
        stale = (times[:, None] - since_ns > limit) & (arrived >= limits.stale_inputs)
        constant = (number[:, None] - since_row > limits.constant_rows * factor) & (
            arrived > limits.constant_inputs * factor
        )
        self._changed_ns, self._changed_row = since_ns[-1].copy(), since_row[-1].copy()
        self._changed_inputs = since_inputs[-1].copy()
        return _where(stale & there, Reason.STALE) | _where(constant & there, Reason.CONSTANT)

    def _frozen(self, times: Int64, counts: Int64) -> Codes:
        """Judge whether the market's records still arrive."""
        limits = self.limits
        moved = _steps(counts, self._input_counts) > 0
        stamps = np.where(moved, times[:, None], self._input_ns)
        arrived = np.maximum.accumulate(stamps, axis=0)
        known = counts > 0
        only_bars = known[:, 3] & ~known[:, :3].any(axis=1)
        quiet = times - arrived.max(axis=1)
        feed = quiet > np.where(only_bars, limits.bars_s, limits.feed_s) * 1e9
        latest = arrived.copy()
        latest[:, 1] = np.maximum(arrived[:, 1], arrived[:, 2])
        latest[:, 3] = np.maximum(arrived[:, 0], arrived[:, 3])
        limit = np.where(only_bars[:, None], self._quiet_bars_ns, self._quiet_ns)
        stopped = (times[:, None] - latest > limit) & (counts @ _FED_BY.T > 0)
        self._input_ns, self._input_counts = arrived[-1].copy(), counts[-1].copy()
        codes = _where(feed, Reason.FROZEN_FEED)[:, None]
        if stopped.any():
            codes = codes | _where(stopped.astype(np.int64) @ self._needs > 0, Reason.FROZEN_INPUT)
        return codes

    def _count(self, times: Int64, codes: Codes) -> None:
        if self._first is None:
            self._first = int(times[0])
        there = int(np.bitwise_or.reduce(codes, axis=None))
        for j, reason in enumerate(REASONS):
            if not there & reason.value:
                continue
            hit = (codes & np.uint16(reason)) != 0
            rows = np.flatnonzero(hit.any(axis=1))
            hit = hit[rows]
            some = hit.any(axis=0)
            fresh = some & (self._hits[j] == 0)
            first, last = (
                times[rows[hit.argmax(axis=0)]],
                times[rows[len(rows) - 1 - hit[::-1].argmax(axis=0)]],
            )
            self._hit_first[j, fresh] = first[fresh]
            self._hit_last[j, some] = last[some]
            self._hits[j] += hit.sum(axis=0)
        if there:
            self._blocked_rows += int(codes.any(axis=1).sum())
        self._rows += len(times)
        self._time = int(times[-1])
        self._codes = codes[-1].copy()


def absent_inputs(names: Sequence[str], counts: Int64) -> dict[str, tuple[str, ...]]:
    """Say which features read an input of which nothing has arrived, and which inputs.

    A guard has a limit for inputs that stop, none for one that never came: what needs it should be NaN. A count of
    trades or their flow is 0 then, and looks like a market in which nobody trades.

    Parameters
    ----------
    names : sequence of str
        Columns; one that the catalogue does not have reads nothing that is known.
    counts : ndarray of int64, shape (4,)
        What has arrived in all, as :class:`InputCounter` counts it.

    Returns
    -------
    dict
        Name to what never came, in the order of ``names``; without the features that miss nothing.

    Examples
    --------
    >>> absent_inputs(["flow_ofi_1m", "rsi_14"], np.array([0, 0, 0, 500]))
    {'flow_ofi_1m': ('trades',)}
    """
    fed = _FED_BY @ np.asarray(counts, np.int64) > 0
    out = {}
    for name in names:
        entry = _known(name)
        needs = () if entry is None else ("L2" if need == "L3" else need for need in entry.inputs)
        absent = tuple(_SOURCES[k] for k in sorted({_GROUPS.index(need) for need in needs}) if not fed[k])
        if absent:
            out[name] = absent
    return out


def _known(name: str) -> FeatureInfo | None:
    try:
        return info(name)
    except KeyError:
        return None


def _where(mask: npt.NDArray[np.bool_], reason: Reason) -> Codes:
    return mask.astype(np.uint16) * np.uint16(reason)


def _steps(values: Int64, before: Int64 | int) -> Int64:
    """Differences of rows, the first one's from what was before."""
    out = values.copy()
    out[1:] -= values[:-1]
    out[:1] -= before
    return out


def _blocks(breaks: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield stretches of rows that end before a break and are never longer than a block."""
    edges = [0, *(int(k) for k in np.flatnonzero(breaks) if k), len(breaks)]
    for start, stop in pairwise(edges):
        for k in range(start, stop, _BLOCK):
            yield k, min(k + _BLOCK, stop)
