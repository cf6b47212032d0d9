"""xquotes_history minute bars as Parquet: Unix seconds, and prices as whole numbers of 1/100,000."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from quantumtrader.data.importers import _bars, _parquet
from quantumtrader.data.importers._text import must_be_file
from quantumtrader.data.importers.base import Imported, Options, Rows
from quantumtrader.exceptions import DataFormatError
from quantumtrader.types import Instrument

_TIME = "ts_utc"
_SCALED = {name: f"{name}_e5" for name in _bars.PRICES}
_COLUMNS = (_TIME, *_SCALED.values())
_SCALE = 100_000
_SECONDS = 60


class Xquotes:
    """``ts_utc, open_e5, high_e5, low_e5, close_e5``: the minutes of xquotes_history's daily blocks (``.qhs4``).

    ``ts_utc`` is the start of the bar, in seconds UTC; minutes without data are not there. A price is its column over
    100,000, for every instrument. There is no volume, and the format does not say whether prices are bid or mid.
    """

    name = "xquotes"
    describes = "xquotes_history minute bars (Parquet)"
    sorts = True

    def sniff(self, path: Path) -> bool:
        """Look for the column names."""
        return path.is_file() and path.suffix == ".parquet" and set(_COLUMNS) <= set(_parquet.names(path))

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read the file; see ``Importer.read``."""
        must_be_file(path)
        table = _parquet.table(path, list(_COLUMNS))
        raw = {}
        for column in _COLUMNS:
            values = table[column].to_numpy()
            if not np.issubdtype(values.dtype, np.integer):
                raise DataFormatError(
                    f"column {column} holds {table.schema.field(column).type}, expected whole numbers",
                    path=path,
                    remedy=f"Write {_TIME} in seconds and prices times {_SCALE:,}, or name the format with --format",
                )
            raw[column] = values.astype(np.int64)
        values = {name: raw[column] / _SCALE for name, column in _SCALED.items()}
        cells = {name: raw[column] for name, column in _SCALED.items()}
        nothing = np.zeros(len(table))
        yield from _bars.emit(
            Rows(path, np.arange(1, len(table) + 1, dtype=np.int64)),
            raw[_TIME] * 1_000_000_000,
            values | {"volume": nothing},
            instrument,
            options,
            raw=cells | {"volume": nothing},
            seconds=_SECONDS,
            notes=[
                "no volume in the file: stored as 0",
                "the format does not say whether prices are bid or mid",
            ],
        )
