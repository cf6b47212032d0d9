"""The tick model's score at the book's decisions: of sessions that it was not trained on, and of bars that had closed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt

from quantumtrader.features import FeatureEngine
from quantumtrader.models._logit import log_odds
from quantumtrader.models.registry import LoadedModel
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.pipelines.minute_bars import bars_of
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.types import Events, Kind

__all__ = ["BASE", "base_scores", "with_base"]

Float64 = npt.NDArray[np.float64]

BASE = "base_score"
"""Column of the tick model's log-odds of up, among the book model's columns."""


def base_scores(
    recording: Recording,
    loaded: LoadedModel,
    decisions: npt.NDArray[np.int64],
    day: date,
    history: Sequence[Events] = (),
) -> Float64:
    """Return a tick model's log-odds of up at decision times: those of the newest bar that had closed.

    Parameters
    ----------
    recording : Recording
        With prints; the engine makes bars of them.
    loaded : LoadedModel
        Trained on earlier sessions, so that all of these rows are new to it.
    decisions : ndarray of int64, shape (n,)
    day : date
        First session of the model's training: the engine counts with its hours, as when the model was fitted.
    history : sequence of Events
        Sessions before the recording: features look back over sessions, and trading would know them. Where they hold
        bars, bars are made of the recording's prints.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where no bar of the session has closed, or a feature that the model needs is missing.
    """
    manifest = loaded.manifest
    # Not the hours of today: the scores become a column of a training, of rows as the model's training made them.
    engine = FeatureEngine.for_manifest(
        manifest.features, recording.instrument, day, fitted=loaded.fits.fitted
    )
    engine.reset()
    needed = [k for k, n in enumerate(loaded.names) if n not in manifest.may_be_missing]
    out = np.full(len(decisions), np.nan)
    up = np.flatnonzero(np.array(manifest.classes) > 0)
    count = 0
    for part in history:
        count = _feed(engine, part, count)
    engine.take()
    bars = any((part["kind"] == Kind.BAR).any() for part in history)
    for part in recording.sessions():
        count = _feed(engine, bars_of(part) if bars else part, count)
        frame = engine.take()
        begin, end = int(part["ts_event"].min()), int(part["ts_event"].max())
        rows = np.flatnonzero((decisions >= begin) & (decisions <= end))
        if not len(rows) or not len(frame.times):
            continue
        place = np.searchsorted(frame.times, decisions[rows], "right") - 1
        usable = np.asarray(~np.isnan(frame.values[:, needed]).any(axis=1), np.bool_)
        fine = (place >= 0) & usable[np.maximum(place, 0)]
        used = np.unique(place[fine])
        if not len(used):
            continue
        p = loaded.batch(frame.values[used])[:, up].sum(axis=1)
        odds = log_odds(np.column_stack((1 - p, p)))[:, 1]
        out[rows[fine]] = odds[np.searchsorted(used, place[fine])]
    return out


def _feed(engine: FeatureEngine, part: Events, count: int) -> int:
    """Give the engine a part of another stream, numbered on; returns the number of the next event."""
    numbered = part.copy()
    numbered["sequence"] = np.arange(count, count + len(part))
    engine.update_many(numbered)
    return count + len(part)


def with_base(data: Dataset, scores: Float64, model_hash: str) -> Dataset:
    """Return the rows with the base score as one more column; its definition is the tick model."""
    manifest = data.manifest
    more = replace(
        manifest,
        names=(*manifest.names, BASE),
        features=(*manifest.features, BASE),
        definitions=(*manifest.definitions, hashlib.sha256(model_hash.encode()).hexdigest()),
        warmups=(*manifest.warmups, "0"),
    )
    return data.derived(X=np.column_stack((data.X, scores)), manifest=more)
