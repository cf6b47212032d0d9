"""How well the detectors do: on scripts, on injected patterns, against what a feed tells, and on shuffled flow.

A detection on recorded flow that no label explains is not known to be wrong. So recall and delay come from injected
patterns, the rates on the recording itself and on shuffled copies of it stand beside each other, and what a venue tells
(hidden executions, executions of one instant) is compared where the recording has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from quantumtrader.evaluation.injection import inject, injectable, watched_hours
from quantumtrader.evaluation.scoring import Episode, Score, Share, score, wilson
from quantumtrader.evaluation.scripts import cases
from quantumtrader.features import Detection, DetectorSettings, FeatureEngine, detector_kinds
from quantumtrader.types import Events, Flag, Instrument, Kind

SECOND = 1_000_000_000
TOLERANCE = SECOND
"""How long after its end an episode may still be told of, ns."""
_SCRIPTED = Instrument("SCRIPT", "SCRIPT", tick_size=0.5, point_value=10.0)


@dataclass(frozen=True, slots=True)
class Scripted:
    """One detector on its scripts.

    Parameters
    ----------
    found : Share
        Scripts with the pattern in which it was told of, on the right side.
    fooled : Share
        Near misses in which something was told of all the same.
    """

    found: Share
    fooled: Share


@dataclass(frozen=True, slots=True)
class Planted:
    """One detector on patterns put into recorded flow.

    Parameters
    ----------
    score : Score
        Against the patterns; a detection that the untouched recording has too is no part of it.
    refused : int
        Places at which the pattern did not fit into the book.
    """

    score: Score
    refused: int


@dataclass(frozen=True, slots=True)
class Told:
    """Detections against what the feed tells.

    Parameters
    ----------
    recall, precision : Share
        Episodes that were told of; detections that tell of one.
    chance : float
        Precision that a detection at a random time would have; NaN where that makes no sense.
    """

    recall: Share
    precision: Share
    chance: float


@dataclass(frozen=True, slots=True)
class Rates:
    """Detections per hour: as recorded, with the sides of the prints shuffled, with the prints shuffled in time."""

    recorded: float
    shuffled_sides: float
    shuffled_prints: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Everything that was measured, by kind of detection.

    Parameters
    ----------
    hours : float
        Watched time of the stream: between events at most a minute apart.
    synthetic : bool
        Whether a generator made the stream.
    scripted : dict
        Hand-written scripts, which are synthetic whatever the stream.
    planted : dict
        Injections; kinds that cannot be injected into the stream are not there.
    told : dict
        By ground truth: ``sweep: one instant`` and ``iceberg_…: hidden executions``; empty where the feed has none.
    rates : dict
        Controls.
    """

    hours: float
    synthetic: bool
    scripted: dict[str, Scripted]
    planted: dict[str, Planted]
    told: dict[str, Told]
    rates: dict[str, Rates]


def measure_quality(
    events: Events,
    instrument: Instrument,
    *,
    kinds: Sequence[str] | None = None,
    injections: int = 20,
    seed: int = 7,
    settings: DetectorSettings | None = None,
    advance: Callable[[float], None] = lambda _: None,
) -> Quality:
    """Measure the detectors on one stream.

    Parameters
    ----------
    events : Events
        In stream order.
    instrument : Instrument
        What the events are about.
    kinds : sequence of str, optional
        Detections to measure; all by default.
    injections : int
        Patterns of each kind.
    seed : int
        Of injections and shuffles.
    settings : DetectorSettings, optional
        Thresholds.
    advance : callable
        Told of the share of the work that is done, step by step.
    """
    chosen = tuple(kinds or detector_kinds())
    watch = _Watch(settings)
    hours = watched_hours(events)
    step = 1.0 / (len(chosen) + 4)
    scripted = measure_scripts(chosen, settings)
    advance(step)
    # What the venue says of hidden orders is what is looked for: the detectors must not be told.
    blind = events.copy()
    blind["flags"] &= np.uint16(0xFFFF ^ int(Flag.HIDDEN))
    base = watch(blind, instrument, chosen)
    advance(step)
    planted = {}
    for kind in chosen:
        if kind in injectable(blind):
            run = inject(blind, kind, injections, seed)
            known = {(d.ts, d.side, d.px) for d in base if d.kind == kind}
            new = [d for d in watch(run.events, instrument, (kind,)) if (d.ts, d.side, d.px) not in known]
            result = score(run.episodes, new, hours=hours, tolerance_ns=TOLERANCE)
            planted[kind] = Planted(result, run.refused)
        advance(step)
    told = _told(events, base, chosen)
    rng = np.random.default_rng(seed)
    sides = watch(_shuffled(blind, rng, ("side", "ref_a", "ref_b")), instrument, chosen)
    prints = watch(
        _shuffled(blind, rng, ("px", "size", "side", "ref_a", "ref_b", "flags")), instrument, chosen
    )
    advance(2 * step)

    def rate(found: list[Detection], kind: str) -> float:
        return sum(d.kind == kind for d in found) / hours if hours > 0 else math.nan

    rates = {kind: Rates(rate(base, kind), rate(sides, kind), rate(prints, kind)) for kind in chosen}
    synthetic = bool((events["flags"] & int(Flag.SYNTHETIC)).any())
    return Quality(hours, synthetic, scripted, planted, told, rates)


