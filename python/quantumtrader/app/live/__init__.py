"""Live trading: one strategy on one contract, recorded so that it can be lived again to the bit."""

from __future__ import annotations

from quantumtrader.app.live.gateway_source import GatewaySource
from quantumtrader.app.live.loop import LiveLoop, LoopSettings, Sample
from quantumtrader.app.live.plan import Planned, RunRequest, plan_run
from quantumtrader.app.live.profit_source import ProfitSource
from quantumtrader.app.live.relive import Relived, relive
from quantumtrader.app.live.results import LiveReport, write_results
from quantumtrader.app.live.runner import LiveRun, RunResult, RunSettings, RunStatus
from quantumtrader.app.live.source import EventSource
from quantumtrader.app.live.spec import SessionSpec

__all__ = [
    "EventSource",
    "GatewaySource",
    "LiveLoop",
    "LiveReport",
    "LiveRun",
    "LoopSettings",
    "Planned",
    "ProfitSource",
    "Relived",
    "RunRequest",
    "RunResult",
    "RunSettings",
    "RunStatus",
    "Sample",
    "SessionSpec",
    "plan_run",
    "relive",
    "write_results",
]
