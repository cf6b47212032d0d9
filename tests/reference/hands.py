"""Data sets and evaluations of a few rows, whose numbers can be computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from quantumtrader.features import FeatureManifest
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.dataset import Dataset, Sufficiency
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.labels import RoundTrips
from quantumtrader.training.spans import Spans
from quantumtrader.training.trials import Trial

S = 10**9
DAY = 86_400 * S
FIRST = 20_000
"""Date of the first session, as days since 1970: 2024-10-04."""


def manifest(*names: str) -> FeatureManifest:
    """Columns of the catalogue."""
    return FeatureManifest.of(
        names,
        clock="1s",
        warmup="full",
        rlp_sign="drop",
        tick_size=0.5,
        point_value=10.0,
        engine="python",
        version="0",
    )


def rows(
    y: Sequence[int],
    sessions: Sequence[int],
    *,
    buy: Sequence[float] | None = None,
    sell: Sequence[float] | None = None,
    held: int = 10,
) -> Dataset:
    """Rows a minute apart from noon on, labels of ``held`` seconds; ``buy`` and ``sell`` in ticks."""
    day = np.array(sessions, np.int64)
    place = np.arange(len(day)) - np.searchsorted(day, day)
    t0 = (FIRST + day) * DAY + 12 * 3_600 * S + place * 60 * S
    left = t0 + held * S
    trips = None if buy is None or sell is None else RoundTrips(np.array(buy), np.array(sell), left, left)
    X = np.column_stack((np.arange(len(day)) % 7, np.arange(len(day)) % 3)).astype(float)
    columns = manifest("book_imbalance_1", "mid_return_1s")
    return Dataset(
        X, np.array(y), Spans(t0, left, FIRST + day), t0, columns, "direction", {"horizon_ns": held * S},
        trips=trips, dropped={"beyond the session's end": 3}, symbol="X",
    )  # fmt: skip


def evaluation(
    data: Dataset, up: Sequence[Sequence[float]], *, trial: Trial | None = None, **more: Any
) -> Evaluation:
    """Predictions by path: the probability of the greater of two classes; the base rate is one half."""
    p = np.array(up, np.float64)
    predictions = np.stack((1 - p, p), axis=2)
    nothing = Interval(0.0, -1.0, 1.0, 0.5, 30, 1_000.0)
    given = {"edge": nothing, "net": None, "trades": 0.0, "skill": np.zeros(len(p))} | more
    return Evaluation(
        trial or Trial("s", {}, (), ()),
        data.classes,
        predictions,
        np.full_like(predictions, 0.5),
        sufficiency=Sufficiency(),
        **given,
    )
