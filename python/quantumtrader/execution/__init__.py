"""From a signal to a risk-approved order, its fills, and the ledger in money."""

from __future__ import annotations

from quantumtrader.execution.brackets import Bracket, BracketPhase, BracketPlan, CancelOrder, Send
from quantumtrader.execution.ledger import Ledger, Trade
from quantumtrader.execution.order_journal import OrderJournal
from quantumtrader.execution.orders import JournalEntry, OrderManager, OrderState, OrderStatus, Report
from quantumtrader.execution.registry import has_parameter, make_strategy, strategies, strategy_parameters
from quantumtrader.execution.risk import Approved, Refused, RiskLimits, RiskManager, RiskState
from quantumtrader.execution.signals import MarketState, Signal, SignalAction
from quantumtrader.execution.strategy import Strategy, register_strategy

__all__ = [
    "Approved",
    "Bracket",
    "BracketPhase",
    "BracketPlan",
    "CancelOrder",
    "JournalEntry",
    "Ledger",
    "MarketState",
    "OrderJournal",
    "OrderManager",
    "OrderState",
    "OrderStatus",
    "Refused",
    "Report",
    "RiskLimits",
    "RiskManager",
    "RiskState",
    "Send",
    "Signal",
    "SignalAction",
    "Strategy",
    "Trade",
    "has_parameter",
    "make_strategy",
    "register_strategy",
    "strategies",
    "strategy_parameters",
]
