"""Sides of a primary model or strategy: the trades that meta-labels judge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import DataAccessError, DataError, DataFormatError

__all__ = ["Sides", "read_sides"]

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sides:
    """What a primary wanted to do, and when.

    Parameters
    ----------
    times : ndarray of int64, shape (n,)
        Decision times, ns UTC, non-decreasing.
    side : ndarray of int64, shape (n,)
        1 buys, −1 sells, 0 does nothing.
    origin : str
        Whose sides they are, in words.

    Raises
    ------
    DataError
        Shapes differ, times run backwards, or a side is another number; the message gives the row.
    """

    times: Int64
    side: Int64
    origin: str

    def __post_init__(self) -> None:
        if self.times.ndim != 1 or self.times.shape != self.side.shape:
            raise DataError(
                f"sides of {self.origin}: {self.times.shape} times and {self.side.shape} sides, expected as many"
            )
        back = np.flatnonzero(np.diff(self.times) < 0)
        if len(back):
            raise DataError(
                f"sides of {self.origin}: row {back[0] + 1} is earlier than the one before it",
                remedy="Sort the rows by t0",
            )
        odd = np.flatnonzero(~np.isin(self.side, (-1, 0, 1)))
        if len(odd):
            raise DataError(
                f"sides of {self.origin}: side is {self.side[odd[0]]} in row {odd[0]}, expected 1 (buy), -1 (sell) or 0"
            )

    def __len__(self) -> int:
        return len(self.times)


def read_sides(path: Path | str) -> Sides:
    """Read sides from a Parquet file with the columns ``t0`` (ns UTC) and ``side`` (1, −1 or 0), both whole numbers.

    Raises
    ------
    DataAccessError
        It is not there, or cannot be read.
    DataFormatError
        A column is missing, holds no whole numbers, or a value is not there.
    DataError
        As of ``Sides``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    try:
        table = pq.read_table(path)
    except OSError as error:
        raise DataAccessError(f"cannot be read ({error})", path=path) from error
    except pa.ArrowException as error:
        raise DataFormatError(f"is no Parquet file ({error})", path=path) from error
    columns = []
    for name in ("t0", "side"):
        if name not in table.column_names:
            raise DataFormatError(
                f"has no column {name} (there are {', '.join(table.column_names) or 'none'})",
                path=path,
                remedy="Write t0 in ns UTC, and side as 1, -1 or 0",
            )
        column = table.column(name)
        if not pa.types.is_integer(column.type) or column.null_count:
            raise DataFormatError(
                f"column {name} is of {column.type} with {column.null_count} values missing, expected whole numbers",
                path=path,
            )
        columns.append(column.to_numpy().astype(np.int64))
    return Sides(columns[0], columns[1], str(path))
