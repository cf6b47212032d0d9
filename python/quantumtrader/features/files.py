"""Feature files: a frame as Parquet, with its manifest in the schema's metadata.

One column ``ts`` (timestamp ns UTC), then one float64 column per feature in the order of the manifest; NaN stays
NaN. Arrow, pandas, polars and duckdb read it as it is.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from quantumtrader._protocols import Int64
from quantumtrader.exceptions import ConfigError, DataAccessError, DataFormatError
from quantumtrader.features.coverage import Coverage
from quantumtrader.features.engine import FeatureEngine
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.types import Events, FeatureFrame, Kind, Phase

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Computed", "FeatureFile", "Tail", "compute_to_file", "read_features"]

_CELLS = 1 << 21
"""Values that are held before a row group is written: 16 MiB of float64."""
_FEWEST_ROWS, _MOST_ROWS = 1_024, 131_072
_CHUNK = 1 << 16
_TAIL_S = 60.0
_BEGINNING = -(1 << 63)


def read_features(path: Path | str) -> FeatureFrame:
    """Read a feature file.

    Parameters
    ----------
    path : path
        Parquet with a column ``ts`` and float columns, such as ``quantumtrader features compute`` or a replay
        writes; a file of another origin has no manifest.

    Returns
    -------
    FeatureFrame
        The metadata of the file's schema included.

    Raises
    ------
    DataAccessError
        If there is no such file, or it may not be read.
    DataFormatError
        If the file is no feature file, or not what its manifest says.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    if path.is_dir():
        raise DataAccessError("is a folder", path=path, remedy="Name the Parquet file in it")
    if not path.is_file():
        raise DataAccessError("no such file", path=path, remedy="Check the path")
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        about = {
            k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items() if k != b"ARROW:schema"
        }
        columns = table.column_names
    except PermissionError as error:
        raise DataAccessError(
            "may not be read", path=path, remedy="Check the permissions of the file"
        ) from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataFormatError(
            f"is not readable as Parquet ({str(error).splitlines()[0]})",
            path=path,
            remedy="Compute it again: quantumtrader features compute",
        ) from error
    if "ts" not in columns or not pa.types.is_timestamp(table.schema.field("ts").type):
        raise DataFormatError("has no column `ts` of timestamps: it is not a feature file", path=path)
    names = tuple(name for name in columns if name != "ts")
    odd = [name for name in names if not pa.types.is_floating(table.schema.field(name).type)]
    if odd:
        raise DataFormatError(f"column {odd[0]} is not of floats: it is not a feature file", path=path)
    if table["ts"].null_count:
        first = table["ts"].is_null().index(True).as_py()
        raise DataFormatError(
            f"{table['ts'].null_count} rows have no time, the first is row {first}",
            path=path,
            remedy="Compute it again: quantumtrader features compute",
        )
    try:
        times = table["ts"].cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise DataFormatError(
            f"column ts has a time that no row has ({error})",
            path=path,
            remedy="Compute it again: quantumtrader features compute",
        ) from error
    values = np.empty((len(times), len(names)))
    for k, name in enumerate(names):
        values[:, k] = table[name].to_numpy()  # a null becomes NaN
    back = np.flatnonzero(times[1:] < times[:-1])
    if len(back):
        raise DataFormatError(f"time runs backwards in row {int(back[0]) + 1}", path=path)
    frame = FeatureFrame(names, np.ascontiguousarray(times, np.int64), values, about)
    if "manifest" in about:
        try:
            written = FeatureManifest.from_json(about["manifest"])
        except DataFormatError as error:
            raise DataFormatError(str(error), path=path) from error
        if written.names != names:
            raise DataFormatError(
                f"its columns are not those of its manifest: {_odd(written.names, names)}", path=path
            )
    return frame


def _odd(expected: Sequence[str], found: Sequence[str]) -> str:
    """Name the columns in which a table differs from its manifest."""
    lacking = [name for name in expected if name not in found]
    added = [name for name in found if name not in expected]
    texts = [f"it lacks {', '.join(lacking)}"] if lacking else []
    texts += [f"{', '.join(added)} stands only in the table"] if added else []
    for k, (wanted, name) in enumerate(zip(expected, found, strict=False)):
        if not texts and wanted != name:
            texts = [f"column {k} is {name}, and {wanted} in the manifest"]
    return " and ".join(texts) or "one stands twice"