def measure_scripts(kinds: Sequence[str], settings: DetectorSettings | None = None) -> dict[str, Scripted]:
    """Run every detector over its scripted positives and near misses."""
    watch = _Watch(settings)
    right: dict[str, list[bool]] = {kind: [] for kind in kinds}
    wrong: dict[str, list[bool]] = {kind: [] for kind in kinds}
    for case in cases():
        if case.kind not in right:
            continue
        # Time goes on after the pattern, as it does in a market: what has a deadline is then certain.
        found = watch(case.build().timer(10 * SECOND).events(), _SCRIPTED, (case.kind,))
        if case.positive:
            right[case.kind].append(any(case.side in (0, d.side) for d in found))
        else:
            wrong[case.kind].append(bool(found))
    return {
        kind: Scripted(wilson(sum(right[kind]), len(right[kind])), wilson(sum(wrong[kind]), len(wrong[kind])))
        for kind in kinds
    }


class _Watch:
    """Runs detectors over a stream."""

    def __init__(self, settings: DetectorSettings | None) -> None:
        self._settings = settings

    def __call__(self, events: Events, instrument: Instrument, kinds: Sequence[str]) -> list[Detection]:
        engine = FeatureEngine([], instrument, detect=list(kinds), detectors=self._settings)
        engine.update_many(np.ascontiguousarray(events))
        return [d for d in engine.take_detections() if d.kind in kinds]


def _shuffled(events: Events, rng: np.random.Generator, fields: tuple[str, ...]) -> Events:
    """A copy in which these fields of the prints are dealt out anew, each print's together."""
    out = events.copy()
    prints = np.flatnonzero(events["kind"] == Kind.TRADE)
    dealt = rng.permutation(prints)
    for name in fields:
        out[name][prints] = events[name][dealt]
    return out


def _told(events: Events, found: list[Detection], kinds: Sequence[str]) -> dict[str, Told]:
    out = {}
    if "sweep" in kinds:
        truth = sweeps_of_one_instant(events)
        if truth:
            result = score(truth, [d for d in found if d.kind == "sweep"], hours=0, tolerance_ns=TOLERANCE)
            out["sweep: executions of one instant"] = Told(result.recall, result.precision, math.nan)
    hidden = np.sort(events["ts_event"][(events["flags"] & int(Flag.HIDDEN)) != 0])
    if len(hidden):
        span = np.maximum.accumulate(events["ts_event"])
        seconds = max(1, int((span[-1] - span[0]) // SECOND))
        # Two seconds around a random time hold a hidden execution with the share of such times.
        at = span[0] + np.arange(seconds) * SECOND
        chance = float(np.mean(_near(hidden, at)))
        for kind in ("iceberg_tape", "iceberg_synthetic"):
            times = np.array([d.ts for d in found if d.kind == kind], np.int64)
            if kind in kinds:
                hit = int(_near(hidden, times).sum())
                told = int(_near(np.sort(times), hidden).sum())
                name = f"{kind}: hidden executions within 1 s"
                out[name] = Told(wilson(told, len(hidden)), wilson(hit, len(times)), chance)
    return out


def _near(sorted_times: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Whether one of the times lies within a second of each of ``at``."""
    before = np.searchsorted(sorted_times, at - SECOND, side="left")
    after = np.searchsorted(sorted_times, at + SECOND, side="right")
    return np.asarray(after > before)


def sweeps_of_one_instant(events: Events, rows: int = 3) -> list[Episode]:
    """Return sets of executions with one time stamp and aggressor over at least so many rows: the venue's own sweeps."""
    trades = events[(events["kind"] == Kind.TRADE) & (events["side"] != 0)]
    if not len(trades):
        return []
    begins = np.flatnonzero(
        np.concatenate(
            [[True], (np.diff(trades["ts_event"]) != 0) | (np.diff(trades["side"].astype(np.int64)) != 0)]
        )
    )
    out = []
    for first, last in zip(begins, [*begins[1:], len(trades)], strict=True):
        prices = np.unique(trades["px"][first:last])
        if len(prices) >= rows:
            t = int(trades["ts_event"][first])
            out.append(Episode("sweep", int(trades["side"][first]), t, t, t))
    return out
