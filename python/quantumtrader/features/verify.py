"""Verification: the rows of a feature file, computed again from the recording that they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from quantumtrader._protocols import Float64, Int64
from quantumtrader.features.engine import FeatureEngine
from quantumtrader.features.files import Tail
from quantumtrader.features.guards import InputCounter
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.types import Events, FeatureFrame, Fitted, Instrument

__all__ = ["Difference", "Recomputed", "recompute"]

_CHUNK = 1 << 16
_RTOL, _ATOL = 1e-7, 1e-12


@dataclass(frozen=True, slots=True)
class Difference:
    """A column whose values are not those computed again.

    Parameters
    ----------
    name : str
        The column.
    rows : int
        Rows that differ.
    first_row : int
        The first of them.
    first_ns : int
        Its time, ns UTC.
    stored, computed : float
        Both values there.
    """

    name: str
    rows: int
    first_row: int
    first_ns: int
    stored: float
    computed: float


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What computing again has shown.

    Parameters
    ----------
    rows : int
        Rows compared.
    missing : int
        Rows of the table that the recording does not give.
    extra : int
        Rows that the recording gives after the last one of the table.
    exact : bool
        Whether values were compared to the bit: both from the same engine. Those of the two engines are the same
        to 1e-7 relative.
    differences : tuple of Difference
        Columns that differ.
    manifest : tuple of str
        In which ways this installation's features are not those of the table; see ``FeatureManifest.differences``.
    first_other_ns : int or None
        Time of the first row that the recording gives at another time; nothing was compared from there on.
    arrived : ndarray of int64, shape (rows, 4)
        What each row had seen, for ``FeatureGuard.observe_many``.
    """

    rows: int
    missing: int
    extra: int
    exact: bool
    differences: tuple[Difference, ...]
    manifest: tuple[str, ...]
    first_other_ns: int | None
    arrived: Int64 = field(repr=False)

    @property
    def equal(self) -> bool:
        """Whether every row of the table is what the recording gives."""
        return not (self.differences or self.missing or self.first_other_ns is not None)


def recompute(
    frame: FeatureFrame,
    parts: Iterable[Events],
    instrument: Instrument,
    *,
    fitted: Fitted | Path | str | Sequence[Path | str] | None = None,
    advance: Callable[[float], None] | None = None,
) -> Recomputed:
    """Compute the rows of a table again, as its manifest says, and compare.

    Parameters
    ----------
    frame : FeatureFrame
        With its manifest.
    parts : iterable of Events
        The recording, session markers included.
    instrument : Instrument
        What it is about.
    fitted : Fitted, path, or list of paths, optional
        The fits that the table was computed with; others are a difference of the manifest.
    advance : callable, optional
        Called with the number of events done since the last call.

    Raises
    ------
    ManifestError
        If the table carries no manifest.
    DataError
        If the events cannot be used.
    """
    manifest = FeatureManifest.of_frame(frame)
    engine = FeatureEngine.for_manifest(manifest, instrument, fitted=fitted, require_fits=False)
    mine = engine.manifest
    comparing = _Comparison(frame, exact=(mine.engine, mine.version) == (manifest.engine, manifest.version))
    counter = InputCounter()
    tail = Tail(float(frame.metadata["tail_s"])) if "tail_s" in frame.metadata else None
    for part in parts:
        for start in range(0, len(part), _CHUNK):
            piece = part[start : start + _CHUNK]
            engine.update_many(piece)
            rows, seen = engine.take_counted()
            arrived = counter.add(piece, seen)
            if tail is not None:
                keep = ~tail.find(piece, rows.times, seen)
                rows = FeatureFrame(rows.names, rows.times[keep], rows.values[keep], rows.metadata)
                arrived = arrived[keep]
            comparing.add(rows, arrived)
            if advance is not None:
                advance(len(piece))
    return comparing.result(manifest.differences(mine))


class _Comparison:
    """Lays rows computed again beside those of a table, in order."""

    def __init__(self, frame: FeatureFrame, *, exact: bool) -> None:
        n = len(frame.names)
        self._frame, self._exact = frame, exact
        self._done = self._extra = 0
        self._other_ns: int | None = None
        self._arrived: list[Int64] = []
        self._count = np.zeros(n, np.int64)
        self._first = np.full(n, -1, np.int64)
        self._values = np.zeros(n)

    def add(self, rows: FeatureFrame, arrived: Int64) -> None:
        if self._other_ns is not None:
            return
        left = len(self._frame) - self._done
        self._extra += max(0, len(rows) - left)
        n = min(len(rows), left)
        here = slice(self._done, self._done + n)
        other = np.flatnonzero(self._frame.times[here] != rows.times[:n])
        if len(other):
            n = int(other[0])
            self._other_ns = int(rows.times[n])
        stored, computed = self._frame.values[self._done : self._done + n], rows.values[:n]
        differs = self._differs(stored, computed)
        for k in np.flatnonzero(differs.any(axis=0)):
            if self._first[k] < 0:
                row = int(differs[:, k].argmax())
                self._first[k], self._values[k] = self._done + row, computed[row, k]
        self._count += differs.sum(axis=0)
        self._arrived.append(arrived[:n])
        self._done += n

    def _differs(self, stored: Float64, computed: Float64) -> npt.NDArray[np.bool_]:
        differs: npt.NDArray[np.bool_]
        if self._exact:
            both = np.isnan(stored) & np.isnan(computed)
            bits = np.ascontiguousarray(stored).view(np.int64), np.ascontiguousarray(computed).view(np.int64)
            differs = (bits[0] != bits[1]) & ~both
        else:
            differs = ~np.isclose(stored, computed, rtol=_RTOL, atol=_ATOL, equal_nan=True)
        return differs

    def result(self, manifest: tuple[str, ...]) -> Recomputed:
        frame = self._frame
        differences = tuple(
            Difference(
                frame.names[k],
                int(self._count[k]),
                int(self._first[k]),
                int(frame.times[self._first[k]]),
                float(frame.values[self._first[k], k]),
                float(self._values[k]),
            )
            for k in np.flatnonzero(self._count)
        )
        arrived = np.concatenate(self._arrived) if self._arrived else np.zeros((0, 4), np.int64)
        missing = len(frame) - self._done if self._other_ns is None else 0
        return Recomputed(
            self._done, missing, self._extra, self._exact, differences, manifest, self._other_ns, arrived
        )
