"""From a judged configuration to a model in the registry: final fit, calibration, parity, manifest."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader import __version__
from quantumtrader.exceptions import ModelError
from quantumtrader.features import FeatureEngine
from quantumtrader.features.fit.artifact import Fits
from quantumtrader.models.base import Model
from quantumtrader.models.calibration import Calibration
from quantumtrader.models.conformal import AdaptiveConformal
from quantumtrader.models.folder import MANIFEST, check_version
from quantumtrader.models.golden import EVENTS
from quantumtrader.models.manifest import Evidence, ModelManifest
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.scorers import make_scorer
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.pipelines.judge import Judged, Plan
from quantumtrader.training.pipelines.libraries import library_versions
from quantumtrader.training.pipelines.prepared import Prepared
from quantumtrader.training.recipes import Recipe, Stacked
from quantumtrader.training.report.summary import model_summary
from quantumtrader.training.run_folder import RunFolder
from quantumtrader.training.weights import average_uniqueness
from quantumtrader.types import Events, Fitted, Instrument

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Shipment",
    "calibrated",
    "check_parity",
    "conformal_scores",
    "final_fit",
    "golden_events",
    "next_version",
    "oof_table",
    "ship",
    "trials_document",
]

Float64 = npt.NDArray[np.float64]

_CHUNK = 997  # events at a time when rows are computed again: no number of sessions, bars or packets
_CHECKED_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Shipment:
    """What a model's manifest says beyond what its data and estimator say.

    Parameters
    ----------
    name, version : str
    created_ns : int
    instrument : Instrument
    label : mapping
        ``id`` and what the label is measured from; ``move`` and ``barrier_ticks`` where there are such.
    synthetic : bool
    contracts : tuple of str
    evidence : Evidence
    cv, trials, metrics : mapping
    config : mapping
        How it was trained: what training it again takes.
    newest_day : int
        Newest session of what was recorded when it was trained, the vault included, as days since 1970.
    valid_sessions : int
        Sessions after that one until which the model is valid; 0 for no end.
    """

    name: str
    version: str
    created_ns: int
    instrument: Instrument
    label: Mapping[str, Any]
    synthetic: bool
    contracts: tuple[str, ...]
    evidence: Evidence
    cv: Mapping[str, Any]
    trials: Mapping[str, Any]
    metrics: Mapping[str, Any]
    config: Mapping[str, Any]
    newest_day: int
    valid_sessions: int


def calibrated(data: Dataset, evaluation: Evaluation, recipe: Recipe, method: str) -> Calibration | None:
    """Fit the calibration of the final model on out-of-fold predictions; None for a stack, and where they are too few."""
    if isinstance(recipe, Stacked):
        return None
    mean = evaluation.mean_predictions()
    rows = np.flatnonzero(np.isfinite(mean).all(axis=1))
    outcomes = np.searchsorted(evaluation.classes, data.y[rows])
    if len(np.unique(outcomes)) < len(evaluation.classes):
        return None
    return Calibration.fit(mean[rows], outcomes, average_uniqueness(data.spans[rows]), method=method)


def conformal_scores(
    data: Dataset, evaluation: Evaluation, calibration: Calibration | None
) -> AdaptiveConformal:
    """Calibrate the prediction sets of the final model: what it serves, on out-of-fold predictions.

    The calibration was fitted on the same rows: a curve of two or three parameters changes coverage by next to nothing.

    Raises
    ------
    DataError
        No row has an out-of-fold prediction.
    """
    mean = evaluation.mean_predictions()
    rows = np.flatnonzero(np.isfinite(mean).all(axis=1))
    served = mean[rows] if calibration is None else calibration.apply(mean[rows])
    return AdaptiveConformal(evaluation.classes).calibrate(served, data.y[rows])


def golden_events(sessions: Iterable[Events]) -> Events:
    """Return the first sessions of a recording, as many as golden events may hold, at least a part of one."""
    parts: list[Events] = []
    size = 0
    for part in sessions:
        if parts and size + len(part) > EVENTS:
            break
        parts.append(part)
        size += len(part)
        if size >= EVENTS:
            break
    return np.concatenate(parts)[:EVENTS]


def check_parity(
    data: Dataset,
    estimator: Model,
    sessions: Iterable[Events],
    instrument: Instrument,
    day: date,
    fitted: Fitted | None = None,
) -> bool:
    """Replay sessions as trading would, and hold rows and predictions against those of the training.

    Events come in small pieces through a new engine that is built from the manifest; each row is scored by itself with what
    the registry will serve from. Rows must be equal to the bit; scores of trees too, others to 1e-9. Sessions are replayed
    from the first on until two that the training has rows of are through.

    Parameters
    ----------
    data : Dataset
        Rows of the training.
    estimator : Model
        Fitted.
    sessions : iterable of Events
        Those of the recording, from the first on: features warm up on them.
    instrument : Instrument
    day : date
        The recording's first session: the engine counts with its hours, as that of the training did.
    fitted : Fitted, optional
        That of the training.
    """
    engine = FeatureEngine.for_manifest(data.manifest, instrument, day, fitted=fitted)
    engine.reset()
    spans = data.spans
    second = spans.sessions[:2][-1]
    until = int(spans.t0[np.searchsorted(spans.session, second, "right") - 1])
    times, values = [], []
    for part in sessions:
        for begin in range(0, len(part), _CHUNK):
            engine.update_many(np.ascontiguousarray(part[begin : begin + _CHUNK]))
        frame = engine.take()
        times.append(frame.times)
        values.append(frame.values)
        if part["ts_event"].max() >= until:
            break
    every = np.concatenate(times)
    rows = np.flatnonzero(spans.t0 <= until)
    place = np.searchsorted(every, spans.t0[rows], "right") - 1  # of rows of one instant, the last
    if not np.array_equal(every[place], spans.t0[rows]):
        return False
    again = np.concatenate(values)[place]
    if not np.array_equal(again, data.X[rows], equal_nan=True):
        return False
    with tempfile.TemporaryDirectory(prefix="quantumtrader-") as folder:
        estimator.to_files(Path(folder))
        files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    scorer = make_scorer(estimator.kind, files, data.names, tuple(int(c) for c in estimator.classes_))
    some = again[:: max(1, len(again) // _CHECKED_ROWS)]
    one_by_one = np.array([scorer.probabilities(row) for row in some])
    together = estimator.predict_proba(some)
    if scorer.exact:
        return np.array_equal(one_by_one, together)
    return bool(np.allclose(one_by_one, together, rtol=0, atol=1e-9))


def next_version(root: Path, name: str) -> str:
    """Return the version after the newest one of a model: a new minor one, ``1.0.0`` for the first.

    Raises
    ------
    ModelError
        A folder among the versions is none.
    """
    known = ModelRegistry(root).versions(name)
    if not known:
        return "1.0.0"
    for folder in known:
        try:
            check_version(folder)
        except ModelError as error:
            raise ModelError(
                f"the folder {folder!r} among the versions of {name} is none, so the next one cannot be told",
                path=root / name / folder,
                remedy="Move it away, or train with another --name",
            ) from error
    major, minor, _ = (int(part) for part in known[-1].split("."))
    return f"{major}.{minor + 1}.0"


def trials_document(folder: RunFolder, plan: Plan, judged: Judged) -> dict[str, Any]:
    """Return how many configurations stand behind a model: of its training, and of earlier ones on the same sessions."""
    return {
        "ledger": "trials.jsonl",
        "n": folder.ledger.count(plan.name),
        "earlier": judged.assessment.earlier.configurations,
    }


def oof_table(prepared: Prepared, evaluation: Evaluation) -> pa.Table:
    """Return the out-of-fold predictions of every row: mean over the paths, with outcome and regime."""
    import pyarrow as pa

    data, mean = prepared.data, evaluation.mean_predictions()
    columns: dict[str, Any] = {
        "t0": data.spans.t0,
        "t1": data.spans.t1,
        "session": data.spans.session,
        "y": data.y,
        **{f"p_{c}": mean[:, k] for k, c in enumerate(evaluation.classes.tolist())},
        "regime": prepared.regimes.astype(object),
    }
    return pa.table(columns)


def ship(
    registry: ModelRegistry,
    prepared: Prepared,
    estimator: Model,
    calibration: Calibration | None,
    events: Events,
    oof: Evaluation,
    about: Shipment,
    assessment: Assessment,
    fits: Fits | None = None,
) -> Path:
    """Save the model as a candidate; a version that this training saved before is kept as it is.

    Parameters
    ----------
    registry : ModelRegistry
    prepared : Prepared
        Rows it was fitted on.
    estimator : Model
        Fitted on all of them.
    calibration : Calibration or None
    events : Events
        Beginning of the recording, for the golden events.
    oof : Evaluation
        Its out-of-fold scores.
    about : Shipment
    assessment : Assessment
        Of the training; the model's report is written from it.
    fits : Fits, optional
        Of the training; the model keeps a copy of those that its columns read.

    Raises
    ------
    DataError
        The rows were changed after their replay.
    ModelError
        Another training saved this version meanwhile.
    """
    data = prepared.data
    data.require_sealed()
    target = registry.root / about.name / about.version
    if (target / MANIFEST).exists():  # a killed training came this far
        there = registry.manifest(about.name, about.version)
        if (there.created_ns, there.data["sha256"]) != (about.created_ns, data.sha256):
            raise ModelError(
                f"{there.id} is of another training, which took this version meanwhile",
                path=target,
                remedy="Remove version.json from the folder of this training and start it again: what is computed is kept",
            )
        return target
    dates = [str(np.datetime64(int(d), "D")) for d in (data.spans.sessions[0], data.spans.sessions[-1])]
    until = None
    if about.valid_sessions:
        # Seven days for five sessions, and the day itself.
        days = about.valid_sessions * 7 // 5 + 1
        until = (about.newest_day + 1 + days) * 86_400 * 10**9
    instrument = about.instrument
    draft = ModelManifest(
        name=about.name,
        version=about.version,
        kind=estimator.kind,
        created_ns=about.created_ns,
        features=data.manifest,
        classes=tuple(int(c) for c in data.classes),
        instrument={
            "symbol": instrument.symbol,
            "product": instrument.product,
            "tick_size": instrument.tick_size,
            "point_value": instrument.point_value,
        },
        data={
            "from_ns": int(data.spans.t0[0]),
            "to_ns": int(data.spans.t1.max()),
            "rows": len(data),
            "n_eff": round(data.n_eff, 3),
            "sessions": dates,
            "session_count": len(data.spans.sessions),
            "recorded_until": str(np.datetime64(about.newest_day, "D")),
            "contracts": list(about.contracts),
            "sha256": data.sha256,
            "synthetic": about.synthetic,
        },
        label=dict(about.label),
        evidence=about.evidence,
        limits={"valid_until_ns": until},
        cv=dict(about.cv),
        trials=dict(about.trials),
        metrics=dict(about.metrics),
        code={
            "version": __version__,
            "engine": f"{data.manifest.engine} {data.manifest.version}",
            "libraries": library_versions(about.config["candidates"]),
            "config": json.loads(json.dumps(dict(about.config))),
        },
        may_be_missing=prepared.may_be_missing,
    )
    return registry.save(
        draft,
        estimator,
        data.X,
        events,
        calibration=calibration,
        conformal=conformal_scores(data, oof, calibration),
        oof=oof_table(prepared, oof),
        report=model_summary(draft, assessment),
        fits=fits,
    )


def final_fit(recipe: Recipe, data: Dataset, half_life: float) -> Model:
    """Fit on all rows, weighted as those of the folds were; what is served."""
    found = recipe.fit(data, half_life).estimator
    assert isinstance(found, Model)  # candidates are models of this package
    return found
