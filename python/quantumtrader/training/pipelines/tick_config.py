"""What a tick training does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from quantumtrader.exceptions import ConfigError
from quantumtrader.features.detectors import DetectorSettings
from quantumtrader.features.given import thresholds_of
from quantumtrader.features.sets import resolve
from quantumtrader.models.folder import check_name
from quantumtrader.training.labels import Latency
from quantumtrader.training.pipelines.candidates import Candidates, require_candidates
from quantumtrader.training.weights import check_half_life

__all__ = ["TickConfig"]


@dataclass(frozen=True, slots=True)
class TickConfig:
    """What a tick training does. Ticks are those of the exchange, also for a back-adjusted series on a finer grid.

    Parameters
    ----------
    name : str
        Of the model; by the symbol when empty.
    features : str or tuple of str
        A set, or features; those that the source cannot fill are left out, and listed.
    clock : str
        When rows are taken; each bar, or each minute, when empty.
    horizon_s : float
        Vertical barrier; 0 for an hour with bars of five minutes or more, else half an hour.
    every_s : float
        Time between decisions; 0 for a quarter of the horizon.
    classes : str
        ``side`` or ``touch``; see ``BarrierTask``.
    barrier_atr, least_ticks : float
        Barriers at so many ``atr_14``, at least so many ticks.
    spread_ticks : float
        Assumed around prints and bars.
    slippage_ticks : float
        Cost of a round trip beyond spread and fees.
    margin : float
        Of the policy.
    latency_ms : float
        From decision to arrival.
    latency_sample_ns : tuple of int or None
        Measured latencies to draw from in place of ``latency_ms``, by the decision's time and the seed; see
        ``read_latencies``.
    half_life_sessions : float or None
        Sessions in which the weight of a training part's rows halves, the newest counting 1; None for no decay.
    groups, test_groups : int
        Of the combinatorial splits.
    walk : tuple of int
        Rehearsal: sessions to train on, to test, between them.
    vault : float
        Share of the sessions that is locked away.
    candidates : str or tuple of str
        A set, ``standard``, ``quick``, ``tuned`` or ``deep``, or names of ``candidates.LEARNERS``.
    gaps : str
        ``refuse`` or ``drop`` sessions with a gap.
    valid_sessions : int
        How long the model is valid; 0 for no end.
    seed : int
    detectors : mapping of str to float, or None
        Thresholds of the detectors behind features that differ from the defaults; see ``DetectorSettings``.
    """

    name: str = ""
    features: str | tuple[str, ...] = "tick_only"
    clock: str = ""
    horizon_s: float = 0.0
    every_s: float = 0.0
    classes: str = "side"
    barrier_atr: float = 2.0
    least_ticks: float = 4.0
    spread_ticks: float = 1.0
    slippage_ticks: float = 1.0
    margin: float = 0.1
    latency_ms: float = 200.0
    latency_sample_ns: tuple[int, ...] | None = None
    half_life_sessions: float | None = None
    groups: int = 10
    test_groups: int = 2
    walk: tuple[int, int, int] = (120, 5, 1)
    vault: float = 0.2
    candidates: Candidates = "standard"
    gaps: str = "refuse"
    valid_sessions: int = 30
    seed: int = 7
    detectors: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        numbers = {
            "horizon_s": self.horizon_s,
            "every_s": self.every_s,
            "slippage_ticks": self.slippage_ticks,
            "latency_ms": self.latency_ms,
        }
        odd = [name for name, value in numbers.items() if not (math.isfinite(value) and value >= 0)]
        if odd:
            raise ConfigError(f"tick training: {odd[0]} is {numbers[odd[0]]}, expected 0 or more")
        if not (self.spread_ticks > 0 and self.least_ticks > 0 and self.barrier_atr >= 0):
            raise ConfigError(
                f"tick training: spread {self.spread_ticks} and least barrier {self.least_ticks} ticks must be positive, "
                f"barrier_atr {self.barrier_atr} not negative"
            )
        _ = self.latency, self.thresholds  # complain about the sample, and about a threshold
        check_half_life(self.half_life_sessions)
        if self.classes not in ("side", "touch"):
            raise ConfigError(f"tick training: classes is {self.classes!r}, expected side or touch")
        if self.gaps not in ("refuse", "drop"):
            raise ConfigError(f"tick training: gaps is {self.gaps!r}, expected refuse or drop")
        if self.name:
            check_name(self.name)
        resolve(self.features)  # complains about names
        require_candidates(self.candidates)

    @property
    def thresholds(self) -> DetectorSettings | None:
        """Thresholds of the detectors; None for the defaults."""
        return thresholds_of(self.detectors, "tick training, detectors")

    @property
    def latency(self) -> Latency:
        """From a decision to the arrival of its order."""
        return Latency.of(self.latency_ms, self.latency_sample_ns, self.seed)
