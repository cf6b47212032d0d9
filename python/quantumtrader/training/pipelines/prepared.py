"""Rows that are ready to be learned from, and what was found out while they were made."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.data.sessions import session_days
from quantumtrader.exceptions import DataError, DataFormatError, EmptyDataError
from quantumtrader.features import FeatureEngine, FeatureManifest
from quantumtrader.models.bar_regimes import BarRegimes
from quantumtrader.models.folder import write_whole
from quantumtrader.models.manifest import columns_of
from quantumtrader.models.regimes import FEATURES as REGIME_FEATURES
from quantumtrader.models.regimes import RegimeAnalyzer
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.labels.round_trip import RoundTrips
from quantumtrader.training.pipelines.measured import Measured
from quantumtrader.training.rows import Rows
from quantumtrader.training.seen import SeenValues, useless_features
from quantumtrader.training.spans import Spans
from quantumtrader.types import Events, Instrument, empty_events

__all__ = ["Prepared", "RegimeTrack", "choose_features", "drop_unwarm", "drop_useless"]

Int64 = npt.NDArray[np.int64]
Names = npt.NDArray[np.str_]

_CHUNK = 20_000
_TRIPS = ("buy_ticks", "sell_ticks", "buy_left", "sell_left")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Labelled rows of the development sessions, with what belongs to each row.

    Parameters
    ----------
    data : Dataset
    regimes : ndarray of str, shape (rows,)
        Regime at the decision; empty where nobody could say.
    contracts : ndarray of str, shape (rows,)
        Contract in front; empty where unknown.
    may_be_missing : tuple of str
        Columns that are NaN in normal rows.
    left_out : mapping of str to str
        Features that the source cannot fill, and what they were instead.
    extra : mapping of str to ndarray
        Further numbers per row, by name.
    """

    data: Dataset
    regimes: Names
    contracts: Names
    may_be_missing: tuple[str, ...]
    left_out: Mapping[str, str]
    extra: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)

    def take(self, rows: npt.NDArray[Any]) -> Prepared:
        """Return some rows, in order."""
        return replace(
            self,
            data=self.data.take(rows),
            regimes=self.regimes[rows],
            contracts=self.contracts[rows],
            extra={k: v[rows] for k, v in self.extra.items()},
        )

    def save(self, folder: Path) -> None:
        """Write the files; ``about.json`` comes last and says that all are there."""
        data = self.data
        arrays: dict[str, npt.NDArray[Any]] = {
            "X": data.X,
            "y": data.y,
            "t0": data.spans.t0,
            "t1": data.spans.t1,
            "session": data.spans.session,
            "ts_feature_max": data.ts_feature_max,
            "regimes": self.regimes,
            "contracts": self.contracts,
            **{f"extra_{k}": v for k, v in self.extra.items()},
        }
        if data.trips is not None:
            arrays |= {f"trip_{name}": getattr(data.trips, name) for name in _TRIPS}
        for name, values in arrays.items():
            out = io.BytesIO()
            np.lib.format.write_array(out, np.ascontiguousarray(values), allow_pickle=False)
            write_whole(folder / f"{name}.npy", out.getvalue())
        about = {
            "manifest": data.manifest.to_json(),
            "label": data.label,
            "measured_from": dict(data.measured_from),
            "dropped": dict(data.dropped),
            "symbol": data.symbol,
            "may_be_missing": list(self.may_be_missing),
            "left_out": dict(self.left_out),
            "trips": data.trips is not None,
            "extra": sorted(self.extra),
            "sha256": data.sha256,
        }
        # Not sorted: a line of the ledger is the same bytes, whether the rows were made or read.
        text = json.dumps(about, indent=1, allow_nan=False) + "\n"
        write_whole(folder / "about.json", text.encode())

    @classmethod
    def load(cls, folder: Path) -> Prepared | None:
        """Read what :meth:`save` wrote; None where it is not there, or not to its end.

        Raises
        ------
        DataFormatError
            The rows are not those that were written.
        """
        file = folder / "about.json"
        if not file.exists():
            return None
        about = json.loads(file.read_bytes())

        def read(name: str) -> npt.NDArray[Any]:
            return np.asarray(np.load(folder / f"{name}.npy", allow_pickle=False))

        trips = RoundTrips(*(read(f"trip_{name}") for name in _TRIPS)) if about["trips"] else None
        try:
            data = Dataset(
                X=read("X"),
                y=read("y"),
                spans=Spans(read("t0"), read("t1"), read("session")),
                ts_feature_max=read("ts_feature_max"),
                manifest=FeatureManifest.from_json(about["manifest"]),
                label=about["label"],
                measured_from=about["measured_from"],
                trips=trips,
                dropped=about["dropped"],
                symbol=about["symbol"],
                seal=about["sha256"],
            )
        except DataError as error:
            raise DataFormatError(
                "the cached rows were changed", path=folder, remedy="Remove this folder: they are made again"
            ) from error
        extra = {name: read(f"extra_{name}") for name in about["extra"]}
        return cls(
            data,
            read("regimes"),
            read("contracts"),
            tuple(about["may_be_missing"]),
            about["left_out"],
            extra,
        )