class FeatureFile:
    """Writes a feature file frame by frame: a context manager that publishes the file when it ends without an error.

    Parameters
    ----------
    path : path
        The file; the folder is made when missing.
    overwrite : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    DataAccessError
        If the file exists and may not be replaced, or cannot be written. What was there before is untouched.
    """

    def __init__(self, path: Path | str, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self.rows = 0
        self._temporary = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex}.tmp")
        self._writer: Any = None
        self._held: list[FeatureFrame] = []
        self._held_rows = 0
        if self.path.is_dir():
            raise DataAccessError(
                "is a folder", path=self.path, remedy="Name the file in it: --out FOLDER/FILE"
            )
        if self.path.exists() and not overwrite:
            raise DataAccessError(
                "is there already",
                path=self.path,
                remedy="Replace it with --overwrite, or choose another --out",
            )

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(error) from error
        return self

    def add(self, frame: FeatureFrame) -> None:
        """Append the rows of a frame; every frame has the columns and the metadata of the first one."""
        if not len(frame) and (self._held or self._writer is not None):
            return
        self._held.append(frame)
        self._held_rows += len(frame)
        group = min(max(_CELLS // max(len(frame.names), 1), _FEWEST_ROWS), _MOST_ROWS)
        while self._held_rows >= group:
            self._flush(group)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                if self._held:
                    self._flush(max(self._held_rows, 1))
                self._close()
                if self._temporary.exists():
                    os.replace(self._temporary, self.path)
        except OSError as failure:
            raise self._failed(failure) from failure
        finally:
            self._close(ignore=True)
            with contextlib.suppress(OSError):  # it must not hide the error that led here
                self._temporary.unlink()

    def _flush(self, rows: int) -> None:
        """Write the first ``rows`` of what is held as one row group."""
        import pyarrow.parquet as pq

        first = self._held[0]
        times = np.concatenate([frame.times for frame in self._held])
        values = np.concatenate([frame.values for frame in self._held])
        table = FeatureFrame(first.names, times[:rows], values[:rows], first.metadata).to_arrow()
        try:
            if self._writer is None:
                self._writer = pq.ParquetWriter(
                    self._temporary, table.schema, compression="zstd", write_page_checksum=True
                )
            self._writer.write_table(table, row_group_size=max(len(table), 1))
        except OSError as error:
            raise self._failed(error) from error
        self.rows += len(table)
        rest = FeatureFrame(first.names, times[rows:], values[rows:], first.metadata)
        self._held, self._held_rows = ([rest] if len(rest) else []), len(rest)

    def _close(self, *, ignore: bool = False) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                writer.close()
            except OSError:
                if not ignore:
                    raise

    def _failed(self, error: OSError) -> DataAccessError:
        return DataAccessError(
            f"cannot be written ({error.strerror or error})",
            path=self.path,
            remedy="Check the disk and the permissions, or choose another --out",
        )


class Tail:
    """Finds the rows that come long after the last market record of their session, when the next event closes it.

    A recording that stops before the close says nothing about the hours until then, but a grid goes on to the close.

    Parameters
    ----------
    seconds : float
        How long after the last record rows still count.
    """

    def __init__(self, seconds: float) -> None:
        if not seconds >= 0:
            raise ConfigError(f"tail_s is {seconds}; expected 0 or more")
        self._ns = seconds * 1e9
        self._last = _BEGINNING
        self._events = 0

    def find(self, events: Events, times: Int64, seen: Int64) -> npt.NDArray[np.bool_]:
        """Say which rows are beyond the end of what is known.

        Parameters
        ----------
        events : Events, shape (n,)
            Those that the engine was given last; every slice of the stream in its turn.
        times : ndarray of int64, shape (n_rows,)
            Times of the rows that became due, ns UTC.
        seen : ndarray of int64, shape (n_rows,)
            Events applied when each was read.

        Returns
        -------
        ndarray of bool, shape (n_rows,)
        """
        market = ~np.isin(events["kind"], (Kind.SESSION, Kind.TIMER, Kind.GAP))
        stamps = np.where(market, events["ts_event"], _BEGINNING)
        last = np.maximum.accumulate(np.concatenate(([self._last], stamps)))
        closes = np.append((events["kind"] == Kind.SESSION) & (events["action"] == Phase.CLOSED), False)
        places = seen - self._events
        self._last, self._events = int(last[-1]), self._events + len(events)
        known = last[places] > _BEGINNING
        return np.asarray(closes[places] & known & (times - np.where(known, last[places], 0) > self._ns))


@dataclass(frozen=True, slots=True)
class Computed:
    """What :func:`compute_to_file` did.

    Parameters
    ----------
    path : Path
        The file.
    events : int
        Events read, session markers included.
    rows : int
        Rows written.
    first_ns, last_ns : int or None
        Time of the first and last row, ns UTC; None without rows.
    tail_rows : int
        Rows that come more than ``tail_s`` (a minute by default) after the last record of their session: left out
        if ``tail_s`` was given, else written.
    without_values : tuple of str
        Columns that are NaN in every row written.
    zero_without_input : dict of str to tuple of str
        Input that the recording never had, as :func:`~quantumtrader.features.guards.absent_inputs` names it, to the
        columns that read it and are 0 throughout.
    """

    path: Path
    events: int
    rows: int
    first_ns: int | None
    last_ns: int | None
    tail_rows: int
    without_values: tuple[str, ...] = ()
    zero_without_input: dict[str, tuple[str, ...]] = field(default_factory=dict)


def compute_to_file(
    parts: Iterable[Events],
    engine: FeatureEngine,
    path: Path | str,
    *,
    overwrite: bool = False,
    tail_s: float | None = None,
    advance: Callable[[float], None] | None = None,
) -> Computed:
    """Compute features over a stream that comes in parts, and write them as they come.

    The file holds what ``engine.run`` gives for the whole stream, bit for bit. Memory holds one part of the
    stream, the rows of one slice of it, and one row group.

    Parameters
    ----------
    parts : iterable of Events
        In stream order.
    engine : FeatureEngine
        Reset first.
    path : path
        The Parquet file.
    overwrite : bool
        Whether a file that is there may be replaced.
    tail_s : float, optional
        Leave out rows that come more than so many seconds after the last market record of their session: where a
        recording stops before the close, nothing stands behind them. The file says so. By default all are kept.
    advance : callable, optional
        Called with the number of events done since the last call.

    Raises
    ------
    DataAccessError
        If the file cannot be written.
    DataError
        If the events cannot be used; no file is left then.
    """
    engine.reset()
    # With the clock `event` a slice makes as many rows: their values shall fit in the memory of a row group.
    size = min(max(_CELLS // len(engine.names), _FEWEST_ROWS), _CHUNK)
    events, tail_rows, first, last = 0, 0, None, None
    coverage = Coverage(engine.names)
    tail = Tail(_TAIL_S if tail_s is None else tail_s)
    with FeatureFile(path, overwrite=overwrite) as file:
        empty = engine.take()  # a file without rows has its columns and its manifest as well
        about = empty.metadata if tail_s is None else {**empty.metadata, "tail_s": f"{tail_s:g}"}
        file.add(FeatureFrame(empty.names, empty.times, empty.values, about))
        for part in parts:
            for start in range(0, len(part), size):
                piece = part[start : start + size]
                engine.update_many(piece)
                frame, seen = engine.take_counted()
                beyond = tail.find(piece, frame.times, seen)
                tail_rows += int(beyond.sum())
                if tail_s is not None and beyond.any():
                    frame = FeatureFrame(frame.names, frame.times[~beyond], frame.values[~beyond], about)
                if len(frame):
                    first = int(frame.times[0]) if first is None else first
                    last = int(frame.times[-1])
                file.add(frame)
                coverage.add(piece, frame)
                if advance is not None:
                    advance(len(piece))
            events += len(part)
    return Computed(
        Path(path),
        events,
        file.rows,
        first,
        last,
        tail_rows,
        coverage.without_values(),
        coverage.zero_without_input(),
    )
