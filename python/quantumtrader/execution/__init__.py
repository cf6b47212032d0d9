"""From a signal to a risk-approved order, its fills, and the ledger in money."""

from __future__ import annotations

from quantumtrader.execution.brackets import Bracket, BracketPhase, BracketPlan, CancelOrder, Send
from quantumtrader.execution.ledger import Ledger, Trade
from quantumtrader.execution.orders import JournalEntry, OrderManager, OrderState, OrderStatus, Report
from quantumtrader.execution.predictions import Prediction
from quantumtrader.execution.registry import has_parameter, make_strategy, strategies, strategy_parameters
from quantumtrader.execution.risk import (
    Approved,
    Exposure,
    KillSwitch,
    Refused,
    RiskLimits,
    RiskManager,
    RiskState,
    limits_from_config,
    load_limits,
    measure_correlations,
)
from quantumtrader.execution.signal_generator import SignalConfig, SignalGenerator
from quantumtrader.execution.signals import MarketState, Signal, SignalAction
from quantumtrader.execution.strategy import Strategy, bind_strategy, register_strategy

__all__ = [
    "Approved",
    "Bracket",
    "BracketPhase",
    "BracketPlan",
    "CancelOrder",
    "Exposure",
    "JournalEntry",
    "KillSwitch",
    "Ledger",
    "MarketState",
    "OrderManager",
    "OrderState",
    "OrderStatus",
    "Prediction",
    "Refused",
    "Report",
    "RiskLimits",
    "RiskManager",
    "RiskState",
    "Send",
    "Signal",
    "SignalAction",
    "SignalConfig",
    "SignalGenerator",
    "Strategy",
    "Trade",
    "bind_strategy",
    "has_parameter",
    "limits_from_config",
    "load_limits",
    "make_strategy",
    "measure_correlations",
    "register_strategy",
    "strategies",
    "strategy_parameters",
]
