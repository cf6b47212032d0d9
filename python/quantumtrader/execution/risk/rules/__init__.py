"""The rules, in the order in which they are asked: what is wrong for sure before what is a matter of limits.

A new rule is a file here and a line in ``RULES``.
"""

from __future__ import annotations

from quantumtrader.execution.risk.check import Rule
from quantumtrader.execution.risk.rules import (
    auction,
    contract_roll,
    correlation,
    daily_loss,
    exit_price,
    invalid_book,
    kill_switch,
    lot_multiple,
    max_notional,
    max_order_size,
    no_price,
    no_touch,
    open_positions,
    order_rate,
    position_limit,
    price_collar,
    reduce_only,
    risk_reward,
    stale_data,
    trade_risk,
    trading_hours,
    unknown_state,
    volatility,
)

__all__ = ["RULES"]

RULES: tuple[Rule, ...] = (
    kill_switch.RULE,
    unknown_state.RULE,
    lot_multiple.RULE,
    max_order_size.RULE,
    reduce_only.RULE,
    trading_hours.RULE,
    auction.RULE,
    contract_roll.RULE,
    stale_data.RULE,
    invalid_book.RULE,
    no_touch.RULE,
    no_price.RULE,
    price_collar.RULE,
    exit_price.RULE,
    max_notional.RULE,
    position_limit.RULE,
    open_positions.RULE,
    correlation.RULE,
    daily_loss.RULE,
    trade_risk.RULE,
    risk_reward.RULE,
    volatility.RULE,
    order_rate.RULE,
)