class RegimeTrack:
    """Regimes along all rows of a replay, labelled or not: the analyzer hears every bar, as it does in trading."""

    def __init__(self) -> None:
        self._regimes = BarRegimes(RegimeAnalyzer())
        self._times: list[Int64] = []
        self._names: list[Names] = []

    def observe(self, rows: Rows) -> None:
        """Take the rows of a part; without the two features nobody can say."""
        if not all(name in rows.frame.names for name in REGIME_FEATURES):
            said = np.full(len(rows), "", dtype="U10")
        else:
            adx, alignment = (rows.frame[name].tolist() for name in REGIME_FEATURES)
            said = np.array(
                [
                    self._regimes.observe(t, a, b)
                    for t, a, b in zip(rows.times.tolist(), adx, alignment, strict=True)
                ],
                dtype="U10",
            )
        self._times.append(rows.times)
        self._names.append(said)

    def at(self, times: Int64) -> Names:
        """Return the regime at decision times."""
        every = np.concatenate(self._times)
        return np.concatenate(self._names)[np.searchsorted(every, times, "right") - 1]


def choose_features(
    names: str | tuple[str, ...],
    instrument: Instrument,
    clock: str,
    sessions: Iterable[Events],
    measured: Measured | None = None,
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Find out which features the source can fill, under the hours in force on its first session.

    Parameters
    ----------
    names : str or tuple of str
        A set, or features.
    instrument, clock
        Of the engine.
    sessions : iterable of Events
        Of the development part. All are looked at, unless every feature is seen to vary before: what comes late, such as
        the quotes of a later recording, is there as well.
    measured : Measured, optional
        Fits and thresholds.

    Returns
    -------
    names : tuple of str
        Those that are there and vary.
    left_out : dict of str to str
        The others: ``never there`` or ``always 0``.
    """
    parts = iter(sessions)
    first = next(parts, empty_events())
    day = session_days(first["ts_event"][:1], instrument).astype("datetime64[D]").tolist()
    given = measured or Measured()
    engine = FeatureEngine(
        names,
        instrument,
        clock=clock,
        day=day[0] if day else None,
        detectors=given.detectors,
        fitted=given.fitted,
    )
    engine.reset()
    seen = SeenValues(engine.names)
    for events in chain((first,), parts):
        for begin in range(0, len(events), _CHUNK):  # rows after every packet are many
            engine.update_many(events[begin : begin + _CHUNK])
            seen.add(engine.take().values)
        if seen.settled:
            break
    if not seen.rows:
        raise EmptyDataError(f"the clock {clock} gives no row", remedy="Choose a finer one (--clock)")
    left_out = seen.useless()
    return tuple(n for n in engine.names if n not in left_out), left_out


def drop_useless(data: Dataset) -> tuple[Dataset, dict[str, str]]:
    """Leave out the columns that say nothing among the labelled rows; returns what they were as well."""
    useless = useless_features(data.X, data.names)
    if not useless or len(useless) == len(data.names):
        return data, {}
    names = tuple(n for n in data.names if n not in useless)
    keep = [k for k, n in enumerate(data.names) if n not in useless]
    return data.derived(X=data.X[:, keep], manifest=columns_of(data.manifest, names)), useless


def drop_unwarm(data: Dataset) -> tuple[Dataset, Int64, tuple[str, ...]]:
    """Leave out rows that the served model would refuse: those that lack a column that normal rows have.

    Columns that are missing also after the first fifth of the sessions may be missing; the others are still warming up
    where they are.

    Returns
    -------
    data : Dataset
    rows : ndarray of int64
        The rows that are left.
    may_be_missing : tuple of str
    """
    absent = np.isnan(data.X)
    sessions = data.spans.sessions
    warm = data.spans.session >= sessions[min(len(sessions) // 5, len(sessions) - 1)]
    may = absent[warm].any(axis=0)
    rows = np.flatnonzero(~absent[:, ~may].any(axis=1))
    kept = data.take(rows)
    lost = len(data) - len(rows)
    if lost:
        kept = kept.derived(dropped={**data.dropped, "features warming up": lost})
    return kept, rows, tuple(n for n, m in zip(data.names, may, strict=True) if m)
