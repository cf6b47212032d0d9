"""MetaTrader 5 bars: tab separated, header in angle brackets, server time, start of the bar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from quantumtrader.data.importers import _bars, _mt5
from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers._text import must_be_file
from quantumtrader.data.importers.base import Imported, Options, Rows
from quantumtrader.exceptions import DataFormatError
from quantumtrader.types import Instrument

NEEDED = ("DATE", "OPEN", "HIGH", "LOW", "CLOSE", "VOL")


class Mt5Bars:
    """``<DATE> <TIME> <OPEN> <HIGH> <LOW> <CLOSE> <TICKVOL> <VOL> <SPREAD>``; daily files have no ``<TIME>``.

    VOL becomes the volume. TICKVOL counts price changes, not trades, so the trade count stays 0 (unknown).
    """

    name = "mt5-bars"
    describes = "MetaTrader 5 bars export (tab separated)"
    sorts = True

    def sniff(self, path: Path) -> bool:
        """Look for the header."""
        return path.is_file() and set(NEEDED) <= set(_mt5.header(path))

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read the file; see ``Importer.read``."""
        must_be_file(path)
        names = _mt5.header(path)
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise DataFormatError(
                f"no column {', '.join(f'<{m}>' for m in missing)} in the header {names}",
                path=path,
                line=1,
                remedy="Export bars from MetaTrader 5 again, or name the format with --format",
            )
        tz, notes = _mt5.server_zone(path, instrument, options)
        chunks = list(_mt5.chunks(path, names))
        columns = {n: pa.concat_arrays([c.columns[n] for c in chunks]) for n in names} if chunks else {}
        rows = Rows(path, np.concatenate([c.lines for c in chunks]) if chunks else np.zeros(0, np.int64))
        refused = [r for c in chunks for r in c.rejected]
        if not chunks:
            columns = {n: pa.array([], pa.string()) for n in names}
        local = _mt5.local_ns(rows, columns)
        cells = {name.lower(): columns[name] for name in NEEDED[1:]}
        raw = {("volume" if name == "vol" else name): cell for name, cell in cells.items()}
        values = {name: numbers.to_float(cell, _mt5.decimal(options)) for name, cell in raw.items()}
        seconds = None if "TIME" in names else 86_400
        yield from _bars.emit(
            rows,
            numbers.to_utc(local, tz),
            values,
            instrument,
            options,
            raw=raw,
            seconds=seconds,
            earlier=refused,
            notes=notes,
        )
