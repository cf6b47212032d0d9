"""From a signal to a risk-approved order, its fills, and the ledger in money."""

from __future__ import annotations

from quantumtrader.execution.brackets import Bracket, BracketPhase, BracketPlan, CancelOrder, Send
from quantumtrader.execution.desk import DeskSettings, LiveDesk, StopMode
from quantumtrader.execution.gateway import (
    GatewayReport,
    OrderDetails,
    OrderGateway,
    OrderRef,
    OrderStage,
    OrderTicket,
    ReportKind,
    VendorPosition,
)
from quantumtrader.execution.ledger import Ledger, Trade
from quantumtrader.execution.manager import ManagerSettings, OrderExecutionManagerV4
from quantumtrader.execution.order_journal import OrderJournal
from quantumtrader.execution.orders import (
    JournalEntry,
    OrderManager,
    OrderState,
    OrderStatus,
    OrderTable,
    Report,
)
from quantumtrader.execution.paper import PaperBroker, PaperGateway
from quantumtrader.execution.predictions import Prediction
from quantumtrader.execution.reconcile import (
    Finding,
    FindingKind,
    ForeignPolicy,
    ReconcileReport,
    ReconcileSettings,
)
from quantumtrader.execution.recovery import Books, open_journal
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
    "Books",
    "Bracket",
    "BracketPhase",
    "BracketPlan",
    "CancelOrder",
    "Exposure",
    "DeskSettings",
    "Finding",
    "FindingKind",
    "ForeignPolicy",
    "GatewayReport",
    "JournalEntry",
    "KillSwitch",
    "Ledger",
    "LiveDesk",
    "ManagerSettings",
    "MarketState",
    "OrderDetails",
    "OrderExecutionManagerV4",
    "OrderGateway",
    "OrderJournal",
    "OrderManager",
    "OrderRef",
    "OrderStage",
    "OrderState",
    "OrderStatus",
    "OrderTable",
    "OrderTicket",
    "PaperBroker",
    "PaperGateway",
    "Prediction",
    "ReconcileReport",
    "ReconcileSettings",
    "Refused",
    "Report",
    "ReportKind",
    "RiskLimits",
    "RiskManager",
    "RiskState",
    "Send",
    "Signal",
    "SignalAction",
    "SignalConfig",
    "SignalGenerator",
    "StopMode",
    "Strategy",
    "Trade",
    "VendorPosition",
    "bind_strategy",
    "has_parameter",
    "limits_from_config",
    "load_limits",
    "make_strategy",
    "open_journal",
    "measure_correlations",
    "register_strategy",
    "strategies",
    "strategy_parameters",
]
