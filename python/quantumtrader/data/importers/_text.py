"""Delimited text in bounded memory: encodings, line numbers, rows with too few or too many cells."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from quantumtrader.data.importers.base import Int64, Rejected
from quantumtrader.exceptions import DataError, DataFormatError, EmptyDataError

_BLOCK = 8 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(slots=True)
class TextChunk:
    """Some rows of a delimited file.

    Parameters
    ----------
    columns : dict of str to Array of string
        Cells as written.
    lines : ndarray of int64
        1-based line of each row.
    rejected : list of Rejected
        Lines of this part with the wrong number of cells.
    """

    columns: dict[str, pa.Array]
    lines: Int64
    rejected: list[Rejected]


def detect_encoding(path: Path, stream: IO[bytes] | None = None) -> str:
    """Tell the encoding: byte-order mark, else UTF-8 if every byte fits, else cp1252."""
    with path.open("rb") if stream is None else stream as file:
        decoder = codecs.getincrementaldecoder("utf-8")()
        block = file.read(_BLOCK)
        for bom, encoding in _BOMS:
            if block.startswith(bom):
                return encoding
        try:
            while block:
                decoder.decode(block)
                block = file.read(_BLOCK)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def head(path: Path, lines: int = 3, size: int = 16_384) -> list[str]:
    """Return the first lines of a text file, without line ends; empty for an empty file."""
    with path.open("rb") as file:
        block = file.read(size)
    encoding = next((e for bom, e in _BOMS if block.startswith(bom)), "utf-8")
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(block).removeprefix("\ufeff")
    except UnicodeDecodeError:
        text = block.decode("cp1252", errors="replace")
    return text.splitlines()[:lines]


def must_be_file(path: Path) -> None:
    """Check that there is a file with something in it.

    Raises
    ------
    DataError
        It does not exist, or is a folder.
    EmptyDataError
        It has no bytes.
    """
    if not path.exists():
        raise DataError("no such file or folder", path=path, remedy="Check the path")
    if path.is_dir():
        raise DataError("is a folder, expected a file", path=path, remedy="Name one of its files")
    if path.stat().st_size == 0:
        raise EmptyDataError("the file is empty", path=path, remedy="Export or download it again")


def read_delimited(
    path: Path,
    names: list[str],
    *,
    delimiter: str,
    skip_lines: int,
    encoding: str | None = None,
    stream: Any = None,
) -> Iterator[TextChunk]:
    """Read a delimited file as text, block by block.

    Parameters
    ----------
    path : Path
        The file, or the archive that ``stream`` was opened from.
    names : list of str
        One name per column; a line with another number of cells is rejected.
    delimiter : str
        One character.
    skip_lines : int
        Header lines.
    encoding : str, optional
        Detected when left out.
    stream : binary file, optional
        Read from here instead of from ``path``.

    Raises
    ------
    DataError
        The file cannot be read or decoded, or ends in the middle of a line.
    """
    if stream is None:
        must_be_file(path)
    torn: list[Rejected] = []

    def wrong_width(row: csv.InvalidRow) -> str:
        reason = f"{row.actual_columns} cells, expected {len(names)}; the file may be truncated"
        torn.append(Rejected(str(path), int(row.number or 0), "", row.text, reason))
        return "skip"

    try:
        reader = csv.open_csv(
            str(path) if stream is None else stream,
            read_options=csv.ReadOptions(
                column_names=names,
                skip_rows=skip_lines,
                use_threads=False,
                block_size=_BLOCK,
                encoding=encoding or detect_encoding(path),
            ),
            parse_options=csv.ParseOptions(
                delimiter=delimiter,
                quote_char=False,
                ignore_empty_lines=False,
                invalid_row_handler=wrong_width,
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
        line = skip_lines
        reported = 0
        for batch in reader:
            lines = _lines(line, batch.num_rows, {r.line for r in torn})
            line = int(lines[-1]) if len(lines) else line
            columns = {name: batch.column(name) for name in names}
            empty = [pc.equal(cells, "").to_numpy(zero_copy_only=False) for cells in columns.values()]
            keep = ~np.logical_and.reduce(empty)
            if not keep.all():  # blank lines hold nothing to reject
                columns = {name: col.filter(pa.array(keep)) for name, col in columns.items()}
            yield TextChunk(columns, lines[keep], torn[reported:])
            reported = len(torn)
        if reported < len(torn):
            none = {name: pa.array([], pa.string()) for name in names}
            yield TextChunk(none, np.zeros(0, np.int64), torn[reported:])
        if stream is None and torn and torn[-1].line > line and _is_cut(path):
            raise DataFormatError(
                f"the last line is cut short: {torn[-1].value!r} has {torn[-1].reason.split(';')[0]}",
                path=path,
                line=torn[-1].line,
                remedy="The file is truncated: export or copy it again, or delete that line to use the rest",
            )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            raise EmptyDataError("no rows after the header", path=path, remedy="Check the export") from error
        raise DataFormatError(f"cannot be read as delimited text: {error}", path=path) from error
    except UnicodeDecodeError as error:
        raise DataFormatError(f"is not {error.encoding} text at byte {error.start}", path=path) from error
    except OSError as error:
        raise DataError(
            f"cannot be read: {error.strerror or error}", path=path, remedy="Check the file"
        ) from error


def _is_cut(path: Path) -> bool:
    """Whether the last line has no end."""
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() not in (b"\n", b"\r", b"\0")


def _lines(after: int, count: int, torn: set[int]) -> Int64:
    """1-based numbers of the ``count`` lines that follow line ``after``, torn lines left out."""
    if not torn or max(torn) <= after:
        return np.arange(after + 1, after + 1 + count, dtype=np.int64)
    skipped = np.array(sorted(t for t in torn if t > after), np.int64)
    candidates = np.arange(after + 1, after + 1 + count + len(skipped), dtype=np.int64)
    return candidates[~np.isin(candidates, skipped)][:count]
