"""What every importer shares: the interface, the options, and the account of rows that were refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.exceptions import DataFormatError, UnsortedEventsError
from quantumtrader.types import EVENT, PX_NONE, Events, Instrument, Kind

Bools = npt.NDArray[np.bool_]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

INT32_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a source; a field that a format does not need is ignored.

    Parameters
    ----------
    decimal : {"auto", ",", "."}
        Decimal mark of text files. ``auto`` decides once per file and refuses a file that mixes both.
    timezone : str, optional
        IANA zone of times that carry none; the instrument's zone by default. MetaTrader writes its server's
        time, so instruments outside the table must say which.
    date : date, optional
        Day of files that hold only times of day (LOBSTER), when the file name does not tell.
    infer_side : {"auto", "none", "quote", "tick"}
        What to do where the source has no aggressor. ``quote`` is the rule of Lee and Ready (1991) with the
        quote in force before the trade, ``tick`` the tick rule, ``auto`` takes the best that the source
        allows, ``none`` leaves side 0. Inferred sides carry ``Flag.SIDE_INFERRED``.
    out_of_order : {"error", "reject", "sort"}
        What to do with a row earlier than one before it: stop, put it aside, or sort everything by time.
    bar_seconds : int, optional
        Length of bars; by default the commonest distance between two of them.
    chunk_rows : int
        Events handed over at a time.
    """

    decimal: Literal["auto", ",", "."] = "auto"
    timezone: str | None = None
    date: date | None = None
    infer_side: Literal["auto", "none", "quote", "tick"] = "auto"
    out_of_order: Literal["error", "reject", "sort"] = "error"
    bar_seconds: int | None = None
    chunk_rows: int = 500_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """A source row that was not taken over."""

    path: str
    line: int
    """1-based line; row number in binary files."""
    column: str
    value: str
    reason: str


