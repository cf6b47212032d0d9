"""The gate that every order passes.

Nothing but ``RiskManager.check`` makes an ``Approved``, and ``OrderManager.submit`` takes nothing else, so an unchecked
order is a type error. An approval holds for one order, for a short time, and not past a move of the kill switch. The
manager has no learned parameter; it counts in contracts, ticks and money.

Every rule fails closed: it passes only what it can show to be within the limit, so an input that is NaN, None or
absent refuses. Exits (``reduce_only``) are not held back by the rules that stop new risk.
"""

from __future__ import annotations

from quantumtrader.execution.risk.approval import Approved, Refused
from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.correlations import measure_correlations
from quantumtrader.execution.risk.kill_switch import KillSwitch
from quantumtrader.execution.risk.limits import RiskLimits, limits_from_config, load_limits
from quantumtrader.execution.risk.manager import RiskManager
from quantumtrader.execution.risk.rules import RULES
from quantumtrader.execution.risk.rules.trading_hours import hours_on
from quantumtrader.execution.risk.state import Exposure, Plan, RiskState, TradePlan

__all__ = [
    "RULES",
    "Approved",
    "Broken",
    "Check",
    "Exposure",
    "KillSwitch",
    "Plan",
    "Refused",
    "RiskLimits",
    "RiskManager",
    "RiskState",
    "Rule",
    "TradePlan",
    "hours_on",
    "limits_from_config",
    "load_limits",
    "measure_correlations",
]
