"""Data sets: feature rows with labels, that refuse to exist when they could deceive."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.data.sessions import session_days
from quantumtrader.exceptions import ConfigError, DataError, EmptyDataError
from quantumtrader.features import FeatureEngine, FeatureManifest
from quantumtrader.training.labels.base import Labels
from quantumtrader.training.labels.path import PathBuilder, PricePath
from quantumtrader.training.labels.round_trip import RoundTrips
from quantumtrader.training.rows import Replayer, Rows, require_past
from quantumtrader.training.seen import useless_features
from quantumtrader.training.spans import Spans
from quantumtrader.training.weights import average_uniqueness
from quantumtrader.types import Events, Instrument, Kind

__all__ = [
    "Dataset",
    "Labeller",
    "Sufficiency",
    "broken_sessions",
    "build_dataset",
    "gap_sessions",
    "sufficiency_of",
]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

Labeller = Callable[[PricePath, Rows], Labels]
"""Labels the rows of some sessions."""
Payer = Callable[[PricePath, Int64], RoundTrips]
"""Says what trading at decision times would have brought."""

LEAST_SESSIONS = 20
LEAST_EFFECTIVE = 500.0
_TOLD = 8  # names in a message


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """Whether there is enough to say anything; when not, ``reasons`` is not empty."""

    reasons: tuple[str, ...] = ()

    @property
    def sufficient(self) -> bool:
        """No reason against it."""
        return not self.reasons

    def __str__(self) -> str:
        return "sufficient" if self.sufficient else "insufficient: " + "; ".join(self.reasons)


def sufficiency_of(
    spans: Spans, sessions: int = LEAST_SESSIONS, effective: float = LEAST_EFFECTIVE
) -> Sufficiency:
    """Say whether labels of these spans are enough to judge a model by."""
    reasons = []
    count, weight = len(spans.sessions), float(average_uniqueness(spans).sum())
    if count < sessions:
        reasons.append(f"{count} sessions, at least {sessions} are needed")
    if weight < effective:
        reasons.append(f"{weight:.0f} effective rows, at least {effective:.0f} are needed")
    return Sufficiency(tuple(reasons))


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled rows, in the order of their decisions.

    Parameters
    ----------
    X : ndarray of float64, shape (n, features)
        NaN where a feature is missing.
    y : ndarray, shape (n,)
        Class (int64).
    spans : Spans
        From decision to the last look of the label.
    ts_feature_max : ndarray of int64, shape (n,)
        Greatest exchange time behind a row; a row after its decision is refused.
    manifest : FeatureManifest
        What the columns are, and of which engine.
    label : str
        Kind of label.
    measured_from : dict
        What the label depends on.
    trips : RoundTrips, optional
        What trading at each row would have brought.
    dropped : dict of str to int
        Rows without a label, by reason.
    symbol : str
        Instrument.
    seal : str
        ``sha256`` when the rows were made: :func:`build_dataset` sets it, and :meth:`derived` sets it anew. Empty for rows
        that come from no replay: nothing is evaluated on those.

    Raises
    ------
    DataError
        Shapes differ, a value is infinite, a row looks ahead, or the rows are not those that were sealed.
    """

    X: Float64
    y: npt.NDArray[Any]
    spans: Spans
    ts_feature_max: Int64
    manifest: FeatureManifest
    label: str
    measured_from: Mapping[str, Any]
    trips: RoundTrips | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)
    symbol: str = ""
    seal: str = ""

    def __post_init__(self) -> None:
        n = len(self.spans)
        if self.X.shape != (n, len(self.names)) or self.y.shape != (n,) or self.ts_feature_max.shape != (n,):
            raise DataError(
                f"data set: {self.X.shape} values, {self.y.shape} labels, {self.ts_feature_max.shape} times for "
                f"{n} spans and {len(self.names)} features"
            )
        infinite = np.isinf(self.X).any(axis=0)
        if infinite.any():
            raise DataError(f"data set: {self.names[int(infinite.argmax())]} is infinite; missing is NaN")
        require_past(self.spans.t0, self.ts_feature_max)
        if self.seal:
            self.require_sealed()

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def names(self) -> tuple[str, ...]:
        """Features, in column order."""
        return self.manifest.names

    @property
    def classes(self) -> Int64:
        """Classes, ascending."""
        return np.unique(self.y)

    @property
    def n_eff(self) -> float:
        """Effective number of rows: the sum of average uniqueness."""
        return float(average_uniqueness(self.spans).sum())

    @property
    def sha256(self) -> str:
        """Hash of rows, labels and spans."""
        digest = hashlib.sha256(self.manifest.hash.encode())
        for part in (self.X, self.y, self.spans.t0, self.spans.t1, self.spans.session):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def take(self, rows: npt.NDArray[Any] | slice) -> Dataset:
        """Return some rows, in order."""
        return self.derived(
            X=self.X[rows],
            y=self.y[rows],
            spans=self.spans[rows],
            ts_feature_max=self.ts_feature_max[rows],
            trips=None if self.trips is None else self.trips[np.arange(len(self))[rows]],
        )

    def derived(self, **changes: Any) -> Dataset:
        """Return the set with some fields replaced, sealed anew if this one is.

        For steps that fit nothing: rows or columns are left out, labels moved. Whoever calls it says that no value of a
        row was made from another row; ``dataclasses.replace`` keeps the seal, and so refuses changed rows.
        """
        made = replace(self, **changes, seal="")
        return _sealed(made) if self.seal else made

    def require_sealed(self) -> None:
        """Refuse rows that are not as they were made.

        Raises
        ------
        DataError
            They come from no replay, or X, labels, spans or columns were changed after it.
        """
        if not self.seal:
            raise DataError(
                "data set: the rows carry no seal: they do not come from a replay",
                remedy="Make them with build_dataset",
            )
        if self.seal != self.sha256:
            raise DataError(
                "data set: values, labels, spans or columns were changed after the replay that made them; what was scaled "
                "or filled in with other rows has seen the test",
                remedy="Leave the rows as build_dataset made them; scaling and filling in belong into the model's fit",
            )

    def sufficiency(self, sessions: int = LEAST_SESSIONS, effective: float = LEAST_EFFECTIVE) -> Sufficiency:
        """Say whether there is enough to judge a model by."""
        return sufficiency_of(self.spans, sessions, effective)

    def require_usable(self) -> None:
        """Refuse what no model can learn from.

        Raises
        ------
        DataError
            A feature is constant or missing throughout, or there is one class only; the message names it.
        """
        if not len(self):
            raise EmptyDataError("data set: no row has a label" + _why(self.dropped))
        if len(self.classes) < 2:
            raise DataError(
                f"data set: one class only ({self.classes[0]}) among {len(self)} rows of {self.label}",
                remedy="Use more sessions, a longer horizon or a smaller dead zone",
            )
        odd = useless_features(self.X, self.names)
        if odd:
            shown = ", ".join(f"{name} ({what})" for name, what in list(odd.items())[:_TOLD])
            more = f" and {len(odd) - _TOLD} more" if len(odd) > _TOLD else ""
            raise DataError(
                f"data set: features that say nothing: {shown}{more}",
                remedy="Leave them out of the engine's names, or record what they need",
            )


