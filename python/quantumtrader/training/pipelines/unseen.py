"""A saved model on sessions that came after its training: replayed, labelled as then, judged, and written down."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataError, EmptyDataError
from quantumtrader.features import FeatureEngine
from quantumtrader.features.fit.artifact import Fits
from quantumtrader.models.manifest import ModelManifest, any_series
from quantumtrader.models.observation import LOOKED_AT, OBSERVED, append_look
from quantumtrader.models.registry import LoadedModel, ModelRegistry
from quantumtrader.training.assessment.record import RecordFacts, judge_record
from quantumtrader.training.assessment.scores import said
from quantumtrader.training.dataset import Dataset, Labeller, Payer, build_dataset
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.labels import Labels, Latency, PricePath, direction, round_trips
from quantumtrader.training.pipelines.barrier_task import BarrierTask
from quantumtrader.training.pipelines.book_task import decisions_at
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.policy import Policy, Trades
from quantumtrader.training.rows import Rows
from quantumtrader.training.study import Study
from quantumtrader.types import Events

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Unseen",
    "judge_unseen",
    "measures_of",
    "trade_rows",
    "unseen_days",
    "unseen_rows",
    "write_look",
]

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Unseen:
    """What a model did on sessions after its training.

    Parameters
    ----------
    facts : RecordFacts
        Its predictions.
    trades : int
        Of the policy.
    net : Interval or None
        Net ticks per trade; None where insufficient.
    cost_ticks : float
        Beyond the spread.
    dropped : dict of str to int
        Rows without a label or without a needed feature, over the whole recording.
    earlier_looks : int
        How often some of these sessions were looked at before with a version of this model: each look makes them a little
        less unseen.
    locked : int
        How many of the sessions its training had locked away: they are no part of its vault any more.
    """

    facts: RecordFacts
    trades: int
    net: Interval | None
    cost_ticks: float
    dropped: Mapping[str, int]
    earlier_looks: int
    locked: int


def judge_unseen(
    registry: ModelRegistry,
    loaded: LoadedModel,
    recording: Recording,
    policy: Policy,
    *,
    who: str,
    given: Fits | None = None,
) -> Unseen:
    """Replay a recording, and judge the model on what came after its last training session.

    Earlier sessions only warm the features up. The look is written into the model's ``looks.jsonl`` and into the study
    before a row is scored; the sessions that its training locked away count as unseen, and as looked at afterwards: no
    vault that holds them is opened on them any more.

    Parameters
    ----------
    registry : ModelRegistry
        Its clock stamps the line.
    loaded : LoadedModel
        From it.
    recording : Recording
    policy : Policy
        What is traded.
    who : str
        For the record.
    given : Fits, optional
        See ``LoadedModel.fits_with``.

    Raises
    ------
    DataError
        No session came after the training, or no row can be scored.
    ConfigError
        The label is of a kind that cannot be measured again.
    ManifestError
        The running engine computes other features.
    """
    manifest = loaded.manifest
    days = unseen_days(manifest, recording.survey().days)
    data, dropped = unseen_rows(loaded, recording, days, given=given)
    earlier = write_look(registry, manifest, data, recording, who)
    until = manifest.data.get("recorded_until")
    seen = data.spans.sessions.astype("datetime64[D]")
    locked = 0 if until is None else int((seen <= np.datetime64(until)).sum())
    probabilities, trades = trade_rows(loaded, data, policy)
    return Unseen(
        judge_record(_table(data, probabilities, manifest.classes), manifest.classes),
        len(trades.rows),
        said(trades.net_ticks, data.spans.session[trades.rows]),
        policy.cost_ticks,
        dropped,
        earlier,
        locked,
    )


def unseen_rows(
    loaded: LoadedModel,
    recording: Recording,
    days: Int64,
    advance: Callable[[float], None] | None = None,
    given: Fits | None = None,
) -> tuple[Dataset, dict[str, int]]:
    """Replay a recording, label it as the training did, and keep the rows of some sessions that the model can score.

    Parameters
    ----------
    loaded : LoadedModel
    recording : Recording
        Whole: sessions before those that are asked for warm the features up.
    days : ndarray of int64
        Sessions to keep, as days since 1970.
    advance : callable, optional
        Told of each session that was read: ``advance(1)``.
    given : Fits, optional
        See ``LoadedModel.fits_with``.

    Returns
    -------
    data : Dataset
        What trading would have brought is among it.
    dropped : dict of str to int
        Rows without a label or without a needed feature, over the whole recording.

    Raises
    ------
    DataError
        No row can be scored, or the touch is not known and the label assumes no spread.
    ConfigError
        The label is of a kind that cannot be measured again, or a PIN series of these sessions is missing, or ended before.
    ManifestError
        The running engine computes other features.
    """
    manifest, survey = loaded.manifest, recording.survey()
    known = recording.session_before(int(days.max()))
    fits = loaded.fits_with(given or Fits(), recording.instrument, known)
    # Rows that a training on this recording would make: with the hours of its first session, not with those of today.
    engine = FeatureEngine.for_manifest(
        manifest.features,
        recording.instrument,
        survey.first_date,
        fitted=fits.given,
        require_fits=False,
    )
    any_series(manifest.features).check(any_series(engine.manifest))
    label, payer = measures_of(manifest.label)
    spread = None if survey.has_touch else manifest.label.get("spread_ticks")
    if spread is None and not survey.has_touch:
        raise DataError(
            f"{manifest.id}: no bid and ask in the recording, and no spread to assume in the model's label",
            remedy="Give a recording with quotes or a book",
        )
    told = recording.sessions() if advance is None else _told(recording.sessions(), advance)
    data = build_dataset(told, engine, label, payer=payer, spread_ticks=spread, gaps="drop")
    return _scorable(data, days, loaded)


def trade_rows(loaded: LoadedModel, data: Dataset, policy: Policy) -> tuple[npt.NDArray[np.float64], Trades]:
    """Return calibrated probabilities of rows, shape (n, n_classes), and what the policy trades on them."""
    probabilities = loaded.batch(data.X)
    classes = np.array(loaded.manifest.classes)
    assert data.trips is not None  # both kinds of label are paid
    return probabilities, policy.trade(policy.sides(probabilities, classes), data.trips, data.spans)


def unseen_days(manifest: ModelManifest, days: Int64) -> Int64:
    """Return the sessions that came after those of the training.

    Raises
    ------
    DataError
        There are none.
    """
    sessions = manifest.data.get("sessions")
    text = sessions[-1] if sessions else str(np.datetime64(int(manifest.data["to_ns"]), "ns"))[:10]
    last = int(np.datetime64(text, "D").astype(np.int64))
    later = days[days > last]
    if not len(later):
        raise DataError(
            f"{manifest.id} was trained on sessions up to {text}; this recording ends on "
            f"{np.datetime64(int(days[-1]), 'D')}",
            remedy="Give sessions after its training; for those before, its out-of-fold record says what it did",
        )
    return later


def measures_of(label: Mapping[str, Any]) -> tuple[Labeller, Payer]:
    """Return what labels rows, and pays for them, as a manifest's label says.

    Raises
    ------
    ConfigError
        It says too little, or is of another kind.
    """
    kind = str(label["id"])
    try:
        latency = Latency(tuple(int(v) for v in label["latency_ns"]), int(label.get("latency_seed", 7)))
        horizon = int(label["horizon_ns"])
        if kind.startswith("direction"):
            zone, heartbeat = float(label["dead_zone_ticks"]), int(label.get("heartbeat_ns", 0))
            return (
                partial(_directions, horizon, zone, heartbeat, int(label.get("thin", 1))),
                lambda path, times: round_trips(path, times, horizon, latency),
            )
        if kind in ("triple_barrier", "triple_barrier_side"):
            task = BarrierTask(
                multiple=float(label["multiple"]),
                least_ticks=float(label["least_ticks"]),
                horizon_ns=horizon,
                latency=latency,
                every_ns=int(label["every_ns"]),
                classes=str(label["classes"]),
            )
            return task.label, task.pay
    except KeyError as error:
        raise ConfigError(f"label {kind}: the manifest does not say {error.args[0]}") from error
    raise ConfigError(
        f"label {kind} cannot be measured again; direction, triple_barrier and triple_barrier_side can"
    )


def _directions(
    horizon_ns: int, dead_zone_ticks: float, heartbeat_ns: int, thin: int, path: PricePath, rows: Rows
) -> Labels:
    """Label all rows, or with a heartbeat those at which a book model decides."""
    if not heartbeat_ns:
        return direction(path, rows.times, horizon_ns, dead_zone_ticks)
    due = decisions_at(path, rows.times, heartbeat_ns)[::thin]
    found = direction(path, rows.times[due], horizon_ns, dead_zone_ticks)
    return replace(found, rows=due[found.rows])


def _scorable(data: Dataset, days: Int64, loaded: LoadedModel) -> tuple[Dataset, dict[str, int]]:
    """Keep later rows with a class and with the features that the model needs."""
    manifest = loaded.manifest
    part = data.take(np.flatnonzero(np.isin(data.spans.session, days)))
    needed = [k for k, name in enumerate(data.names) if name not in manifest.may_be_missing]
    absent = np.isnan(part.X[:, needed]).any(axis=1)
    strange = ~np.isin(part.y, manifest.classes)
    dropped = dict(data.dropped)
    for reason, count in (
        ("needed feature missing", absent.sum()),
        ("class unknown to the model", strange.sum()),
    ):
        if count:
            dropped[reason] = int(count)
    kept = np.flatnonzero(~absent & ~strange)
    if not len(kept):
        raise EmptyDataError(
            f"{manifest.id}: none of {len(part)} labelled rows after its training can be scored",
            remedy="Begin the recording earlier, so that features are warm",
        )
    return part.take(kept), dropped


def write_look(
    registry: ModelRegistry,
    manifest: ModelManifest,
    data: Dataset,
    recording: Recording,
    who: str,
    *,
    how: str = LOOKED_AT,
    absent: Collection[date] = (),
    why: str = "",
    events_lost: Collection[date] = (),
) -> int:
    """Write into the looks of a model, and into the study, that the sessions of some rows are seen, before one is scored.

    Parameters
    ----------
    registry, manifest, recording
        Whose look at what.
    data : Dataset
        The rows.
    who, how, absent, why, events_lost
        See ``append_look``.

    Returns
    -------
    int
        How many looks before it shared a session.
    """
    seen = data.spans.sessions
    days = [day.item() for day in seen.astype("datetime64[D]")]
    product, target = recording.instrument.product, str(manifest.label["id"])
    symbol = recording.instrument.symbol
    earlier = append_look(
        registry, manifest, days, symbol, who, how=how, absent=absent, why=why, events_lost=events_lost
    )
    # Sessions are seen whoever looks at them: a model of generated data too makes recorded ones less unseen.
    command = "observe" if how == OBSERVED else "evaluate"
    Study.of(product, target, synthetic=recording.survey().synthetic, clock=registry.clock).look(
        seen, how=how, model=manifest.hash, who=who, why=f"{command} {manifest.id}"
    )
    return earlier


def _told(sessions: Iterable[Events], advance: Callable[[float], None]) -> Iterator[Events]:
    for part in sessions:
        yield part
        advance(1)


def _table(data: Dataset, probabilities: npt.NDArray[np.float64], classes: tuple[int, ...]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            "t0": data.spans.t0,
            "t1": data.spans.t1,
            "session": data.spans.session,
            "y": data.y,
            **{f"p_{c}": probabilities[:, k] for k, c in enumerate(classes)},
        }
    )
