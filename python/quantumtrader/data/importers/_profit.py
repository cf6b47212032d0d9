"""What Profit's candle and trade exports have in common: dialect, newest first, São Paulo time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers import _text as text
from quantumtrader.data.importers.base import Options, Rejected, Rows
from quantumtrader.exceptions import DataFormatError, EmptyDataError
from quantumtrader.types import Instrument

Int64 = npt.NDArray[np.int64]

_DATE = re.compile(r"\d{1,2}/\d{1,2}/(\d{2}|\d{4})")


@dataclass(slots=True)
class Dialect:
    """How one file is written."""

    delimiter: str
    skip_lines: int
    width: int


def dialect(path: Path) -> Dialect | None:
    """Delimiter, header and width, from the first lines; None when no line has a date in its second cell."""
    lines = [line for line in text.head(path, 3) if line.strip()]
    for skip, line in enumerate(lines[:2]):
        for delimiter in (";", ","):
            cells = line.split(delimiter)
            if len(cells) > 2 and _DATE.fullmatch(cells[1].strip()):
                return Dialect(delimiter, skip, len(cells))
    return None


def read_all(
    path: Path, names: list[str], found: Dialect
) -> tuple[Rows, dict[str, pa.Array], list[Rejected]]:
    """Whole file as text. Profit writes the newest row first, so nothing can be said before the end.

    Raises
    ------
    EmptyDataError
        There are no rows.
    """
    chunks = list(text.read_delimited(path, names, delimiter=found.delimiter, skip_lines=found.skip_lines))
    refused = [r for c in chunks for r in c.rejected]
    columns = {n: pa.concat_arrays([c.columns[n] for c in chunks]) for n in names} if chunks else {}
    lines = np.concatenate([c.lines for c in chunks]) if chunks else np.zeros(0, np.int64)
    if not len(lines) and not refused:
        raise EmptyDataError("no rows", path=path, remedy="Export it from Profit again")
    return Rows(path, lines), columns, refused


def local_ns(rows: Rows, columns: dict[str, pa.Array]) -> Int64:
    """Local time of each row; bad dates and times are held against their rows."""
    days, good = numbers.dates(columns["date"], "dmy")
    rows.reject(~good, "date", columns["date"], "not a date dd/mm/yyyy")
    local = days * numbers.DAY_NS
    if "time" in columns:
        ns, good = numbers.times_of_day(columns["time"])
        rows.reject(~good, "time", columns["time"], "not a time HH:MM:SS")
        local = local + ns
    return local


def same_symbol(rows: Rows, columns: dict[str, pa.Array], instrument: Instrument, path: Path) -> None:
    """Hold rows of other symbols against them.

    Raises
    ------
    DataFormatError
        No row is about the symbol that was asked for.
    """
    wanted = instrument.symbol.upper()
    other = ~np.array(pc.equal(pc.utf8_upper(columns["symbol"]), wanted))
    if len(rows) and other.all():
        raise DataFormatError(
            f"holds {columns['symbol'][0].as_py()}, not {instrument.symbol}",
            path=path,
            line=int(rows.lines[0]),
            remedy=f"Pass --symbol {columns['symbol'][0].as_py()}",
        )
    rows.reject(other, "symbol", columns["symbol"], f"not {instrument.symbol}")


def oldest_first(rows: Rows, local: Int64) -> npt.NDArray[np.intp]:
    """Order of the rows from old to new: the file's own, or reversed when it runs from new to old."""
    good = np.flatnonzero(rows.good)
    reverse = len(good) < 2 or local[good[0]] >= local[good[-1]]
    return np.arange(len(rows))[::-1] if reverse else np.arange(len(rows))


def whole_points(instrument: Instrument) -> bool:
    """Whether prices of this instrument have no decimals, so that a dot can only be a thousands mark."""
    return float(instrument.tick_size).is_integer()


def zone(instrument: Instrument, options: Options) -> ZoneInfo:
    """Profit writes the exchange's local time."""
    return numbers.zone(options.timezone or instrument.timezone)
