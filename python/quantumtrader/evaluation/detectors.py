"""How good the detectors are, in four parts: scripts, injections, what a recording proves, shuffled controls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quantumtrader.evaluation.aftermath import Aftermath, after_absorptions
from quantumtrader.evaluation.controls import CONTROLS
from quantumtrader.evaluation.injection import inject, injectable, watched_hours
from quantumtrader.evaluation.scoring import Score, Share, score, wilson
from quantumtrader.evaluation.scripts import Script, cases
from quantumtrader.evaluation.truths import (
    HiddenTruth,
    NativeTruth,
    masked,
    native_icebergs,
    one_time_sweeps,
    score_hidden,
    score_natives,
)
from quantumtrader.exceptions import ConfigError
from quantumtrader.features import Detection, DetectorSettings, FeatureEngine, detector_kinds
from quantumtrader.types import Events, Flag, Instrument, Kind

_NO_ROWS = "1000000000trades"
"""A clock that never samples."""
_TOLERANCE_NS = 1_000_000
_SCRIPT = Instrument("SCRIPT", "SCRIPT", tick_size=0.5, point_value=10.0)

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scripted:
    """One detector over hand-written, synthetic streams.

    Parameters
    ----------
    kind : str
        Detector.
    positives, misses : Share
        Patterns told of, and near misses told of.
    wrong : tuple of str
        Cases that went the other way.
    """

    kind: str
    positives: Share
    misses: Share
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InjectedScore:
    """One detector on the stream with injected patterns.

    Parameters
    ----------
    kind : str
        Detector.
    score : Score
        Against the injected patterns alone. What the recording itself holds counts as false, so precision is a lower
        bound, and means little where there is much of it.
    background_per_hour : float
        Detections of the recording as it is.
    refused : int
        Places where the market left no room.
    """

    kind: str
    score: Score
    background_per_hour: float
    refused: int


@dataclass(frozen=True, slots=True)
class Control:
    """Detections per hour, of the recording and of what chance makes of it.

    Parameters
    ----------
    kind : str
        Detector.
    recorded : float
        Per hour of the recording.
    by_control : dict of str to float
        Mean per hour over seeded shuffles.
    """

    kind: str
    recorded: float
    by_control: dict[str, float]


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """Everything that was measured.

    Parameters
    ----------
    synthetic : bool
        Whether the stream was made by a generator.
    hours : float
        Hours watched: pauses of more than a minute are left out.
    dropped : dict of str to int
        What the detectors dropped because a table was full, by run: ``recording``, each injection and each shuffle, and
        the recording without its hidden flags where those are the truth.
    scripted : tuple of Scripted
        Part a.
    injected : tuple of InjectedScore
        Part b.
    hidden : tuple of HiddenTruth
        Part c, where the venue flags hidden executions.
    natives : NativeTruth or None
        Part c, where fills are in the file.
    sweeps : Score or None
        Part c: executions of one time over three rows or more.
    absorbed : tuple of Aftermath
        What the mid did after absorptions, and after moments like them; no truth, as nothing proves one.
    controls : tuple of Control
        Part d.
    notes : tuple of str
        What could not be measured, and why.
    """

    synthetic: bool
    hours: float
    dropped: dict[str, int]
    scripted: tuple[Scripted, ...]
    injected: tuple[InjectedScore, ...]
    hidden: tuple[HiddenTruth, ...]
    natives: NativeTruth | None
    sweeps: Score | None
    absorbed: tuple[Aftermath, ...]
    controls: tuple[Control, ...]
    notes: tuple[str, ...]


def detect(
    events: Events, instrument: Instrument, kinds: Sequence[str], settings: DetectorSettings | None = None
) -> tuple[list[Detection], int]:
    """Return the detections of a stream, and what was dropped."""
    engine = FeatureEngine([], instrument, clock=_NO_ROWS, detect=kinds, detectors=settings)
    out: list[Detection] = []
    for k in range(0, len(events), 1_000_000):  # taken before the table of detections is full
        engine.update_many(np.ascontiguousarray(events[k : k + 1_000_000]))
        out += engine.take_detections()
    return out, engine.dropped


def score_scripts(
    kinds: Iterable[str] | None = None, settings: DetectorSettings | None = None
) -> tuple[Scripted, ...]:
    """Run the scripted positives and near misses."""
    chosen = list(detector_kinds() if kinds is None else kinds)
    hits = {kind: [0, 0, 0, 0] for kind in chosen}
    wrong: dict[str, list[str]] = {kind: [] for kind in chosen}
    for case in cases():
        if case.kind not in hits:
            continue
        script: Script = case.build().timer(5 * 10**9)
        told = any(d.side == case.side for d in detect(script.events(), _SCRIPT, [case.kind], settings)[0])
        at = 0 if case.positive else 2
        hits[case.kind][at] += told
        hits[case.kind][at + 1] += 1
        if told != case.positive:
            wrong[case.kind].append(f"{case.name} ({case.feed}, side {case.side:+})")
    return tuple(
        Scripted(kind, wilson(h[0], h[1]), wilson(h[2], h[3]), tuple(wrong[kind])) for kind, h in hits.items()
    )


def evaluate_detectors(
    events: Events,
    instrument: Instrument,
    *,
    kinds: Sequence[str] | None = None,
    injections: int = 20,
    shuffles: int = 5,
    seed: int = 7,
    settings: DetectorSettings | None = None,
    source: Path | None = None,
    step: Step | None = None,
) -> DetectorReport:
    """Measure the detectors on a stream.

    Parameters
    ----------
    events : Events
        In stream order.
    instrument : Instrument
        What they are about.
    kinds : sequence of str, optional
        Detectors; all by default.
    injections, shuffles, seed : int
        Patterns of a kind, shuffles of a control, and the seed of both.
    settings : DetectorSettings, optional
        Thresholds.
    source : Path, optional
        By-order Parquet file the stream came from: its fills prove native icebergs.
    step : callable, optional
        Told of each piece of work before it is done.

    Raises
    ------
    ConfigError
        If a kind is not known.
    """
    chosen = list(detector_kinds() if kinds is None else kinds)
    say = step or (lambda what: None)
    hours = watched_hours(events)
    notes = []
    say("recording")
    dropped: dict[str, int] = {}

    def run(name: str, stream: Events, which: Sequence[str]) -> list[Detection]:
        found, dropped[name] = detect(stream, instrument, which, settings)
        return found

    recorded = run("recording", events, chosen)
    rates = _rates(recorded, chosen, hours)
    say("scripts")
    scripted = score_scripts(chosen, settings)

    can: tuple[str, ...] = ()
    try:
        can = injectable(events) if injections else ()
    except ConfigError as error:
        notes.append(f"nothing can be injected: {error}")
    injected = []
    for kind in (k for k in chosen if k in can):
        say(f"injecting {kind}")
        made = inject(events, kind, injections, seed)
        found = run(f"injected {kind}", made.events, [kind])
        its = score(made.episodes, found, hours=hours, tolerance_ns=_TOLERANCE_NS)
        injected.append(InjectedScore(kind, its, rates[kind], made.refused))
        if len(made.episodes) < injections:
            notes.append(f"{kind}: the stream left room for {len(made.episodes)} of {injections} injections")
    left = [k for k in chosen if k not in can]
    if left and injections:
        notes.append(f"not injected into this stream: {', '.join(left)}")

    say("what the recording proves")
    hidden, natives, sweeps = _proven(events, instrument, chosen, run, source, recorded, hours)
    absorbed = after_absorptions(events, recorded, settings or DetectorSettings())

    controls = []
    counts: dict[str, dict[str, float]] = {kind: {} for kind in chosen}
    for name, shuffle in CONTROLS.items() if shuffles else ():
        total = dict.fromkeys(chosen, 0.0)
        for k in range(shuffles):
            say(f"{name}, {k + 1} of {shuffles}")
            shuffled = shuffle(events, np.random.default_rng([seed, k]))
            told = run(f"{name} {k + 1}", shuffled, chosen)
            for kind, rate in _rates(told, chosen, hours).items():
                total[kind] += rate / shuffles
        for kind in chosen:
            counts[kind][name] = total[kind]
    if shuffles:
        controls = [Control(kind, rates[kind], counts[kind]) for kind in chosen]
    return DetectorReport(
        synthetic=bool((events["flags"] & int(Flag.SYNTHETIC)).any()),
        hours=hours,
        dropped=dropped,
        scripted=scripted,
        injected=tuple(injected),
        hidden=tuple(hidden),
        natives=natives,
        sweeps=sweeps,
        absorbed=absorbed,
        controls=tuple(controls),
        notes=tuple(notes),
    )


def _rates(detections: list[Detection], kinds: Sequence[str], hours: float) -> dict[str, float]:
    return {k: sum(d.kind == k for d in detections) / hours if hours else float("nan") for k in kinds}


def _proven(
    events: Events,
    instrument: Instrument,
    kinds: Sequence[str],
    run: Callable[[str, Events, Sequence[str]], list[Detection]],
    source: Path | None,
    recorded: list[Detection],
    hours: float,
) -> tuple[list[HiddenTruth], NativeTruth | None, Score | None]:
    hidden: list[HiddenTruth] = []
    icebergs = [k for k in kinds if k.startswith("iceberg")]
    flagged = (events["kind"] == Kind.TRADE) & ((events["flags"] & int(Flag.HIDDEN)) != 0)
    if flagged.any() and icebergs:
        blind = masked(events)
        told = run("hidden flags taken away", blind, icebergs)
        engine = FeatureEngine(["hidden_volume_ratio_5m"], instrument, clock="1s", warmup="partial")
        frame = engine.run(blind)
        hidden = score_hidden(events, told, (frame.times, frame["hidden_volume_ratio_5m"]))
    natives = None
    if source is not None and "iceberg_native" in kinds:
        natives = score_natives(native_icebergs(source), [d for d in recorded if d.kind == "iceberg_native"])
    sweeps = None
    episodes = one_time_sweeps(events) if "sweep" in kinds else []
    if episodes:
        found = [d for d in recorded if d.kind == "sweep"]
        sweeps = score(episodes, found, hours=hours, tolerance_ns=2 * _TOLERANCE_NS)
    return hidden, natives, sweeps
