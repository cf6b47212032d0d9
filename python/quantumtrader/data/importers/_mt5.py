"""What MetaTrader's tick and bar exports have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quantumtrader.data.contracts import is_table_product
from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers import _text as text
from quantumtrader.data.importers.base import Options, Rows
from quantumtrader.exceptions import DataError
from quantumtrader.types import Instrument

Int64 = npt.NDArray[np.int64]


def header(path: Path) -> list[str]:
    """Column names without angle brackets; empty when the first line is not such a header."""
    lines = text.head(path, 1)
    cells = lines[0].rstrip("\r").split("\t") if lines else []
    if len(cells) < 2 or not all(c.startswith("<") and c.endswith(">") for c in cells):
        return []
    return [c[1:-1].upper() for c in cells]


def server_zone(path: Path, instrument: Instrument, options: Options) -> tuple[ZoneInfo, list[str]]:
    """Zone of the server's clock, which the file does not state.

    Brokers of B3 run their servers on São Paulo time, so products of the table default to it, with a note.

    Raises
    ------
    DataError
        Neither given nor known.
    """
    if options.timezone is not None:
        return numbers.zone(options.timezone), []
    if is_table_product(instrument):
        return numbers.zone(instrument.timezone), [
            f"times taken as {instrument.timezone}; --timezone says otherwise"
        ]
    raise DataError(
        "MetaTrader writes its server's time without a zone",
        path=path,
        remedy="Name it with --timezone, for example --timezone Europe/Athens",
    )


def decimal(options: Options) -> str:
    """MetaTrader always writes a decimal point, unless the user forces another."""
    return "." if options.decimal == "auto" else options.decimal


def chunks(path: Path, names: list[str]) -> Iterator[text.TextChunk]:
    """Rows of the export as text."""
    return text.read_delimited(path, names, delimiter="\t", skip_lines=1)


def local_ns(rows: Rows, columns: dict[str, pa.Array]) -> Int64:
    """Local time of each row; bad dates and times are held against their rows."""
    days, good_day = numbers.dates(columns["DATE"], "ymd")
    rows.reject(~good_day, "DATE", columns["DATE"], "not a date YYYY.MM.DD")
    local = days * numbers.DAY_NS
    if "TIME" in columns:
        ns, good_time = numbers.times_of_day(columns["TIME"])
        rows.reject(~good_time, "TIME", columns["TIME"], "not a time HH:MM:SS")
        local = local + ns
    return local
