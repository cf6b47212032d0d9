"""Golden rows and golden events: what a model and a feature engine must reproduce before they may work together.

Golden rows are rows of the training data with the scores that the model gave them. Golden events are a stretch of the
recording with the feature rows that the engine computed from it; a running engine that gives one other bit is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import DataError, ManifestError, ModelError
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.models.arrays import pack_arrays, unpack_arrays
from quantumtrader.models.manifest import ModelManifest
from quantumtrader.models.scorers import Scorer
from quantumtrader.types import EVENT, Events

if TYPE_CHECKING:
    from quantumtrader.features.fit.artifact import Fits

__all__ = ["EVENTS_FILE", "ROWS", "ROWS_FILE", "GoldenEvents", "GoldenRows"]

Float64 = npt.NDArray[np.float64]
ROWS = 512
"""Golden rows of a model, fewer where there are fewer rows."""
EVENTS = 50_000
"""Golden events, at most."""
ROWS_FILE, EVENTS_FILE = "golden.npz", "golden_events.npz"
TOLERANCE = 1e-6
"""On scores that depend on the order of sums."""


@dataclass(frozen=True, slots=True)
class GoldenRows:
    """Rows and their raw scores.

    Parameters
    ----------
    rows : ndarray of float64, shape (n, n_features)
        NaN as they were.
    raw : ndarray of float64, shape (n, n_scores)
        What the model gave.
    """

    rows: Float64
    raw: Float64

    @classmethod
    def of(cls, rows: Float64, scorer: Scorer) -> GoldenRows:
        """Choose rows over the whole data, and score them."""
        if not len(rows):
            raise ModelError("golden rows: there are no rows to choose from")
        places = np.unique(np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).round().astype(np.int64))
        chosen = np.ascontiguousarray(rows[places], np.float64)
        return cls(chosen, scorer.raw(chosen))

    def to_bytes(self) -> bytes:
        """Return the file."""
        return pack_arrays({"rows": self.rows, "raw": self.raw})

    @classmethod
    def from_bytes(cls, data: bytes) -> GoldenRows:
        """Read what :meth:`to_bytes` wrote."""
        arrays = unpack_arrays(data, ROWS_FILE)
        rows, raw = (arrays.get(name) for name in ("rows", "raw"))
        if rows is None or raw is None or rows.ndim != 2 or raw.ndim != 2 or not 0 < len(rows) == len(raw):
            raise ModelError(f"{ROWS_FILE} does not hold rows and their scores")
        if rows.dtype != np.float64 or raw.dtype != np.float64:
            raise ModelError(f"{ROWS_FILE} does not hold float64")
        return cls(rows, raw)

    def check(self, scorer: Scorer, names: tuple[str, ...]) -> None:
        """Refuse a model that scores them differently.

        Raises
        ------
        ModelError
            Names the first row, with both scores.
        """
        if self.rows.shape[1] != len(names):
            raise ModelError(f"{ROWS_FILE} has {self.rows.shape[1]} columns, the manifest {len(names)}")
        found = scorer.raw(self.rows)
        if found.shape != self.raw.shape:
            raise ModelError(f"golden rows: scores of shape {found.shape}, expected {self.raw.shape}")
        wrong = np.where(
            scorer.exact_scores,
            _bits_differ(found, self.raw),
            ~np.isclose(found, self.raw, rtol=0, atol=TOLERANCE, equal_nan=True),
        )
        if wrong.any():
            k, j = (int(x) for x in np.argwhere(wrong)[0])
            raise ModelError(
                f"golden rows: {int(wrong.any(axis=1).sum())} of {len(found)} have other scores; row {k}: "
                f"{found[k, j]!r}, expected {self.raw[k, j]!r}",
                remedy="The model is evaluated differently here: train it again with this version",
            )


@dataclass(frozen=True, slots=True)
class GoldenEvents:
    """Events and the feature rows that came of them.

    Parameters
    ----------
    events : Events, shape (n_events,)
        From the state of a new engine on.
    times : ndarray of int64, shape (n_rows,)
        ns UTC.
    values : ndarray of float64, shape (n_rows, n_features)
        In the order of the manifest.
    """

    events: Events
    times: npt.NDArray[np.int64]
    values: Float64

    @classmethod
    def of(cls, events: Events, manifest: ModelManifest, fits: Fits | None = None) -> GoldenEvents:
        """Take the beginning of a recording through the engine that the manifest describes, with the fits of its training.

        Raises
        ------
        ModelError
            If no row comes of it, or the engine is not that of the manifest.
        """
        chosen = np.ascontiguousarray(events[:EVENTS])
        times, values = _replay(chosen, manifest, fits)
        if not len(times):
            raise ModelError(
                f"golden events: no row in {len(chosen)} events; give the beginning of a whole session"
            )
        return cls(chosen, times, values)

    def to_bytes(self) -> bytes:
        """Return the file."""
        return pack_arrays({"events": self.events, "times": self.times, "values": self.values})

    @classmethod
    def from_bytes(cls, data: bytes) -> GoldenEvents:
        """Read what :meth:`to_bytes` wrote."""
        arrays = unpack_arrays(data, EVENTS_FILE)
        if arrays.keys() != {"events", "times", "values"}:
            raise ModelError(f"{EVENTS_FILE} does not hold events and their rows")
        events, times, values = arrays["events"], arrays["times"], arrays["values"]
        fits = events.dtype == EVENT and times.dtype == np.int64 and values.dtype == np.float64
        if not fits or values.ndim != 2 or not 0 < len(times) == len(values):
            raise ModelError(f"{EVENTS_FILE} does not hold events and their rows")
        return cls(events, times, values)

    def check(self, manifest: ModelManifest, fits: Fits | None = None) -> None:
        """Refuse a running engine that gives other rows, with the fits of the model.

        Raises
        ------
        ModelError
            Names the first feature, its row, and both values.
        """
        names = manifest.features.names
        times, values = _replay(self.events, manifest, fits)
        if self.values.shape[1] != len(names):
            raise ModelError(f"{EVENTS_FILE} has {self.values.shape[1]} columns, the manifest {len(names)}")
        if not np.array_equal(times, self.times):
            raise ModelError(
                f"golden events: the clock {manifest.features.clock} gives {len(times)} rows at other times than the "
                f"{len(self.times)} of the training"
            )
        wrong = _bits_differ(values, self.values)
        if wrong.any():
            k, j = (int(x) for x in np.argwhere(wrong)[0])
            columns = [names[c] for c in np.flatnonzero(wrong.any(axis=0))]
            what = tuple(f"{name} is computed differently" for name in columns)
            raise ModelError(
                f"golden events: the running engine computes {', '.join(columns[:6])}"
                f"{f' and {len(columns) - 6} more' if len(columns) > 6 else ''} differently; row {k}: {names[j]} is "
                f"{values[k, j]!r}, expected {self.values[k, j]!r}",
                remedy="Train the model again with this engine",
                differences=what,
            )

    def never_valid(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Columns without one number in these rows: of them the check says nothing."""
        return tuple(name for k, name in enumerate(names) if not np.isfinite(self.values[:, k]).any())


def _replay(
    events: Events, manifest: ModelManifest, fits: Fits | None
) -> tuple[npt.NDArray[np.int64], Float64]:
    try:
        _, engine = manifest.running_features(fits)
    except ManifestError as error:
        raise ModelError(f"golden events: {error}", differences=error.differences) from error
    running: FeatureManifest = engine.manifest
    differences = manifest.features.differences(running)
    if differences:
        raise ModelError(
            "the running feature engine is not that of the training: " + "; ".join(differences),
            remedy="Train the model again with this version, or run the version that trained it",
            differences=differences,
        )
    try:
        frame = engine.run(events)
    except DataError as error:
        raise ModelError(f"golden events: {error}") from error
    return frame.times, frame.values


def _bits_differ(found: Float64, expected: Float64) -> npt.NDArray[np.bool_]:
    """Where two arrays differ in a bit; one NaN is as good as another."""
    same = found.view(np.int64) == expected.view(np.int64)
    return np.asarray(~(same | (np.isnan(found) & np.isnan(expected))), np.bool_)
