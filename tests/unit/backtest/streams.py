"""Small hand-made streams for the tests of the replay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time

import numpy as np
import numpy.typing as npt

from quantumtrader.execution import MarketState, Signal, SignalAction
from quantumtrader.types import EVENT, Events, Instrument, Kind, SessionHours

SECOND = 1_000_000_000
T0 = 1_754_395_200 * SECOND  # 2025-08-05 09:00:00 in São Paulo (12:00 UTC)
WDO = Instrument(
    "WDOU25", "WDO", 0.5, 10.0, hours=(SessionHours(date(2021, 1, 1), time(9), time(18, 30)),), fee=0.90
)
WIN = Instrument(
    "WINQ25", "WIN", 5.0, 0.2, hours=(SessionHours(date(2021, 1, 1), time(9), time(18, 25)),), fee=0.25
)


def stream(rows: Iterable[dict[str, int]]) -> Events:
    """Events from fields; ``at`` is in nanoseconds after 09:00, sequence and receive time follow."""
    rows = list(rows)
    events = np.zeros(len(rows), EVENT)
    for k, row in enumerate(rows):
        fields = dict(row)
        events[k]["ts_event"] = T0 + fields.pop("at")
        events[k]["sequence"] = k
        for name, value in fields.items():
            events[k][name] = value
    events["ts_recv"] = np.maximum.accumulate(events["ts_event"])
    return events


def quote(at: float, bid: int, ask: int, size: int = 50) -> dict[str, int]:
    return {
        "at": round(at * SECOND),
        "kind": Kind.QUOTE,
        "px": bid,
        "px_ask": ask,
        "size": size,
        "size_ask": size,
    }


def trade(at: float, px: int, size: int = 1, side: int = 1, flags: int = 0) -> dict[str, int]:
    return {
        "at": round(at * SECOND),
        "kind": Kind.TRADE,
        "px": px,
        "size": size,
        "side": side,
        "flags": flags,
    }


def marker(at: float, phase: int) -> dict[str, int]:
    return {"at": round(at * SECOND), "kind": Kind.SESSION, "action": phase}


@dataclass(frozen=True)
class AtTimes:
    """Enters at given seconds after 09:00, whatever the features say."""

    entries: tuple[tuple[float, int], ...] = ()
    size: int = 1
    stop_ticks: int = 4
    target_ticks: int = 6
    hold_s: float = 0.0
    name: str = "at_times"
    rule: str = "Enter at given times."
    features: tuple[str, ...] = ("cvd_session",)
    clock: str = "100ms"

    def evaluate(self, row: npt.NDArray[np.float64], market: MarketState) -> Signal:
        for at, side in self.entries:
            if market.ts == T0 + round(at * SECOND) and not market.busy:
                action = SignalAction.BUY if side > 0 else SignalAction.SELL
                return Signal(
                    market.ts, action, "time_has_come", self.size, self.stop_ticks, self.target_ticks,
                    round(self.hold_s * SECOND),
                )  # fmt: skip
        return Signal(market.ts, SignalAction.HOLD, "not_yet")
