"""The promotion gate: what a model must have shown before it may enter a state, read from recorded numbers.

A number that was not recorded fails its condition. Statistics decide about the way into the shadow; sessions that
nobody could have looked at before decide about the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from quantumtrader.models.manifest import Evidence, ModelManifest
from quantumtrader.models.states import ModelState

__all__ = [
    "BEATEN",
    "Condition",
    "FEES_UNKNOWN",
    "MAX_PBO",
    "MIN_DSR",
    "SESSIONS",
    "SessionResult",
    "conditions",
    "evidence_conditions",
]

BEATEN = 0.8
"""Share of paths on which the model beats every baseline."""
FEES_UNKNOWN = "fees unknown: give --fee"
"""Found in place of a net result: costs that are not known cannot be passed."""
MIN_DSR = 0.95
MAX_PBO = 0.10
SESSIONS = 10
"""Sessions in the shadow, and as many as canary, whose results lie where they were predicted."""
INSIDE = 0.8
"""Share of the sessions of a state whose results lie there."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the gate.

    Parameters
    ----------
    name : str
        Such as ``dsr``.
    met : bool
        Whether the model meets it.
    found, wanted : str
        In words and numbers.
    """

    name: str
    met: bool
    found: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.name}: {self.found}; {self.wanted}"


@dataclass(frozen=True, slots=True)
class SessionResult:
    """What one session brought.

    Parameters
    ----------
    session : str
        Date, ``YYYY-MM-DD``.
    state : str
        State of the model during it.
    result : float
        In the unit of the prediction interval.
    """

    session: str
    state: str
    result: float


def conditions(
    manifest: ModelManifest,
    target: ModelState,
    results: Sequence[SessionResult] = (),
    now_ns: int | None = None,
) -> tuple[Condition, ...]:
    """Return every condition of a state, met or not.

    Parameters
    ----------
    manifest : ModelManifest
        The model with its evidence.
    target : ModelState
        State to enter.
    results : sequence of SessionResult
        Sessions recorded for this version.
    now_ns : int, optional
        The clock; without it validity is not looked at.
    """
    return tuple(_conditions(manifest, target, results, now_ns))


def evidence_conditions(evidence: Evidence) -> tuple[Condition, ...]:
    """Return the conditions that a training alone can meet: those of the shadow."""
    return tuple(_statistics(evidence))


def _conditions(
    manifest: ModelManifest, target: ModelState, results: Sequence[SessionResult], now_ns: int | None
) -> Iterator[Condition]:
    if target in (ModelState.CANDIDATE, ModelState.RETIRED):
        return
    yield from _statistics(manifest.evidence)
    if target is not ModelState.SHADOW:
        synthetic = bool(manifest.data["synthetic"])
        yield Condition(
            "market_data",
            not synthetic,
            "trained on synthetic data" if synthetic else "trained on a recording",
            "wanted: synthetic data proves code, not money",
        )
        yield from _sessions(manifest.evidence, "shadow", results)
    if target is ModelState.LIVE:
        yield from _sessions(manifest.evidence, "canary", results)
    until = manifest.limits["valid_until_ns"]
    if now_ns is not None:
        late = until is not None and now_ns > until
        yield Condition("valid", not late, "expired" if late else "in time", "wanted: train it again")


def _statistics(e: Evidence) -> Iterator[Condition]:
    if e.paths is None or e.paths_beaten is None or e.paths <= 0:
        yield Condition("beats_baselines", False, "not recorded", f"on {BEATEN:.0%} of paths")
    else:
        share = e.paths_beaten / e.paths
        yield Condition(
            "beats_baselines",
            BEATEN <= share <= 1,
            f"on {e.paths_beaten} of {e.paths} paths",
            f"wanted on {BEATEN:.0%}",
        )
    net = _above("net_at_1_5_cost", e.net_at_1_5_cost, 0.0, strict=True)
    yield replace(net, met=False, found=FEES_UNKNOWN) if e.fees_known is False else net
    if e.judged_by == "dsr":
        yield _above("dsr", e.dsr, MIN_DSR)
    else:
        yield _above("markout_low", e.markout_low, 0.0, strict=True)
    pbo = e.pbo
    known = pbo is not None and math.isfinite(pbo)
    yield Condition(
        "pbo",
        pbo is not None and known and 0 <= pbo <= MAX_PBO,
        f"{pbo:.3g}" if pbo is not None else "not recorded",
        f"wanted at most {MAX_PBO:g}",
    )
    for name, clean in (("placebos", e.placebos_clean), ("parity", e.parity_clean)):
        found = "not recorded" if clean is None else "clean" if clean else "not clean"
        yield Condition(name, clean is True, found, "wanted clean")


def _above(name: str, value: float | None, least: float, *, strict: bool = False) -> Condition:
    words = f"wanted {'above' if strict else 'at least'} {least:g}"
    if value is None:
        return Condition(name, False, "not recorded", words)
    return Condition(name, value > least if strict else value >= least, f"{value:.4g}", words)


def _sessions(e: Evidence, state: str, results: Sequence[SessionResult]) -> Iterator[Condition]:
    name = f"{state}_sessions"
    if e.expected_low is None or e.expected_high is None:
        yield Condition(name, False, "no interval was predicted", f"wanted {SESSIONS} sessions inside it")
        return
    # A session counts once, with what was said of it last.
    of_state = {r.session: r.result for r in results if r.state == state}
    inside = sum(e.expected_low <= x <= e.expected_high for x in of_state.values())
    enough = inside >= SESSIONS and inside >= INSIDE * len(of_state)
    yield Condition(
        name,
        enough,
        f"{inside} of {len(of_state)} inside {e.expected_low:g} to {e.expected_high:g}",
        f"wanted at least {SESSIONS}, and {INSIDE:.0%} of all",
    )
