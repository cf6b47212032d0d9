"""Labels that no training learns: realised variance, meta-labels, fills and what follows them, session by session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.features import FeatureEngine
from quantumtrader.training.dataset import broken_sessions
from quantumtrader.training.labels import (
    FillLabels,
    Labels,
    PathBuilder,
    PricePath,
    fill,
    markout,
    meta_label,
    triple_barrier,
    volatility,
)
from quantumtrader.training.pipelines.barrier_task import SIGMA, decisions_every
from quantumtrader.training.pipelines.costs import cost_ticks
from quantumtrader.training.pipelines.horizon import barrier_horizon_ns
from quantumtrader.training.pipelines.label_config import SIDES, LabelConfig
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.rows import Replayer, Rows
from quantumtrader.training.spans import Spans
from quantumtrader.types import Events

__all__ = ["LabelRows", "label_rows"]

Columns = Mapping[str, npt.NDArray[Any]]
Labeller = Callable[[PricePath, Rows, Events], tuple[Labels, Columns]]


@dataclass(frozen=True, slots=True)
class LabelRows:
    """Labels of all sessions, with what else is known of each: one array of shape (n,) per column."""

    labels: Labels
    columns: Columns


def label_rows(
    recording: Recording, asked: LabelConfig, spread_ticks: float | None, advance: Callable[[float], None]
) -> LabelRows:
    """Label a recording by ``volatility``, ``meta``, ``fill`` or ``markout``.

    Parameters
    ----------
    recording : Recording
    asked : LabelConfig
    spread_ticks : float or None
        Assumed around prints and bars, in ticks of the recording.
    advance : callable
        Called with 1 after each session.

    Raises
    ------
    DataError
        There is a gap, the horizon is shorter than a bar, or fills are asked of a recording without a book.
    """
    survey, instrument = recording.survey(), recording.instrument
    label = _labeller(recording, asked)
    default = "bar" if survey.has_bars else "1s" if asked.label in ("fill", "markout") else "1m"
    engine = FeatureEngine([SIGMA], instrument, clock=asked.clock or default, day=survey.first_date)
    replayer, builder = Replayer(engine), PathBuilder(instrument, spread_ticks)
    found: list[tuple[Labels, Columns]] = []
    for part in recording.sessions():
        broken = broken_sessions(part, instrument, asked.gaps)
        found.append(_without(*label(builder.add(part), replayer.add(part), part), broken))
        advance(1)
    dropped: dict[str, int] = {}
    for some, _ in found:
        for reason, count in some.dropped.items():
            if count:
                dropped[reason] = dropped.get(reason, 0) + count
    if asked.sides is not None and (
        outside := len(asked.sides) - sum(_decided(labels) for labels, _ in found)
    ):
        dropped["outside a session"] = dropped.get("outside a session", 0) + outside
    first = found[0][0]
    spans = Spans(*(np.concatenate([getattr(x.spans, f) for x, _ in found]) for f in ("t0", "t1", "session")))
    joined = Labels(
        first.name,
        np.arange(len(spans)),
        spans,
        np.concatenate([labels.y for labels, _ in found]),
        first.measured_from,
        dropped,
    )
    return LabelRows(
        joined, {name: np.concatenate([columns[name] for _, columns in found]) for name in found[0][1]}
    )


def _decided(labels: Labels) -> int:
    return len(labels) + sum(labels.dropped.values())


def _without(labels: Labels, columns: Columns, broken: npt.NDArray[np.int64]) -> tuple[Labels, Columns]:
    """Leave out sessions with a gap."""
    kept = np.flatnonzero(~np.isin(labels.spans.session, broken))
    lost = len(labels) - len(kept)
    if not lost:
        return labels, columns
    dropped = {**labels.dropped, "session with a gap": lost}
    some = Labels(
        labels.name, labels.rows[kept], labels.spans[kept], labels.y[kept], labels.measured_from, dropped
    )
    return some, {name: values[kept] for name, values in columns.items()}


def _labeller(recording: Recording, asked: LabelConfig) -> Labeller:
    survey = recording.survey()
    if asked.label == "volatility":
        return _volatility(asked, barrier_horizon_ns(asked.horizon_s, survey))
    if asked.label == "meta":
        return _meta(recording, asked, barrier_horizon_ns(asked.horizon_s, survey))
    if not survey.has_book:
        raise DataError(
            f"{asked.label}: {recording.origin} has no book, only {', '.join(survey.kinds).lower()}: where an order would "
            "stand in the queue is not known",
            remedy="Record the book (quantumtrader collect)",
        )
    return _venue(recording, asked)


def _volatility(asked: LabelConfig, horizon_ns: int) -> Labeller:
    every = int(asked.every_s * 1e9) or horizon_ns // 4

    def label(path: PricePath, rows: Rows, events: Events) -> tuple[Labels, Columns]:
        found = volatility(path, rows.times[decisions_every(rows.times, every)], horizon_ns)
        return found, {"sigma_ticks": found.sigma_ticks}

    return label


def _meta(recording: Recording, asked: LabelConfig, horizon_ns: int) -> Labeller:
    sides = asked.sides
    if sides is None:
        raise ConfigError("labels: meta needs sides of a primary strategy")
    unit = recording.instrument.ticks_per_exchange_tick
    cost = cost_ticks(recording, asked.slippage_ticks)

    def label(path: PricePath, rows: Rows, events: Events) -> tuple[Labels, Columns]:
        begin, end = np.searchsorted(sides.times, (events["ts_event"].min(), events["ts_event"].max() + 1))
        times = sides.times[begin:end]
        known = np.searchsorted(rows.times, times, "right") - 1
        barriers = triple_barrier(
            path,
            times,
            path.at(rows.frame[SIGMA], known),
            side=sides.side[begin:end],
            multiple=asked.barrier_atr,
            least_ticks=asked.least_ticks * unit,
            horizon_ns=horizon_ns,
            latency=asked.latency,
        )
        found = meta_label(barriers, cost)
        columns = {
            n: getattr(barriers, n)
            for n in ("side", "gross_ticks", "entry_px", "exit_px", "barrier_ticks", "ended")
        }
        facts = {**found.measured_from, "sigma": SIGMA, "sides": sides.origin}
        return replace(found, measured_from=facts), {**columns, "net_ticks": found.net_ticks}

    return label


def _venue(recording: Recording, asked: LabelConfig) -> Labeller:
    every = int((asked.every_s or asked.wait_s) * 1e9)
    after = tuple(int(s * 1e9) for s in asked.after_s)

    def label(path: PricePath, rows: Rows, events: Events) -> tuple[Labels, Columns]:
        due = rows.times[decisions_every(rows.times, every)]
        each = SIDES[asked.side]
        found = fill(
            events,
            path,
            np.repeat(due, len(each)),
            instrument=recording.instrument,
            side=np.tile(each, len(due)),
            wait_ns=int(asked.wait_s * 1e9),
            latency=asked.latency,
            queue=asked.queue,
        )
        if asked.label == "fill":
            return found, _orders(found, np.arange(len(found)))
        marks = markout(path, found, after)
        moves = {f"move_{s:g}s_ticks": marks.moves_ticks[:, k] for k, s in enumerate(asked.after_s)}
        return marks, {**_orders(found, np.searchsorted(found.rows, marks.rows)), **moves}

    return label


def _orders(found: FillLabels, rows: npt.NDArray[np.int64]) -> Columns:
    return {n: getattr(found, n)[rows] for n in ("side", "limit_px", "fill_ts", "fill_px", "maker")}