@dataclass(slots=True)
class Imported:
    """A part of a source, in stream order.

    Parameters
    ----------
    events : Events
        ``ts_recv`` and ``sequence`` never decrease, also from one part to the next.
    instrument : Instrument
        As asked for; with a finer tick for an adjusted series.
    rejected : list of Rejected
        Rows of this part that were put aside.
    notes : list of str
        What a reader should know: counts of records that were merged, assumed or left out.
    """

    events: Events
    instrument: Instrument
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Importer(Protocol):
    """One source format."""

    name: str
    """Value of ``--format``."""
    describes: str
    """One line for people."""
    sorts: bool
    """Whether ``out_of_order="sort"`` is right: the rows stand for themselves, or are sorted before anything
    is carried from one to the next."""

    def sniff(self, path: Path) -> bool:
        """Whether ``path``, a file or a folder that exists, looks like this format; reads only its start."""
        ...

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read a source.

        Raises
        ------
        DataError
            The source as a whole cannot be used. A row that cannot is ``rejected`` instead.
        """
        ...


class Rows:
    """A stretch of source rows, and which of them are bad.

    The first reason found for a row is the one that is kept.

    Parameters
    ----------
    path : Path
        File the rows come from.
    lines : ndarray of int64, shape (n,)
        1-based position of each row in the file.
    """

    def __init__(self, path: Path, lines: Int64) -> None:
        self.path = path
        self.lines = lines
        self.bad: Bools = np.zeros(len(lines), bool)
        self.rejected: list[Rejected] = []

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def good(self) -> Bools:
        """Rows that nothing has been held against."""
        return ~self.bad

    def reject(
        self,
        mask: Bools,
        column: str,
        values: Sequence[Any] | Mapping[int, Any] | npt.NDArray[Any],
        reason: str,
    ) -> None:
        """Hold ``reason`` against the rows of ``mask``."""
        for i in np.flatnonzero(mask & ~self.bad):
            self.rejected.append(
                Rejected(str(self.path), int(self.lines[i]), column, str(values[int(i)]), reason)
            )
        self.bad |= mask

    def ticks(
        self, column: str, values: Float64, step: float, *, raw: Any = None, where: Bools | None = None
    ) -> Int32:
        """Prices in whole ticks; rows off the grid, not positive or not a number are rejected.

        ``where`` limits the check; other rows get ``PX_NONE``.
        """
        shown = values if raw is None else raw
        where = np.ones(len(self), bool) if where is None else where
        steps, on_grid = numbers.to_steps(values, step)
        self.reject(where & ~np.isfinite(values), column, shown, "not a number")
        self.reject(where & (values <= 0), column, shown, "price is not positive")
        self.reject(where & ~on_grid, column, shown, f"off the tick grid of {step:g}")
        self.reject(where & (steps > INT32_MAX), column, shown, f"more than {INT32_MAX} ticks of {step:g}")
        return np.where(where & self.good, steps, PX_NONE).astype(np.int32)

    def sizes(
        self,
        column: str,
        values: Float64,
        step: float,
        *,
        raw: Any = None,
        where: Bools | None = None,
        zero: bool = False,
    ) -> Int32:
        """Sizes in whole contracts of ``step``; ``zero`` says whether 0 is allowed."""
        shown = values if raw is None else raw
        where = np.ones(len(self), bool) if where is None else where
        steps, on_grid = numbers.to_steps(values, step)
        self.reject(where & ~np.isfinite(values), column, shown, "not a number")
        self.reject(where & (values < 0), column, shown, "negative size")
        if not zero:
            self.reject(where & (values == 0), column, shown, "size is 0")
        self.reject(where & ~on_grid, column, shown, f"not a multiple of {step:g}")
        self.reject(
            where & (steps > INT32_MAX), column, shown, f"more than {INT32_MAX} contracts of {step:g}"
        )
        return np.where(where & self.good, steps, 0).astype(np.int32)

    def in_order(self, ts: Int64, last: int, policy: str, shown: Any = None) -> int:
        """Apply ``Options.out_of_order`` to the good rows and return the greatest time so far.

        ``shown`` holds the times as the source writes them, for the message.

        Raises
        ------
        UnsortedEventsError
            Under the policy ``error``.
        """
        index = np.flatnonzero(self.good)
        if not len(index):
            return last
        highest = np.maximum.accumulate(np.concatenate(([last], ts[index])))
        late = index[ts[index] < highest[:-1]]
        if len(late) and policy == "error":
            i = int(late[0])
            before = index[index < i]
            top = int(before[np.argmax(ts[before])]) if len(before) else -1
            ahead = last if top < 0 else max(int(ts[top]), last)
            line = f" of line {int(self.lines[top])}" if top >= 0 and int(ts[top]) == ahead else ""
            raise UnsortedEventsError(
                f"time {numbers.show_ns(int(ts[i]))} runs backwards, behind {numbers.show_ns(ahead)}{line} "
                f"({len(late)} such rows in this part)",
                path=self.path,
                line=int(self.lines[i]),
                remedy="Fix the file, put such rows aside with --out-of-order reject, "
                "or sort by time with --out-of-order sort",
            )
        if len(late) and policy == "reject":
            mask = np.zeros(len(self), bool)
            mask[late] = True
            written = {int(i): numbers.show_ns(int(ts[i])) for i in late} if shown is None else shown
            self.reject(mask, "time", written, "earlier than a row before it")
        return int(highest[-1])


def blank(n: int, kind: Kind) -> Events:
    """``n`` zeroed records of one kind."""
    out = np.zeros(n, EVENT)
    out["kind"] = kind
    return out


def require_some(taken: int, rejected: list[Rejected], path: Path) -> None:
    """Raise when most rows of a source cannot be used: then it is not the rows that are wrong.

    Raises
    ------
    DataFormatError
        Names the first row and why it was refused.
    """
    if taken < len(rejected):
        first = min(rejected, key=lambda r: r.line)
        raise DataFormatError(
            f"{'none' if not taken else f'only {taken:,}'} of the {taken + len(rejected):,} rows can be used; "
            f"the first of the others: {f'{first.column} {first.value!r}'.strip()} is refused because: {first.reason}",
            path=path,
            line=first.line,
            remedy="Check --symbol (its tick size and size step), --decimal and --format",
        )
