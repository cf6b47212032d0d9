"""Plain bars with named columns, CSV or Parquet: timestamp, open, high, low, close, volume."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quantumtrader.data.importers import _bars, _parquet, _profit
from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers import _text as text
from quantumtrader.data.importers.base import Imported, Options, Rejected, Rows
from quantumtrader.exceptions import DataFormatError
from quantumtrader.types import Instrument

Int64 = npt.NDArray[np.int64]

_TIMES = ("timestamp", "ts_ms", "ts_ns", "ts", "time", "datetime", "date", "open_time")
_FIRST_SECOND = 10**8
"""March 1973: no market data is older, and dates written as 20250814 are smaller."""
_CELLS = (*_bars.PRICES, "volume")


class BarsCsv:
    """A header names the columns, in any order and case; the delimiter is ``,`` ``;`` or tab.

    The time is the start of the bar: ISO text, or a whole number since 1970 whose size tells s, ms, µs or ns.
    Text without an offset is local time of the instrument (or ``--timezone``). A missing volume counts as 0.
    """

    name = "bars"
    describes = "bars with named columns (timestamp, open, high, low, close, volume), CSV or Parquet"
    sorts = True

    def sniff(self, path: Path) -> bool:
        """Look for the column names."""
        if not path.is_file():
            return False
        if path.suffix != ".parquet" and _profit.dialect(path) is not None:
            return False  # users rename Profit's columns to these names
        names = _parquet.names(path) if path.suffix == ".parquet" else _csv_header(path)[0]
        return set(_bars.PRICES) <= set(names) and any(t in names for t in _TIMES)

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read the file; see ``Importer.read``."""
        text.must_be_file(path)
        refused: list[Rejected] = []
        if path.suffix == ".parquet":
            names = _parquet.names(path)
            when = _check(path, names)
            table = _parquet.table(path, [n for n in names if n == when or n in _CELLS])
            rows = Rows(path, np.arange(1, len(table) + 1, dtype=np.int64))
            raw: dict[str, Any] = {
                n: np.asarray(table[n].to_numpy(), np.float64) for n in _CELLS if n in names
            }
            values = dict(raw)
            stamps = table[when].to_numpy()
            if not np.issubdtype(stamps.dtype, np.datetime64) and not np.issubdtype(stamps.dtype, np.integer):
                raise DataFormatError(
                    f"column {when} holds {table.schema.field(when).type}, expected timestamps or whole numbers",
                    path=path,
                    remedy="Write whole numbers since 1970, or ISO text in a CSV",
                )
            if np.issubdtype(stamps.dtype, np.datetime64):
                ts = stamps.astype("datetime64[ns]").astype(np.int64)
            else:
                ts = _epoch(rows, stamps.astype(np.int64), when)
        else:
            names, delimiter = _csv_header(path)
            when = _check(path, names)
            rows, columns, refused = _columns(path, names, delimiter)
            raw = {n: columns[n] for n in _CELLS if n in names}
            mark = numbers.decide_decimal(
                list(raw.items())[:4], rows.lines, path, whole_points=False, forced=options.decimal
            )
            values = {n: numbers.to_float(cells, mark) for n, cells in raw.items()}
            ts = _times(rows, columns[when], when, numbers.zone(options.timezone or instrument.timezone))
        notes = []
        if "volume" not in values:
            values["volume"] = raw["volume"] = np.zeros(len(rows))
            notes.append("no volume in the file: stored as 0")
        yield from _bars.emit(rows, ts, values, instrument, options, raw=raw, earlier=refused, notes=notes)


def _check(path: Path, names: list[str]) -> str:
    missing = [n for n in _bars.PRICES if n not in names]
    when = next((t for t in _TIMES if t in names), None)
    if missing or when is None:
        raise DataFormatError(
            f"no column {', '.join(missing) or 'timestamp'} among {', '.join(names)}",
            path=path,
            line=1,
            remedy="Name the columns timestamp,open,high,low,close,volume",
        )
    return when


def _csv_header(path: Path) -> tuple[list[str], str]:
    lines = text.head(path, 1)
    line = lines[0] if lines else ""
    delimiter = max(",;\t", key=line.count)
    return [cell.strip().strip('"').lower() for cell in line.split(delimiter)], delimiter


def _columns(
    path: Path, names: list[str], delimiter: str
) -> tuple[Rows, dict[str, pa.Array], list[Rejected]]:
    chunks = list(text.read_delimited(path, names, delimiter=delimiter, skip_lines=1))
    refused = [r for c in chunks for r in c.rejected]
    empty = pa.array([], pa.string())
    columns = {n: pa.concat_arrays([c.columns[n] for c in chunks]) if chunks else empty for n in names}
    lines = np.concatenate([c.lines for c in chunks]) if chunks else np.zeros(0, np.int64)
    return Rows(path, lines), columns, refused


def _epoch(rows: Rows, values: Int64, column: str) -> Int64:
    """Whole numbers since 1970 to ns; s, ms, µs and ns differ by a factor of 1000, so the size tells."""
    early = values < _FIRST_SECOND
    if early.any():  # a day such as 20250814, a time of day, a row number
        i = int(np.argmax(early))
        raise DataFormatError(
            f"column {column}: {int(values[i])} is no time since 1970 in s, ms, µs or ns",
            path=rows.path,
            line=int(rows.lines[i]),
            remedy="Write whole numbers since 1970, or ISO text in a CSV",
        )
    top = int(np.abs(values).max()) if len(values) else 0
    factor = next(
        f for limit, f in ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3), (2**63, 1)) if top < limit
    )
    return values * factor


def _times(rows: Rows, cells: pa.Array, column: str, tz: ZoneInfo) -> Int64:
    whole, good = numbers.to_int(cells)
    if good.all() and len(good):
        return _epoch(rows, whole, column)

    def parse(cell: str) -> int | None:
        fraction = re.search(r"[.,](\d{1,9})", cell)
        try:
            moment = datetime.fromisoformat(cell.strip())
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=tz)
        ns = int(fraction.group(1).ljust(9, "0")) if fraction else 0
        return int(moment.replace(microsecond=0).timestamp()) * 1_000_000_000 + ns

    ts, good = numbers.by_distinct(cells, parse)
    rows.reject(~good, "timestamp", cells, "not an ISO time")
    return ts
