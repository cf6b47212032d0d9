"""Parquet sources: columns by name, with errors that say what is wrong with the file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from quantumtrader.exceptions import DataError, DataFormatError, EmptyDataError


def names(path: Path) -> list[str]:
    """Column names; empty when it is not a readable Parquet file."""
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError):
        return []


def table(path: Path, columns: list[str], *, may_be_empty: bool = False) -> pa.Table:
    """Read some columns.

    Raises
    ------
    DataFormatError
        The file is truncated, is not Parquet, or lacks a column.
    EmptyDataError
        It has no rows.
    """
    if not path.exists():
        raise DataError("no such file", path=path, remedy="Check the path; the set may be incomplete")
    if path.stat().st_size == 0:
        raise EmptyDataError("the file is empty", path=path, remedy="Download it again")
    try:
        schema = pq.read_schema(path)
        missing = [c for c in columns if c not in schema.names]
        if missing:
            raise DataFormatError(
                f"no column {', '.join(missing)}; it has {', '.join(schema.names)}",
                path=path,
                remedy="Check --format",
            )
        out = pq.read_table(path, columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataFormatError(
            f"is not a readable Parquet file ({str(error).splitlines()[0]})",
            path=path,
            remedy="It may be truncated: copy or download it again",
        ) from error
    if out.num_rows == 0 and not may_be_empty:
        raise EmptyDataError("no rows", path=path, remedy="Check the source")
    for column in columns:
        if out[column].null_count:
            raise DataFormatError(
                f"column {column} has {out[column].null_count} missing values",
                path=path,
                remedy="Check the source",
            )
    return out.combine_chunks()
