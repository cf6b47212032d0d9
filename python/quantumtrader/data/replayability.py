"""Whether a recording can be replayed: the books that it makes are possible, and they are those seen live.

The books are rebuilt from the record and looked at on the way. *Impossible* is what no book can do: a position that is
not there, an order that is not known. *Crossed* is judged between packets of continuous trading. Every checkpoint that
the recorder took of its live books has to come out of the rebuilt ones. Where price depth and offers were both
recorded, the first is held against the second, in moments when both are at rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.data.calendar import Calendar
from quantumtrader.data.checkpoints import BOOK_KINDS, Books, Checkpoint, RecordedBook, take
from quantumtrader.data.quality import Finding
from quantumtrader.data.sessions import session_days
from quantumtrader.types import PX_NONE, Action, Events, Flag, Instrument, Kind, Phase

__all__ = ["Replayability", "check_replayable"]

_EPOCH = date(1970, 1, 1)
_PIECE = 4_096
"""Events applied at a time: how closely the place of an impossible record is known."""
_REST_NS = 20_000_000
"""Silence after which both books have taken in what was under way."""
_COMPARE_NS = 1_000_000_000
_LEVELS = 10
_CONTINUOUS = (int(Phase.OPEN), int(Phase.RESUME))


@dataclass(frozen=True, slots=True)
class Replayability:
    """What rebuilding the books of one instrument has shown.

    Parameters
    ----------
    symbol : str
        The instrument.
    events : int
        Records of it.
    checkpoints : int
        That the recorder took, without those beyond the end of the record.
    agreed : int
        Of these, that the rebuilt books have reproduced.
    beyond : int
        Checkpoints of events that are not in the record: it was torn.
    comparisons, comparisons_agreed : int
        Moments in which price depth was held against the offers.
    findings : tuple of Finding
        Errors forbid using the record.
    """

    symbol: str
    events: int = 0
    checkpoints: int = 0
    agreed: int = 0
    beyond: int = 0
    comparisons: int = 0
    comparisons_agreed: int = 0
    findings: tuple[Finding, ...] = field(default_factory=tuple)

    @property
    def valid(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)


def check_replayable(
    parts: Iterable[Events],
    instrument: Instrument,
    books: Books,
    lines: Iterable[dict[str, Any]] = (),
    *,
    calendar: Calendar | None = None,
) -> Replayability:
    """Rebuild the books of one instrument and hold them against what was seen live.

    Parameters
    ----------
    parts : iterable of Events
        In stream order, of this instrument alone; read once, memory does not grow with them.
    instrument : Instrument
        Its hours say where continuous trading is until the record says it itself.
    books : dict
        Fresh books.
    lines : iterable of dict
        Of the sidecar.
    calendar : Calendar, optional
        Business days.
    """
    check = _Check(instrument, books, lines, calendar or Calendar())
    for events in parts:
        if len(events):
            check.add(events)
    return check.result()


class _Check:
    def __init__(
        self, instrument: Instrument, books: Books, lines: Iterable[dict[str, Any]], calendar: Calendar
    ) -> None:
        self._instrument = instrument
        self._calendar = calendar
        self._books = {kind: _Rebuilt(kind, book) for kind, book in books.items()}
        self._pending = _checkpoints(lines, instrument.symbol)
        self._done = Replayability(instrument.symbol)
        self._wrong: list[str] = []
        self._phase: int | None = None
        self._compared_ns = -1
        self._apart: list[str] = []
        self._apart_for_long: list[str] = []
        self._apart_before = False
        self._last_sequence: int | None = None
        self._back = 0

    def add(self, events: Events) -> None:
        sequence = events["sequence"]
        before = sequence[0] - 1 if self._last_sequence is None else self._last_sequence
        self._back += int((np.diff(sequence, prepend=before) <= 0).sum())
        self._last_sequence = int(sequence[-1])
        self._done = dataclasses.replace(self._done, events=self._done.events + len(events))
        rests = self._rests(events)
        start = 0
        for stop in self._cuts(events, rests):
            self._apply(events[start:stop])
            self._hold_checkpoints(
                int(sequence[stop - 1]), int(sequence[stop]) if stop < len(events) else None
            )
            if stop - 1 in rests:
                self._compare(events[stop - 1])
            start = stop

    def _cuts(self, events: Events, rests: set[int]) -> list[int]:
        """Where to stop and look: after checkpoints, at rests, and where the phase or the use of the book changes."""
        sequence, kind, action = events["sequence"], events["kind"], events["action"]
        wanted = np.array([c.sequence for c in self._pending], np.int64)
        inside = wanted[(wanted >= sequence[0]) & (wanted <= sequence[-1])]
        marks = np.flatnonzero(
            (kind == Kind.SESSION)
            | (kind == Kind.GAP)
            | (
                np.isin(kind, list(BOOK_KINDS))
                & np.isin(action, (Action.SNAPSHOT_BEGIN, Action.SNAPSHOT_END))
            )
        )
        cuts = {len(events), *range(_PIECE, len(events), _PIECE)}
        cuts.update(np.searchsorted(sequence, inside, side="right").tolist())
        cuts.update(marks.tolist(), (marks + 1).tolist(), (k + 1 for k in rests))
        return sorted(cuts - {0})

    def _rests(self, events: Events) -> set[int]:
        """Places after which nothing happens to either book for a while, at most one in a second."""
        if any(
            not rebuilt.updates and not (events["kind"] == kind).any()
            for kind, rebuilt in self._books.items()
        ):
            return set()
        recv = events["ts_recv"]
        quiet = np.flatnonzero((np.diff(recv) >= _REST_NS) & ((events["flags"][:-1] & int(Flag.MORE)) == 0))
        out = set()
        for place in quiet.tolist():
            if recv[place] - self._compared_ns >= _COMPARE_NS:
                self._compared_ns = int(recv[place])
                out.add(place)
        return out

    def _apply(self, events: Events) -> None:
        if not len(events):
            return
        continuous = self._continuous(events)
        for rebuilt in self._books.values():
            rebuilt.apply(events, continuous)
        markers = events[events["kind"] == Kind.SESSION]
        if len(markers):
            self._phase = int(markers["action"][-1])

    def _continuous(self, events: Events) -> npt.NDArray[np.bool_]:
        """Which of the events lie in continuous trading, by the phase, else by the hours."""
        if self._phase is not None or not self._instrument.hours:
            return np.full(len(events), self._phase is None or self._phase in _CONTINUOUS)
        now = events["ts_event"]
        out = np.zeros(len(events), bool)
        for day in np.unique(session_days(now, self._instrument)).tolist():
            bounds = self._calendar.session(self._instrument, _EPOCH + timedelta(days=day))
            if bounds is not None:
                out |= (now >= bounds.open_ns) & (now <= bounds.close_ns)
        return out

    def _hold_checkpoints(self, sequence: int, following: int | None) -> None:
        """Compare with the checkpoints of this place, once every event of it has been applied."""
        if following == sequence:
            return
        while self._pending and self._pending[0].sequence <= sequence:
            seen = self._pending.pop(0)
            kind = next(k for k, name in BOOK_KINDS.items() if name == seen.book)
            done = self._done
            if kind not in self._books:
                continue
            made = take(self._books[kind].book, kind, seen.symbol, seen.sequence)
            self._done = dataclasses.replace(
                done, checkpoints=done.checkpoints + 1, agreed=done.agreed + (made == seen)
            )
            if made != seen:
                self._wrong.append(_difference(seen, made))

    def _compare(self, event: Any) -> None:
        """Hold price depth against the offers."""
        level, order = (self._books[kind].book for kind in (Kind.LEVEL, Kind.ORDER))
        if not (level.valid and order.valid) or (self._phase is not None and self._phase not in _CONTINUOUS):
            return
        same = all(_same(a, b) for a, b in zip(_sides(level), _sides(order), strict=True))
        self._done = dataclasses.replace(
            self._done,
            comparisons=self._done.comparisons + 1,
            comparisons_agreed=self._done.comparisons_agreed + same,
        )
        if not same:
            place = _place(event)
            self._apart.append(place)
            if self._apart_before:
                self._apart_for_long.append(place)
        self._apart_before = not same

    def result(self) -> Replayability:
        findings = list(self._findings())
        return dataclasses.replace(self._done, beyond=len(self._pending), findings=tuple(findings))

    def _findings(self) -> Iterator[Finding]:
        done = self._done
        if self._back:
            yield Finding("sequence", "error", self._back, f"the sequence runs backwards {self._back} times")
        for rebuilt in self._books.values():
            yield from rebuilt.findings()
        if self._wrong:
            yield Finding(
                "checkpoint",
                "error",
                len(self._wrong),
                f"{len(self._wrong)} of {done.checkpoints} checkpoints are not reproduced: the rebuilt book is not the one "
                "seen live",
                tuple(self._wrong[:3]),
            )
        elif done.checkpoints:
            yield Finding(
                "checkpoint", "info", done.checkpoints, f"all {done.checkpoints} checkpoints are reproduced"
            )
        elif any(rebuilt.updates for rebuilt in self._books.values()):
            yield Finding(
                "checkpoint", "warning", 1, "there is no checkpoint: what was seen live cannot be compared"
            )
        if self._pending:
            yield Finding(
                "checkpoint",
                "warning",
                len(self._pending),
                f"{len(self._pending)} checkpoints lie beyond the end of the record: its last events are missing",
            )
        if self._apart:
            severity = "error" if self._apart_for_long else "warning"
            yield Finding(
                "depth",
                severity,  # type: ignore[arg-type]  # one of two literals
                len(self._apart),
                f"price depth and offers differ in {len(self._apart)} of {done.comparisons} moments at rest"
                + (
                    f", in {len(self._apart_for_long)} of them not for the first time"
                    if self._apart_for_long
                    else ""
                ),
                tuple((self._apart_for_long or self._apart)[:3]),
            )
        elif done.comparisons:
            yield Finding(
                "depth",
                "info",
                done.comparisons,
                f"price depth and offers agree in all {done.comparisons} moments at rest",
            )


class _Rebuilt:
    """One book, and what it did while it was rebuilt."""

    def __init__(self, kind: Kind, book: RecordedBook) -> None:
        self.book = book
        self.updates = 0
        self._kind = kind
        self._name = BOOK_KINDS[kind]
        self._impossible: list[str] = []
        self._impossible_count = 0
        self._blind = 0
        self._gaps = 0
        self._crossed: list[str] = []
        self._crossings = 0
        self._was_crossed = False
        self._in_image = False

    def _refused(self) -> int:
        return self.book.rejected + int(getattr(self.book, "unknown_ids", 0))

    def apply(self, events: Events, continuous: npt.NDArray[np.bool_]) -> None:
        mine = int((events["kind"] == self._kind).sum())
        if not mine and not self.updates:
            return
        if int(events["kind"][0]) == self._kind and int(events["action"][0]) == Action.SNAPSHOT_BEGIN:
            self._in_image = True
        usable, before = self.book.valid or self._in_image, self._refused()
        bid, _, ask, _ = self.book.best_after_each(events)
        self.updates += mine
        self._gaps += int((events["kind"] == Kind.GAP).sum())
        refused = self._refused() - before
        if not usable:
            self._blind += mine
        elif refused:
            self._impossible_count += refused
            self._impossible.append(f"{_place(events[0])} … {int(events['sequence'][-1])}")
        settled = (events["flags"] & int(Flag.MORE)) == 0
        crossed = settled & continuous & (bid != PX_NONE) & (ask != PX_NONE) & (bid > ask)
        # Inside a packet the book stands still: what was crossed before it still is.
        starts = np.flatnonzero(crossed & ~np.concatenate(([self._was_crossed], crossed[:-1])))
        self._crossings += len(starts)
        self._crossed += [_place(events[k]) for k in starts[:3].tolist()]
        self._was_crossed = bool(crossed[-1])
        self._in_image &= not self.book.valid and int(events["kind"][-1]) != Kind.GAP

    def findings(self) -> Iterator[Finding]:
        if self._impossible_count:
            yield Finding(
                "position",
                "error",
                self._impossible_count,
                f"{self._impossible_count} records of the {self._name} book are impossible: they name a position, an "
                "order or a size that cannot be",
                tuple(self._impossible[:3]),
            )
        if self._crossings:
            yield Finding(
                "crossed",
                "error",
                self._crossings,
                f"the {self._name} book crosses {self._crossings} times after a packet in continuous trading",
                tuple(self._crossed[:3]),
            )
        if self._gaps and self.updates:
            lost = not self.book.valid
            yield Finding(
                "gap",
                "error" if lost else "info",
                self._gaps,
                f"{self._gaps} gap markers; the {self._name} book was not to be used for {self._blind:,} of its "
                f"{self.updates:,} records"
                + (
                    " and no image of it follows the last one"
                    if lost
                    else ", each time until a new image of it"
                ),
            )


def _checkpoints(lines: Iterable[dict[str, Any]], symbol: str) -> list[Checkpoint]:
    found = [Checkpoint.of_line(line) for line in lines if line["what"] == "checkpoint"]
    return sorted((c for c in found if c.symbol == symbol), key=lambda c: c.sequence)


def _difference(seen: Checkpoint, made: Checkpoint) -> str:
    if seen.valid != made.valid:
        words = {True: "valid", False: "invalid"}
        what = f"live {words[seen.valid]}, rebuilt {words[made.valid]}"
    elif (seen.bids, seen.asks) != (made.bids, made.asks):
        what = f"live {_touch(seen)}, rebuilt {_touch(made)}"
    else:
        what = f"the best levels agree ({_touch(seen)}), what is behind them does not"
    return f"{seen.book} book after sequence {seen.sequence}: {what}"


def _touch(point: Checkpoint) -> str:
    best = [f"{side[0][1]} at {side[0][0]}" if side else "nothing" for side in (point.bids, point.asks)]
    return f"{best[0]} / {best[1]}"


def _sides(book: RecordedBook) -> list[list[tuple[int, int]]]:
    bid_px, bid_sz, ask_px, ask_sz = book.depth(_LEVELS)
    return [
        [(p, s) for p, s in zip(px.tolist(), sz.tolist(), strict=True) if p != PX_NONE]
        for px, sz in ((bid_px, bid_sz), (ask_px, ask_sz))
    ]


def _same(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> bool:
    """Whether two sides agree as far as both of them reach."""
    n = min(len(a), len(b))
    return a[:n] == b[:n] and (n > 0 or len(a) == len(b))


def _place(event: Any) -> str:
    stamp = np.datetime64(int(event["ts_event"]), "ns").astype("datetime64[us]")
    return f"{int(event['sequence'])} at {stamp} UTC"
