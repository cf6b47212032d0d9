"""Quality checks: what is odd in a stream of events, where, and whether it forbids using it.

An *error* breaks a rule that everything downstream relies on; a *warning* is something that real markets and
feeds do, but that a reader should know before trusting numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from quantumtrader.data.calendar import Calendar
from quantumtrader.data.contracts import is_table_product
from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.sessions import session_days
from quantumtrader.types import PX_NONE, Events, Flag, Instrument, Kind

Bools = npt.NDArray[np.bool_]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Severity = Literal["error", "warning", "info"]

_SHOWN = 5
_FALL_NS = 60_000_000_000
_ALONE_NS = 3_600_000_000_000
_DAYS_APART = 10
_EPOCH = date(1970, 1, 1)


class Book(Protocol):
    """A book of either engine; the caller brings it, because this room knows no engine."""

    def best_after_each(self, events: Events) -> tuple[Int32, Int64, Int32, Int64]:
        """Apply events and return ``(bid_px, bid_sz, ask_px, ask_sz)`` after each one."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of oddity.

    Parameters
    ----------
    check : str
        Short name of the check.
    severity : {"error", "warning", "info"}
        Errors make the data invalid.
    count : int
        How many places.
    message : str
        What it is, with numbers.
    places : tuple of str
        The first few, as ``sequence at time``, in the instrument's zone.
    """

    check: str
    severity: Severity
    count: int
    message: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Result of ``validate``."""

    symbol: str
    events: int
    by_kind: dict[str, int]
    first: str
    last: str
    sessions: int
    findings: tuple[Finding, ...] = field(default_factory=tuple)

    @property
    def valid(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)

    def to_json(self) -> str:
        """Return the report as one JSON object."""
        return json.dumps({"valid": self.valid, **asdict(self)}, indent=2)


def validate(
    events: Events,
    instrument: Instrument,
    *,
    calendar: Calendar | None = None,
    books: dict[Kind, Book] | None = None,
    gap_seconds: float = 300.0,
    jump_ticks: int | None = None,
) -> Report:
    """Check a stream of events.

    Parameters
    ----------
    events : Events, shape (n,)
        As read, without inserted session markers.
    instrument : Instrument
        Its lot, hours and zone.
    calendar : Calendar, optional
        Business days.
    books : dict, optional
        A fresh book per kind (``LEVEL``, ``ORDER``), to look for crossed and locked books. Without one that
        check is left out, and the report says so.
    gap_seconds : float
        Silence inside a session that is worth a warning; bars use three times their own distance.
    jump_ticks : int, optional
        Distance between neighbouring trades worth a warning; by default 1 % of the price.

    Returns
    -------
    Report
        ``valid`` is false when a finding is an error.
    """
    calendar = calendar or Calendar()
    look = _Look(events, instrument, calendar)
    findings = [
        *look.order(),
        *look.stamps(),
        *look.fields(),
        *look.duplicates(),
        *look.lots(),
        *look.quotes(),
        *look.book(books),
        *look.jumps(jump_ticks),
        *look.bars(),
        *look.silence(gap_seconds),
        *look.coverage(),
    ]
    kinds, counts = np.unique(events["kind"], return_counts=True)
    ends = [
        numbers.show_ns(int(t), instrument.timezone)
        for t in (events["ts_event"][[0, -1]] if len(events) else ())
    ] or ["", ""]
    return Report(
        symbol=instrument.symbol,
        events=len(events),
        by_kind={_kind_name(int(k)): int(c) for k, c in zip(kinds, counts, strict=True)},
        first=ends[0],
        last=ends[1],
        sessions=len(look.days),
        findings=tuple(findings),
    )


