"""Strategies that ship with the package: one file each, one line here."""

from __future__ import annotations

from quantumtrader.execution.strategies.bar_trend_baseline import BarTrendBaseline
from quantumtrader.execution.strategies.order_flow_baseline import OrderFlowBaseline

__all__ = ["BarTrendBaseline", "OrderFlowBaseline"]
