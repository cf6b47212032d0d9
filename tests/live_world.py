"""A market that tests hold in their hands, and a paper session on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader.app.live import (
    LiveLoop,
    LiveRun,
    LoopSettings,
    RunResult,
    RunSettings,
    Sample,
    SessionSpec,
)
from quantumtrader.app.live.spec import build
from quantumtrader.data.contracts import instrument
from quantumtrader.execution import (
    OrderGateway,
    OrderJournal,
    RiskLimits,
    Signal,
    SignalAction,
)
from quantumtrader.execution.signals import MarketState
from quantumtrader.types import Events, Instrument, empty_events

MINUTE = 60_000_000_000


def wdo() -> Instrument:
    return replace(instrument("WDOU25"), fee=1.2)


@cache
def session(minutes: int = 12, seed: int = 7) -> Events:
    """A synthetic session: auction, opening, trades and orders."""
    events: Events = _backend.core().generate_session(seed=seed, duration_ns=minutes * MINUTE)
    return events


@dataclass(frozen=True, slots=True)
class Turns:
    """Buys and sells in turns, whatever the market does: many trades in a short session."""

    every_s: float = 20.0
    fail_after: int = 0
    size: int = 1

    @property
    def name(self) -> str:
        return "turns"

    @property
    def features(self) -> tuple[str, ...]:
        return ("flow_ofi_1m", "book_ofi_norm_1m")

    @property
    def clock(self) -> str:
        return "100ms"

    @property
    def rule(self) -> str:
        return "In turns."

    def evaluate(self, row: npt.NDArray[np.float64], market: MarketState) -> Signal:
        age = (market.ts - market.open_since_ts) / 1e9
        if self.fail_after and age > self.fail_after:
            raise ValueError("this strategy is broken")
        if market.busy or age < 5.0 or market.ts % round(self.every_s * 1e9) >= 1_000_000_000:
            return Signal(market.ts, SignalAction.HOLD, "waiting")
        action = SignalAction.BUY if market.ts // round(self.every_s * 1e9) % 2 else SignalAction.SELL
        return Signal(market.ts, action, "turn", self.size, 4, 3, 15_000_000_000)


def spec(**changes: Any) -> SessionSpec:
    """A paper session of the strategy above."""
    loop = changes.pop("loop", LoopSettings(first_day=date(2025, 8, 4), stamp="ts_event"))
    limits = changes.pop("limits", RiskLimits(daily_loss=100_000.0))
    return SessionSpec(
        **{
            "mode": "paper",
            "account": "paper",
            "instrument": wdo(),
            "limits": limits,
            "strategy": "live_world:Turns",
            "loop": loop,
            **changes,
        }
    )


def run_loop(
    made: SessionSpec, batches: Iterable[Events], folder: Path
) -> tuple[LiveLoop, list[Sample], bytes]:
    """Live through batches; returns the loop, its rows and its order journal."""
    folder.mkdir(parents=True, exist_ok=True)
    samples: list[Sample] = []
    path = folder / "orders.journal"
    with OrderJournal(path, power_safe=False) as journal:
        loop = build(made, journal, None, samples.append)
        for batch in batches:
            loop.turn(batch, 0)
    return loop, samples, path.read_bytes()


@dataclass
class Market:
    """An ``EventSource`` over events in memory."""

    events: Events
    batch: int = 500
    ends: bool = True
    synthetic: bool = True
    name: str = "test"
    troubled: str = ""
    broken_at: int = -1
    pause: float = 0.0
    past: Events = field(default_factory=empty_events)
    broker: OrderGateway | None = None
    opened: bool = False
    closed: bool = False
    at: int = 0
    _drained: bool = False
    _now: int = 0

    def open(self, instrument: Instrument, *, routing: bool) -> None:
        self.opened = True

    def today(self) -> date:
        return date(2025, 8, 4)

    def history(self, days: int, timeout_s: float, stopped: Callable[[], bool]) -> tuple[Events, str]:
        return self.past, "" if len(self.past) else "the vendor has none"

    def read(self) -> tuple[Events, int]:
        if self.broken_at >= 0 and self.at >= self.broken_at:
            raise RuntimeError("the source fell over")
        if self.pause:
            threading.Event().wait(self.pause)
        part = self.events[self.at : self.at + self.batch]
        self.at += len(part)
        self._drained = not len(part)
        if len(part):
            self._now = max(self._now, int(part["ts_event"].max()))
        return part, self._now

    @property
    def over(self) -> bool:
        return self.ends and self._drained

    def gateway(self, account: str) -> OrderGateway:
        assert self.broker is not None
        return self.broker

    def poll(self) -> None:
        pass

    def trouble(self) -> str:
        return self.troubled

    def take_news(self) -> list[str]:
        return []

    def close(self) -> None:
        self.closed = True


def run_session(
    market: Market,
    folder: Path,
    made: SessionSpec | None = None,
    stop: threading.Event | None = None,
    **settings: Any,
) -> tuple[LiveRun, RunResult]:
    """Run a whole session in this process."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = {"kill_file": folder / "kill", "min_free_bytes": 0, **settings}
    run = LiveRun(made or spec(), market, RunSettings(folder, **chosen))
    return run, run.run(stop or threading.Event())