def build_dataset(
    events: Events | Iterable[Events],
    engine: FeatureEngine,
    label: Labeller,
    *,
    payer: Payer | None = None,
    spread_ticks: float | None = None,
    gaps: str = "refuse",
    checks: int = 4,
    usable: bool = True,
) -> Dataset:
    """Replay events, and label the rows.

    Parameters
    ----------
    events : Events, or iterable of Events
        A stream with session markers; parts are whole sessions, as ``quantumtrader.data.stream`` gives them.
    engine : FeatureEngine
        Its manifest becomes that of the data set.
    label : Labeller
        Called once per part.
    payer : Payer, optional
        With it rows know what trading would have brought.
    spread_ticks : float, optional
        Assumed around prints and bars, see ``PathBuilder``.
    gaps : str
        ``refuse``: a gap marker is an error; ``drop``: sessions with one are left out, and counted.
    checks : int
        Rows of each part that are computed again from their past alone, see ``Replayer``.
    usable : bool
        Whether a feature that says nothing, or one class only, is an error here; evaluation refuses them in any case.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        Contracts are mixed without a roll, there is a gap, rows look ahead, features say nothing, or there is one
        class only.
    """
    if gaps not in ("refuse", "drop"):
        raise ConfigError(f'gaps is "{gaps}"; expected "refuse" or "drop"')
    replayer, builder = Replayer(engine, checks), PathBuilder(engine.instrument, spread_ticks)
    parts: list[Dataset] = []
    seen: set[int] = set()
    for part in [events] if isinstance(events, np.ndarray) else events:
        if not len(part):
            continue
        path = builder.add(part)
        days = set(np.unique(path.segment_session).tolist())
        if days & seen:
            raise DataError(
                f"a session comes in several parts: {_date(min(days & seen))}",
                remedy="Give whole sessions per part",
            )
        seen |= days
        rows = replayer.add(part)
        broken = broken_sessions(part, engine.instrument, gaps)
        made = _part(rows, label(path, rows), path, payer, engine.instrument.symbol)
        if len(broken):
            kept = ~np.isin(made.spans.session, broken)
            lost = {"session with a gap": int((~kept).sum())}
            made = made.take(np.flatnonzero(kept)).derived(dropped=_sum([made.dropped, lost]))
        parts.append(made)
    if not parts:
        raise EmptyDataError("data set: there are no events")
    found = _sealed(_joined(parts))
    if usable:
        found.require_usable()
    return found


