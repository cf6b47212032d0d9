"""What a book training does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from quantumtrader.exceptions import ConfigError
from quantumtrader.features.detectors import DetectorSettings
from quantumtrader.features.given import thresholds_of
from quantumtrader.features.sets import resolve
from quantumtrader.models.folder import check_name
from quantumtrader.training.labels import Latency, Pace
from quantumtrader.training.pipelines.book_task import targets_of
from quantumtrader.training.pipelines.candidates import Candidates, require_candidates
from quantumtrader.training.weights import check_half_life

__all__ = ["BookConfig"]


@dataclass(frozen=True, slots=True)
class BookConfig:
    """What a book training does.

    Parameters
    ----------
    name : str
        Before the names of the models, one for each target; by the symbol when empty.
    targets : tuple of str
        ``direction`` (at 0.5, 1, 2 and 4 mean times between changes of the mid), ``spread_change``, ``price_move_1min``,
        ``order_imbalance``.
    features : str or tuple of str
    clock : str
        When rows are taken; ``event``, or ``100ms`` for sessions of more than 300,000 events, when empty.
    heartbeat_s : float
        A decision at least so often; 0 for half of the mean time between changes, at least 0.1.
    max_rows : int
        Beyond it every second, third, … decision counts.
    slippage_ticks, margin, latency_ms, latency_sample_ns, half_life_sessions
        As of a tick training; with blocks of time in place of sessions the half-life is in blocks.
    groups, test_groups, walk, vault, candidates, gaps, valid_sessions, seed, detectors
        As of a tick training.
    """

    name: str = ""
    targets: tuple[str, ...] = ("direction", "spread_change", "price_move_1min", "order_imbalance")
    features: str | tuple[str, ...] = "book_enhanced"
    clock: str = ""
    heartbeat_s: float = 0.0
    max_rows: int = 60_000
    slippage_ticks: float = 0.0
    margin: float = 0.1
    latency_ms: float = 20.0
    latency_sample_ns: tuple[int, ...] | None = None
    half_life_sessions: float | None = None
    groups: int = 6
    test_groups: int = 2
    walk: tuple[int, int, int] = (15, 1, 1)
    vault: float = 0.2
    candidates: Candidates = "standard"
    gaps: str = "refuse"
    valid_sessions: int = 30
    seed: int = 7
    detectors: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        numbers = {
            "heartbeat_s": self.heartbeat_s,
            "slippage_ticks": self.slippage_ticks,
            "latency_ms": self.latency_ms,
        }
        odd = [name for name, value in numbers.items() if not (math.isfinite(value) and value >= 0)]
        if odd:
            raise ConfigError(f"book training: {odd[0]} is {numbers[odd[0]]}, expected 0 or more")
        _ = self.latency, self.thresholds  # complain about the sample, and about a threshold
        check_half_life(self.half_life_sessions)
        if self.max_rows < 100 or not self.targets:
            raise ConfigError(
                f"book training: {self.max_rows} rows at most and {len(self.targets)} targets, expected at least 100 and 1"
            )
        targets_of(self.targets, Pace(1e9, 1.0))  # complains about names
        if self.gaps not in ("refuse", "drop"):
            raise ConfigError(f"book training: gaps is {self.gaps!r}, expected refuse or drop")
        if self.name:
            check_name(self.name)
        resolve(self.features)  # complains about names
        require_candidates(self.candidates)

    @property
    def thresholds(self) -> DetectorSettings | None:
        """Thresholds of the detectors; None for the defaults."""
        return thresholds_of(self.detectors, "book training, detectors")

    @property
    def latency(self) -> Latency:
        """From a decision to the arrival of its order."""
        return Latency.of(self.latency_ms, self.latency_sample_ns, self.seed)