class _Look:
    """The stream under test, and one method per check."""

    def __init__(self, events: Events, instrument: Instrument, calendar: Calendar) -> None:
        self.events = events
        self.instrument = instrument
        self.calendar = calendar
        self.now: Int64 = np.maximum.accumulate(events["ts_event"]) if len(events) else np.zeros(0, np.int64)
        self.day_of: Int64 = session_days(self.now, instrument)
        days = [_EPOCH + timedelta(days=int(d)) for d in np.unique(self.day_of)]
        low, high = calendar.years if is_table_product(instrument) else (date.min.year, date.max.year)
        self.days = [day for day in days if low <= day.year <= high]
        self.unknown_days = [day for day in days if not low <= day.year <= high]
        self.trades = (events["kind"] == Kind.TRADE) & (
            (events["flags"] & int(Flag.CANCELLED | Flag.EDITED)) == 0
        )

    def found(self, check: str, severity: Severity, where: Bools | Int64, message: str) -> Iterator[Finding]:
        """A finding about the records of a mask or of indices, if there are any."""
        index = np.flatnonzero(where) if where.dtype == bool else where
        if len(index):
            places = tuple(
                f"sequence {int(self.events['sequence'][i])} at "
                f"{numbers.show_ns(int(self.events['ts_event'][i]), self.instrument.timezone)}"
                for i in index[:_SHOWN]
            )
            yield Finding(check, severity, len(index), message.format(count=len(index)), places)

    def order(self) -> Iterator[Finding]:
        """Receive time and sequence never run backwards; event times may, a little."""
        if not len(self.events):
            yield Finding("empty", "error", 1, "there are no events")
            return
        for name in ("ts_recv", "sequence"):
            back = np.flatnonzero(np.diff(self.events[name]) < 0) + 1
            yield from self.found("order", "error", back, f"{name} runs backwards {{count}} times")
        twice = np.flatnonzero(np.diff(self.events["sequence"]) == 0) + 1
        yield from self.found("sequence", "error", twice, "{count} records repeat the sequence before them")
        steps = np.diff(self.events["sequence"])
        missing = int((steps[steps > 1] - 1).sum())
        if missing:
            holes = np.flatnonzero(steps > 1) + 1
            yield from self.found(
                "sequence", "warning", holes, f"{missing} sequence numbers are missing in {{count}} places"
            )
        late = self.events["ts_event"] < self.now
        late &= (self.events["flags"] & int(Flag.SNAPSHOT)) == 0
        yield from self.found(
            "order", "info", late, "{count} records carry an event time earlier than one before them"
        )
        lost = self.events["kind"] == Kind.GAP
        yield from self.found(
            "lost", "warning", lost, "{count} gap markers: the feed lost records, books restart there"
        )

    def stamps(self) -> Iterator[Finding]:
        """Times that cannot be right: they fall far back, stand alone, or lie outside the calendar."""
        strange = np.isin(self.day_of, [(day - _EPOCH).days for day in self.unknown_days])
        years = "{}-{}".format(*self.calendar.years)
        yield from self.found(
            "time", "error", strange, f"{{count}} records lie outside the years of the calendar ({years})"
        )
        market = ~np.isin(self.events["kind"], (Kind.SESSION, Kind.GAP, Kind.TIMER))
        market &= ((self.events["flags"] & int(Flag.SNAPSHOT)) == 0) & ~strange
        index = np.flatnonzero(market)
        if len(index) < 3:
            return
        steps = np.diff(self.events["ts_event"][index])
        falls = np.flatnonzero(steps < -_FALL_NS)
        # The record before a fall is the wrong one if the time had jumped up to it, else the one after.
        jumped = (falls == 0) | (steps[np.maximum(falls, 1) - 1] > _FALL_NS)
        yield from self.found(
            "time",
            "error",
            index[np.where(jumped, falls, falls + 1)],
            f"the event time falls back by more than {_FALL_NS // 10**9} s in {{count}} places: a stamp is wrong",
        )
        far = np.maximum(steps, 0)
        usual = int(np.median(far[far > 0])) if (far > 0).any() else 0
        limit = max(_ALONE_NS, 100 * usual)
        apart = np.concatenate(([True], far > limit, [True]))
        alone = np.flatnonzero(apart[:-1] & apart[1:])
        gap = np.minimum(
            np.concatenate(([np.iinfo(np.int64).max], far))[alone],
            np.concatenate((far, [np.iinfo(np.int64).max]))[alone],
        )
        bar = self.events["kind"][index[alone]] == Kind.BAR
        outside = self._outside(index[alone])
        wrong = (gap > _DAYS_APART * numbers.DAY_NS) | (~bar & ~outside)
        text = f"{{count}} records stand alone, more than {limit // 10**9:,} s from the one before and the one after"
        yield from self.found("time", "error", index[alone[wrong]], f"{text}: their time is wrong")
        yield from self.found("time", "warning", index[alone[~wrong]], text)

    def fields(self) -> Iterator[Finding]:
        """Kinds, sizes and prices that make sense."""
        events, kind = self.events, self.events["kind"]
        unknown = ~np.isin(kind, [int(k) for k in Kind])
        yield from self.found("kind", "error", unknown, "{count} records have a kind that does not exist")
        sized = np.isin(kind, (Kind.TRADE, Kind.QUOTE, Kind.LEVEL, Kind.BAR))
        yield from self.found(
            "size", "error", sized & (events["size"] < 0), "{count} records have a negative size"
        )
        yield from self.found(
            "size", "error", self.trades & (events["size"] == 0), "{count} trades have size 0"
        )
        bad = self.trades & (events["px"] <= 0)
        yield from self.found("price", "error", bad, "{count} trades have a price that is not positive")
        yield from self.found(
            "side", "error", np.abs(events["side"]) > 1, "{count} records have a side beyond -1, 0, 1"
        )
        unsigned = self.trades & (events["side"] == 0)
        yield from self.found("side", "info", unsigned, "{count} trades have no aggressor")
        inferred = self.trades & ((events["flags"] & int(Flag.SIDE_INFERRED)) != 0)
        yield from self.found("side", "info", inferred, "{count} trades have an aggressor inferred by a rule")

    def duplicates(self) -> Iterator[Finding]:
        """Trade ids are unique; trades without an id cannot be told apart and are never called duplicates."""
        index = np.flatnonzero(self.trades & (self.events["id"] != 0))
        ids = self.events["id"][index]
        first = np.zeros(len(index), bool)
        first[np.unique(ids, return_index=True)[1]] = True
        yield from self.found("duplicates", "error", index[~first], "{count} trades repeat an id")

    def lots(self) -> Iterator[Finding]:
        """Trades come in multiples of the lot."""
        odd = self.trades & (self.events["size"] % self.instrument.lot != 0)
        yield from self.found(
            "lot", "warning", odd, f"{{count}} trades are not multiples of the lot of {self.instrument.lot}"
        )

    def quotes(self) -> Iterator[Finding]:
        """Quotes that lock or cross."""
        events = self.events
        both = (events["kind"] == Kind.QUOTE) & (events["px"] != PX_NONE) & (events["px_ask"] != PX_NONE)
        yield from self.found(
            "quote", "warning", both & (events["px"] > events["px_ask"]), "{count} quotes are crossed"
        )
        yield from self.found(
            "quote", "warning", both & (events["px"] == events["px_ask"]), "{count} quotes are locked"
        )

    def book(self, books: dict[Kind, Book] | None) -> Iterator[Finding]:
        """Locked and crossed books after the end of a packet."""
        for kind in (Kind.LEVEL, Kind.ORDER):
            if not (self.events["kind"] == kind).any():
                continue
            if books is None or kind not in books:
                yield Finding("book", "info", 1, f"the book of {kind.name} records was not built")
                continue
            bid, _, ask, _ = books[kind].best_after_each(self.events)
            settled = (self.events["flags"] & int(Flag.MORE)) == 0
            both = settled & (bid != PX_NONE) & (ask != PX_NONE)
            crossed = self._starts(both & (bid > ask))
            locked = self._starts(both & (bid == ask))
            outside = self._outside(crossed)
            inside = crossed[~outside]
            yield from self.found(
                "book", "error", inside, "the book crosses {count} times inside continuous trading"
            )
            yield from self.found(
                "book", "info", crossed[outside], "the book crosses {count} times outside it (auctions)"
            )
            yield from self.found("book", "warning", locked, "the book locks {count} times")
            updates = np.flatnonzero((self.events["kind"] == kind) & settled)
            blind = (bid[updates] == PX_NONE) & (ask[updates] == PX_NONE)
            stretches = self._starts(blind)
            if len(stretches) and blind[-1] and (self.events["kind"][: updates[-1]] == Kind.GAP).any():
                yield from self.found(
                    "book",
                    "error",
                    updates[stretches[-1:]],
                    f"the book is lost from there on, for {len(updates) - stretches[-1]:,} of {len(updates):,} updates: "
                    "no snapshot follows the gap. Use the part before it, or get the missing records",
                )
                stretches = stretches[:-1]
            yield from self.found(
                "book", "info", updates[stretches], "the book is empty or invalid in {count} stretches"
            )

    @staticmethod
    def _starts(mask: Bools) -> Int64:
        return np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0) == 1)

    def _outside(self, index: Int64) -> Bools:
        """Which records lie outside the hours; none do in a market that never closes."""
        out = np.zeros(len(index), bool)
        if not self.instrument.hours:
            return out
        out[:] = True
        for day in self.days:
            bounds = self.calendar.session(self.instrument, day)
            if bounds is not None:
                when = self.now[index]
                out &= ~((when >= bounds.open_ns) & (when <= bounds.close_ns))
        return out

    def jumps(self, ticks: int | None) -> Iterator[Finding]:
        """Neighbouring trades far apart, sessions aside."""
        index = np.flatnonzero(self.trades)
        px = self.events["px"][index].astype(np.int64)
        if len(px) < 2:
            return
        limit = ticks if ticks is not None else max(1, int(np.median(px)) // 100)
        same_day = np.diff(session_days(self.now[index], self.instrument)) == 0
        far = same_day & (np.abs(np.diff(px)) > limit)
        yield from self.found(
            "jump",
            "warning",
            index[1:][far],
            f"{{count}} trades are more than {limit} ticks from the one before",
        )

    def bars(self) -> Iterator[Finding]:
        """Bars contain their open and close; one per start; unusual volume."""
        index = np.flatnonzero(self.events["kind"] == Kind.BAR)
        if not len(index):
            return
        bar = self.events[index]
        top, bottom = np.maximum(bar["px"], bar["ref_b"]), np.minimum(bar["px"], bar["ref_b"])
        torn = (bar["px_ask"] < top) | (bar["ref_a"] > bottom)
        yield from self.found("bar", "error", index[torn], "{count} bars do not contain their open and close")
        twice = np.flatnonzero(np.diff(bar["id"]) <= 0) + 1
        yield from self.found("bar", "error", index[twice], "{count} bars do not start after the one before")
        volume = bar["size"].astype(np.int64)
        usual = int(np.percentile(volume, 99))
        huge = volume > max(20 * usual, 1)
        yield from self.found(
            "volume",
            "warning",
            index[huge],
            f"{{count}} bars have more than 20 times the 99th percentile of {usual}",
        )
        adjusted = (bar["flags"] & int(Flag.ADJUSTED)) != 0
        yield from self.found(
            "adjusted", "info", index[adjusted], "{count} bars are from an adjusted series, off the grid"
        )

    def silence(self, seconds: float) -> Iterator[Finding]:
        """Stretches of a session without any event."""
        if len(self.now) < 2:
            return
        steps = np.diff(self.now)
        is_bar = self.events["kind"] == Kind.BAR
        limit = int(seconds * 1e9)
        if is_bar.any():
            limit = max(limit, 3 * int(np.median(steps[steps > 0])) if (steps > 0).any() else limit)
        long = np.flatnonzero(steps > limit)
        if self.instrument.hours and len(long):
            days = session_days(self.now, self.instrument)
            same = days[long] == days[long + 1]
            long = long[same & ~self._outside(long) & ~self._outside(long + 1)]
        longest = float(steps[long].max()) / 1e9 if len(long) else 0.0
        yield from self.found(
            "gap",
            "warning",
            long + 1,
            f"{{count}} stretches of more than {limit / 1e9:g} s without an event inside a session, "
            f"the longest {longest:,.0f} s",
        )

    def coverage(self) -> Iterator[Finding]:
        """Sessions between the first and the last day that have no events."""
        if not self.instrument.hours or not self.days:
            return
        have = set(self.days)
        expected = self.calendar.session_dates(self.instrument, self.days[0], self.days[-1])
        missing = [day for day in expected if day not in have]
        if missing:
            yield Finding(
                "coverage",
                "warning",
                len(missing),
                f"{len(missing)} of {len(expected)} sessions have no events",
                tuple(str(day) for day in missing[:_SHOWN]),
            )
        if is_table_product(self.instrument):
            closed = [day for day in self.days if not self.calendar.is_business_day(day)]
            if closed:
                yield Finding(
                    "coverage",
                    "warning",
                    len(closed),
                    f"{len(closed)} days with events are not sessions of B3",
                    tuple(str(day) for day in closed[:_SHOWN]),
                )


def _kind_name(code: int) -> str:
    return Kind(code).name.lower() if code in list(Kind) else f"kind {code}"
