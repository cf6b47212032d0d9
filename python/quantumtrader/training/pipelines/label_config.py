"""What labels of a recording are asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.labels import Latency
from quantumtrader.training.pipelines.book_task import HORIZONS, TARGETS
from quantumtrader.training.pipelines.sides import Sides

__all__ = ["LABELS", "LEARNED", "READ_BY", "SIDES", "LabelConfig"]

_BARRIER = ("side", "touch", "meta")
_VENUE = ("fill", "markout")
LEARNED = ("side", "touch", *TARGETS)
"""Barrier labels (see ``BarrierTask``) and the targets of the book: what trainings learn."""
LABELS = (*LEARNED, "volatility", "meta", *_VENUE)
"""The same, and labels that no training learns."""
_TRADED = (*_BARRIER, *HORIZONS, "price_move_1min", *_VENUE)

READ_BY = {
    "horizon_s": tuple(k for k in LABELS if k not in _VENUE),
    "every_s": tuple(k for k in LABELS if k != "meta"),
    "barrier_atr": _BARRIER,
    "least_ticks": _BARRIER,
    "spread_ticks": tuple(k for k in LABELS if k not in _VENUE),
    "latency_ms": _TRADED,
    "latency_from": _TRADED,
    "seed": _TRADED,
    "slippage_ticks": ("meta",),
    "strategy": ("meta",),
    "param": ("meta",),
    "sides": ("meta",),
    "fitted": ("meta",),
    "detector_settings": ("meta",),
    "side": _VENUE,
    "wait_s": _VENUE,
    "queue": _VENUE,
    "after_s": ("markout",),
}
"""Option to the labels that read it; an option that is not here is read by all."""

SIDES = {"buy": (1,), "sell": (-1,), "both": (1, -1)}
"""Sides on which an order joins the best price."""
_QUEUES = ("pessimistic", "proportional", "exact")


@dataclass(frozen=True, slots=True)
class LabelConfig:
    """What is labelled, and how. Ticks are those of the exchange.

    Parameters
    ----------
    label : str
        One of ``LABELS``.
    clock : str
        When rows are taken; fits label and data when empty.
    horizon_s : float
        How far the label looks; 0 as the trainings do, and for ``volatility`` as for barriers.
    every_s : float
        Time between decisions; 0 as the trainings do, for ``volatility`` a quarter of the horizon, for ``fill`` and
        ``markout`` the wait.
    barrier_atr, least_ticks, spread_ticks, gaps
        As of ``TickConfig``.
    latency_ms, latency_sample_ns, seed
        As of ``TickConfig``.
    sides : Sides or None
        ``meta``: the primary's; its decisions are those that are labelled.
    slippage_ticks : float
        ``meta``: cost of a round trip beyond spread and fees.
    side : str
        ``fill`` and ``markout``: ``buy`` joins the bid, ``sell`` the ask, ``both`` does both at every decision.
    wait_s : float
        From the decision until the order is cancelled.
    queue : str
        Model of the venue.
    after_s : tuple of float
        ``markout``: horizons after the fill, ascending; the first is the label.
    """

    label: str = "side"
    clock: str = ""
    horizon_s: float = 0.0
    every_s: float = 0.0
    barrier_atr: float = 2.0
    least_ticks: float = 4.0
    spread_ticks: float = 1.0
    gaps: str = "refuse"
    latency_ms: float = 200.0
    latency_sample_ns: tuple[int, ...] | None = None
    seed: int = 7
    sides: Sides | None = None
    slippage_ticks: float = 1.0
    side: str = "both"
    wait_s: float = 10.0
    queue: str = "pessimistic"
    after_s: tuple[float, ...] = (1.0, 5.0, 30.0)

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise ConfigError(f"no label {self.label!r}; there are {', '.join(LABELS)}")
        numbers = {n: getattr(self, n) for n in ("horizon_s", "every_s", "latency_ms", "slippage_ticks")}
        odd = [name for name, value in numbers.items() if not (math.isfinite(value) and value >= 0)]
        if odd:
            raise ConfigError(f"labels: {odd[0]} is {numbers[odd[0]]}, expected 0 or more")
        if not (math.isfinite(self.wait_s) and self.wait_s > 0):
            raise ConfigError(f"labels: wait_s is {self.wait_s}, expected a positive number of seconds")
        later = list(self.after_s)
        if not later or later != sorted(set(later)) or not all(math.isfinite(s) and s > 0 for s in later):
            raise ConfigError(f"labels: after_s is {later}, expected positive seconds, ascending")
        for name, value, known in (("side", self.side, tuple(SIDES)), ("queue", self.queue, _QUEUES)):
            if value not in known:
                raise ConfigError(f"labels: {name} is {value!r}, expected one of {', '.join(known)}")
        if (self.label == "meta") != (self.sides is not None):
            raise ConfigError(
                f"labels: {self.label} {'needs' if self.label == 'meta' else 'takes no'} sides of a primary strategy"
            )
        _ = self.latency  # complains about the sample

    @property
    def latency(self) -> Latency:
        """From a decision to the arrival of its order."""
        return Latency.of(self.latency_ms, self.latency_sample_ns, self.seed)

    @property
    def study(self) -> str | None:
        """Label of the study of trainings that learn this (see ``Study.of``); None where no training learns it."""
        if self.label not in LEARNED:
            return None
        return "triple_barrier" if self.label in _BARRIER else self.label
