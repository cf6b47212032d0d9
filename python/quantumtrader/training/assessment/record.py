"""What a model's out-of-fold record says, without the rows it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import DataFormatError
from quantumtrader.training.assessment.quality import Quality, pooled_quality
from quantumtrader.training.assessment.scores import said
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.spans import Spans
from quantumtrader.training.weights import average_uniqueness

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["RecordFacts", "RecordSlice", "judge_record"]

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RecordSlice:
    """Rows of one regime.

    Parameters
    ----------
    name : str
        The regime.
    rows, sessions : int
    n_eff : float
        Effective number of rows.
    edge : Interval or None
        Nats per row; None where insufficient.
    """

    name: str
    rows: int
    sessions: int
    n_eff: float
    edge: Interval | None


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """Scores of predictions whose outcome is known.

    The base rate here is the share of the classes among these very rows: a little more than a model could know, and so a
    little harder to beat than in the training's report.

    Parameters
    ----------
    first, last : str
        Dates of the first and the last session.
    rows, predicted, sessions : int
        Rows of the record, those with a prediction, and their sessions.
    n_eff : float
        Effective number of them.
    edge : Interval or None
        Log loss of the base rate less the model's, in nats per row; None where insufficient.
    quality : Quality or None
        Brier score, log loss, reliability; None where insufficient.
    regimes : tuple of RecordSlice
    """

    first: str
    last: str
    rows: int
    predicted: int
    sessions: int
    n_eff: float
    edge: Interval | None
    quality: Quality | None
    regimes: tuple[RecordSlice, ...]


def judge_record(table: pa.Table, classes: tuple[int, ...]) -> RecordFacts:
    """Judge a table of predictions.

    Parameters
    ----------
    table : pyarrow.Table
        Columns ``t0``, ``t1``, ``session``, ``y``, ``p_<class>`` for each class, and ``regime`` where known. Rows without a
        prediction are NaN.
    classes : tuple of int
        Of the model.

    Raises
    ------
    DataFormatError
        A column is missing, or a row has another class.
    """
    wanted = ("t0", "t1", "session", "y", *(f"p_{c}" for c in classes))
    absent = [name for name in wanted if name not in table.column_names]
    if absent:
        raise DataFormatError(f"out-of-fold record: there is no column {', '.join(absent)}")
    column = {name: _values(table, name) for name in wanted}
    p = np.column_stack([column[f"p_{c}"].astype(np.float64) for c in classes])
    order = np.argsort(classes)
    known = np.flatnonzero(~np.isnan(p).any(axis=1))
    y = column["y"][known].astype(np.int64)
    odd = y[~np.isin(y, classes)]
    if len(odd):
        raise DataFormatError(f"out-of-fold record: class {odd[0]} is none of {classes}")
    spans = Spans(*(column[name][known].astype(np.int64) for name in ("t0", "t1", "session")))
    if not len(known):
        raise DataFormatError("out-of-fold record: no row has a prediction")
    p, ordered = p[known][:, order], np.array(classes)[order]
    outcome, weights = np.searchsorted(ordered, y), average_uniqueness(spans)
    share = np.bincount(outcome, weights, len(classes)) + 0.5
    base = np.broadcast_to(share / share.sum(), p.shape)
    row = np.arange(len(y))
    gained = np.log(np.maximum(p[row, outcome], 1e-12)) - np.log(base[row, outcome])
    edge = said(gained, spans.session, weights)
    parts = []
    if "regime" in table.column_names:
        names = np.array([n or "" for n in table.column("regime").to_pylist()], np.str_)[known]
        for name in map(str, np.unique(names)):
            inside = names == name
            day, w = spans.session[inside], weights[inside]
            if name:
                parts.append(
                    RecordSlice(
                        name,
                        int(inside.sum()),
                        len(np.unique(day)),
                        float(w.sum()),
                        said(gained[inside], day, w),
                    )
                )
    days = spans.sessions.astype("datetime64[D]")
    return RecordFacts(
        first=str(days[0]),
        last=str(days[-1]),
        rows=table.num_rows,
        predicted=len(known),
        sessions=len(days),
        n_eff=float(weights.sum()),
        edge=edge,
        quality=None if edge is None else pooled_quality(p, base, outcome, weights, ordered.tolist()),
        regimes=tuple(parts),
    )


def _values(table: pa.Table, name: str) -> npt.NDArray[Any]:
    return np.asarray(table.column(name).to_numpy())
