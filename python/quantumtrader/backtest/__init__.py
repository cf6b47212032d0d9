"""Replay of recorded events through features, strategy, risk and a simulated venue, with an honest report."""

from __future__ import annotations

from quantumtrader.backtest.baselines import Baselines, compute_baselines
from quantumtrader.backtest.desk import VenueSettings
from quantumtrader.backtest.harness import Backtest, BacktestResult, BacktestSettings
from quantumtrader.backtest.market import MarketPath
from quantumtrader.backtest.report import render_report
from quantumtrader.backtest.save import save_result
from quantumtrader.backtest.statistics import Summary, summarise
from quantumtrader.backtest.verdict import verdict

__all__ = [
    "Backtest",
    "BacktestResult",
    "BacktestSettings",
    "Baselines",
    "MarketPath",
    "Summary",
    "VenueSettings",
    "compute_baselines",
    "render_report",
    "save_result",
    "summarise",
    "verdict",
]