def _sealed(data: Dataset) -> Dataset:
    object.__setattr__(data, "seal", data.sha256)  # nobody else has this set yet
    return data


def _part(rows: Rows, labels: Labels, path: PricePath, payer: Payer | None, symbol: str) -> Dataset:
    if len(labels.rows) and not (labels.spans.t0 == rows.times[labels.rows]).all():
        raise DataError(f"labels of {labels.name} are not of the rows' decisions")
    trips = None if payer is None else payer(path, rows.times)[labels.rows]
    values = rows.frame.values[labels.rows]
    return Dataset(
        X=values,
        y=labels.y,
        spans=labels.spans,
        ts_feature_max=rows.ts_feature_max[labels.rows],
        manifest=rows.manifest,
        label=labels.name,
        measured_from=labels.measured_from,
        trips=trips,
        dropped=labels.dropped,
        symbol=symbol,
    )


def gap_sessions(events: Events, instrument: Instrument) -> Int64:
    """Return the sessions with a gap marker, as days since 1970."""
    marks = events[events["kind"] == Kind.GAP]
    return np.unique(session_days(marks["ts_event"].astype(np.int64), instrument))


def broken_sessions(events: Events, instrument: Instrument, gaps: str) -> Int64:
    """Return the sessions with a gap marker, as days since 1970; an error when gaps are refused.

    Raises
    ------
    DataError
        ``gaps`` is ``refuse``, and there is one.
    """
    days = gap_sessions(events, instrument)
    if len(days) and gaps == "refuse":
        marks = events[events["kind"] == Kind.GAP]
        raise DataError(
            f"events were lost on {_date(int(days[0]))} (sequence {marks['sequence'][0]}): features and labels "
            "around it are wrong",
            remedy='Record that session again, or leave such sessions out with gaps="drop"',
        )
    return days


def _joined(parts: list[Dataset]) -> Dataset:
    first = parts[0]
    # A latency draw or a measured pace may differ by part; what the label is may not.
    for other in parts[1:]:
        if other.label != first.label or other.measured_from != first.measured_from:
            raise DataError(
                f"labels change between parts: {first.label} {dict(first.measured_from)} and {other.label} "
                f"{dict(other.measured_from)}",
                remedy="Measure pace and dead zone once, before",
            )
    spans = Spans(*(np.concatenate([getattr(p.spans, f) for p in parts]) for f in ("t0", "t1", "session")))
    trips = None
    if first.trips is not None:
        given = [p.trips for p in parts if p.trips is not None]
        trips = RoundTrips(
            *(
                np.concatenate([getattr(t, f) for t in given])
                for f in ("buy_ticks", "sell_ticks", "buy_left", "sell_left")
            )
        )
    return replace(
        first,
        X=np.concatenate([p.X for p in parts]),
        y=np.concatenate([p.y for p in parts]),
        spans=spans,
        ts_feature_max=np.concatenate([p.ts_feature_max for p in parts]),
        trips=trips,
        dropped=_sum([p.dropped for p in parts]),
    )


def _sum(counts: list[Mapping[str, int]]) -> dict[str, int]:
    out: dict[str, int] = {}
    for some in counts:
        for reason, count in some.items():
            out[reason] = out.get(reason, 0) + count
    return out


def _why(dropped: Mapping[str, int]) -> str:
    return "".join(f"; {count} rows: {reason}" for reason, count in dropped.items())


def _date(day: int) -> str:
    return str(np.datetime64(day, "D"))
