"""The rules for new risk, in R$ of the instrument table, by hand; all of them fail closed and none holds an exit back."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from quantumtrader.data.contracts import instrument
from quantumtrader.exceptions import ConfigError
from quantumtrader.execution import (
    Approved,
    Refused,
    RiskLimits,
    RiskManager,
    RiskState,
    measure_correlations,
)
from quantumtrader.execution.risk import RULES, Exposure, Plan
from quantumtrader.types import PX_NONE, Order, OrderType

WDO = dataclasses.replace(instrument("WDOU25"), fee=1.0)
WIN = dataclasses.replace(instrument("WINV25"), fee=0.5)
NOON = int(datetime(2025, 8, 5, 15, 0, tzinfo=UTC).timestamp()) * 10**9  # Tuesday, 12:00 in São Paulo
SECOND, MINUTE, HOUR = 10**9, 60 * 10**9, 3600 * 10**9
WIDE: dict[str, Any] = {
    "max_position": 1000,
    "max_order_size": 1000,
    "daily_loss": 1e6,
    "orders_per_minute": 1000,
}
# WDO at 5,400.5 points: 10,801 ticks of 0.5. WIN at 135,000 points: 27,000 ticks of 5.
AT_WDO = RiskState(NOON, 0, 0, 0, 0.0, 0.0, bid_px=10_800, ask_px=10_801, last_px=10_800)
AT_WIN = RiskState(NOON, 0, 0, 0, 0.0, 0.0, bid_px=26_999, ask_px=27_000, last_px=26_999)


def ask(
    limits: dict[str, Any], state: RiskState, order: Order | None = None, inst: Any = WDO
) -> Refused | None:
    answer = RiskManager(RiskLimits(**{**WIDE, **limits}), inst).check(order or Order(1, 1, 1), state)
    if isinstance(answer, Approved):
        return None
    assert answer.rule in answer.message
    assert all(
        math.isfinite(v) or v in (math.inf, -math.inf) or math.isnan(v) for v in answer.numbers.values()
    )
    return answer


def rule_of(*args: Any, **kwargs: Any) -> str:
    answer = ask(*args, **kwargs)
    return "" if answer is None else answer.rule


def at(state: RiskState = AT_WDO, **change: Any) -> RiskState:
    return dataclasses.replace(state, **change)


# ---- money


def test_trade_risk_in_reais() -> None:
    # WDO: stop 8 ticks = 4 points = R$ 40 per contract; 3 contracts lose R$ 120, and 3 x 2 x R$ 1 fees.
    plan = Plan(3, 8, 16)
    assert ask({"max_trade_risk": 126.0}, at(trade=plan), Order(1, 1, 3)) is None
    answer = ask({"max_trade_risk": 125.99}, at(trade=plan), Order(1, 1, 3))
    assert answer is not None
    assert (answer.rule, answer.numbers["loss"], answer.numbers["limit"]) == ("trade_risk", 126.0, 125.99)
    # A slice of it is judged as the whole trade.
    assert rule_of({"max_trade_risk": 125.99}, at(trade=plan), Order(1, 1, 1)) == "trade_risk"
    # WIN: stop 20 ticks = 100 points = R$ 20 per contract; 5 contracts lose R$ 100, and 5 x 2 x R$ 0.50.
    plan = Plan(5, 20, 40)
    assert ask({"max_trade_risk": 105.0}, at(AT_WIN, trade=plan), Order(1, 1, 5), WIN) is None
    answer = ask({"max_trade_risk": 104.99}, at(AT_WIN, trade=plan), Order(1, 1, 5), WIN)
    assert answer is not None
    assert answer.numbers["loss"] == 105.0
    # Never more contracts than the plan says without being counted.
    answer = ask({"max_trade_risk": 60.0}, at(trade=Plan(1, 8, 16)), Order(1, 1, 2))
    assert answer is not None
    assert answer.numbers["loss"] == 84.0


def test_risk_per_trade_as_a_share_of_the_capital() -> None:
    plan = Plan(3, 8, 16)  # R$ 126 as above; 2 % of R$ 6,300
    limits = {"risk_per_trade": 0.02}
    assert ask(limits, at(trade=plan, capital=6_300.0)) is None
    answer = ask(limits, at(trade=plan, capital=6_299.0))
    assert answer is not None
    assert "2.00% of 6299.00" in answer.message
    assert rule_of(limits, at(trade=plan)) == "trade_risk"
    for unknown in (math.nan, math.inf):
        assert rule_of({**limits, "capital": 1e6}, at(trade=plan, capital=unknown)) == "trade_risk"
    assert ask({**limits, "capital": 6_300.0}, at(trade=plan)) is None
    assert rule_of({**limits, "capital": 1e6}, at(trade=plan, capital=6_299.0)) == "trade_risk"
    assert rule_of({**limits, "max_trade_risk": 100.0}, at(trade=plan, capital=1e6)) == "trade_risk"


def test_risk_reward() -> None:
    limits = {"min_risk_reward": 2.0}
    assert ask(limits, at(trade=Plan(1, 5, 10))) is None
    answer = ask(limits, at(trade=Plan(1, 5, 9)))
    assert answer is not None
    assert (answer.rule, dict(answer.numbers)) == ("risk_reward", {"target": 9, "stop": 5, "limit": 2.0})
    for plan in (None, Plan(1, math.nan, 10), Plan(1, 5, math.nan), Plan(1, 0, 10)):
        assert rule_of(limits, at(trade=plan)) == "risk_reward"


def test_notional_in_reais() -> None:
    # 2 WDO at 5,400.5 points x R$ 10 = R$ 108,010; 4 WIN at 135,000 points x R$ 0.20 = R$ 108,000.
    assert ask({"max_notional": 108_010.0}, AT_WDO, Order(1, 1, 2)) is None
    answer = ask({"max_notional": 108_009.0}, AT_WDO, Order(1, 1, 2))
    assert answer is not None
    assert (answer.rule, answer.numbers["value"]) == ("max_notional", 108_010.0)
    assert ask({"max_notional": 108_000.0}, AT_WIN, Order(1, 1, 4), WIN) is None
    assert rule_of({"max_notional": 107_999.0}, AT_WIN, Order(1, 1, 4), WIN) == "max_notional"
    limit = Order(1, 1, 2, OrderType.LIMIT, 10_790)  # valued at its own price: R$ 107,900
    assert ask({"max_notional": 107_900.0}, AT_WDO, limit) is None


def test_open_positions() -> None:
    assert ask({"max_open_positions": 2}, at(open_trades=1)) is None
    assert rule_of({"max_open_positions": 2}, at(open_trades=2)) == "open_positions"
    for unknown in (None, math.nan, -1):
        assert rule_of({"max_open_positions": 2}, at(open_trades=unknown)) == "open_positions"


# ---- correlation

LONG_WIN = Exposure.of(WIN, 4, 27_000)  # R$ 108,000


def test_exposure_in_reais() -> None:
    assert LONG_WIN.amount == pytest.approx(108_000.0)
    assert Exposure.of(WDO, -2, 10_801).amount == -108_010.0
    assert math.isnan(Exposure.of(WDO, 1, PX_NONE).amount)
    assert Exposure.of(WDO, 0, PX_NONE).amount == 0.0


def test_correlated_exposure_by_hand() -> None:
    # Short 2 WDO (bid 5,400: R$ -108,000) and long WIN at rho -0.6 are one bet:
    # sqrt(108000^2 + 108000^2 + 2 x 0.6 x 108000^2) = 108000 x sqrt(3.2) = 193,196.27.
    sell = Order(1, -1, 2)
    limits = {"correlations": {"WIN/WDO": -0.6}}
    state = at(others=(LONG_WIN,))
    answer = ask({**limits, "max_correlated_exposure": 193_196.0}, state, sell)
    assert answer is not None
    assert answer.rule == "correlation"
    assert answer.numbers["combined"] == pytest.approx(108_000 * math.sqrt(3.2))
    assert ask({**limits, "max_correlated_exposure": 193_197.0}, state, sell) is None
    # Long WDO would have offset it; that is worth nothing, but costs nothing either: 108,010 and 108,000, uncorrelated.
    root = math.hypot(108_010, 108_000)
    assert ask({**limits, "max_correlated_exposure": root + 0.01}, state, Order(1, 1, 2)) is None
    assert rule_of({**limits, "max_correlated_exposure": root - 0.01}, state, Order(1, 1, 2)) == "correlation"
    # What is held and works already counts.
    held = at(state, position=-1, working_sell=1)
    assert rule_of({**limits, "max_correlated_exposure": 193_197.0}, held, sell) == "correlation"


def test_unknown_correlation_refuses_or_is_one() -> None:
    state = at(others=(LONG_WIN,))
    answer = ask({"max_correlated_exposure": 1e9}, state)
    assert answer is not None
    assert "WDO/WIN is not known" in answer.message
    one = {"unknown_correlation": "one"}
    for side, px in ((1, 108_010), (-1, 108_000)):  # whatever the sides, they lose together
        order = Order(1, side, 2)
        assert ask({**one, "max_correlated_exposure": px + 108_000.01}, state, order) is None
        assert rule_of({**one, "max_correlated_exposure": px + 107_999.99}, state, order) == "correlation"
    assert ask({"max_correlated_exposure": 1e9}, at(state, correlations={"WDO/WIN": -0.5})) is None
    assert (
        rule_of({"max_correlated_exposure": 1e9}, at(state, correlations={"WDO/WIN": math.nan}))
        == "correlation"
    )
    assert rule_of({"max_correlated_exposure": 1e9}, AT_WDO) == "correlation"
    assert ask({"max_correlated_exposure": 1e9}, at(others=())) is None
    lost = dataclasses.replace(LONG_WIN, amount=math.nan)
    assert rule_of({**one, "max_correlated_exposure": 1e9}, at(others=(lost,))) == "correlation"
    next_month = Exposure("WDOV25", "WDO", 54_000.0)  # one product is one bet
    answer = ask({"max_correlated_exposure": 108_000.0}, at(others=(next_month,)))
    assert answer is not None
    assert answer.numbers["combined"] == pytest.approx(54_005.0 + 54_000.0)


def test_correlations_are_measured_and_absent_where_they_are_not_known() -> None:
    rng = np.random.default_rng(3)
    wdo = rng.normal(size=500)
    win = -0.6 * wdo + 0.8 * rng.normal(size=500)
    win[3] = np.nan
    found = measure_correlations({"WIN": win, "WDO": wdo, "FLAT": np.full(500, 0.1)})
    known = np.isfinite(win)
    assert found == {"WDO/WIN": pytest.approx(np.corrcoef(wdo[known], win[known])[0, 1], abs=1e-12)}
    assert measure_correlations({"A": wdo[:29], "B": win[-29:]}) == {}
    with pytest.raises(ConfigError, match="not of one length"):
        measure_correlations({"A": wdo, "B": win[1:]})


# ---- time


def test_hours_by_weekday_and_pauses() -> None:
    limits = {
        "trading_from": time(10),
        "trading_weekdays": {"tue": (time(11), time(13)), "wed": None},
        "trading_pauses": ((time(12, 30), time(12, 45)),),
    }
    assert ask(limits, AT_WDO) is None
    assert rule_of(limits, at(ts=NOON - HOUR - 1)) == "trading_hours"  # Tuesday before 11:00
    assert rule_of(limits, at(ts=NOON + HOUR)) == "trading_hours"  # 13:00
    assert rule_of(limits, at(ts=NOON + 30 * MINUTE)) == "trading_hours"
    assert ask(limits, at(ts=NOON + 45 * MINUTE)) is None
    answer = ask(limits, at(ts=NOON + 24 * HOUR))
    assert answer is not None
    assert "weekday" in answer.message
    assert ask(limits, at(ts=NOON + 48 * HOUR + 2 * HOUR)) is None  # Thursday 14:00, from 10:00 on
    assert rule_of(limits, at(ts=NOON + 48 * HOUR - 2 * HOUR - 1)) == "trading_hours"


def test_first_and_last_minutes() -> None:
    limits = {"trading_first_minutes": 5.0, "trading_last_minutes": 30.0}  # WDO: 09:00 to 18:30
    opening, close = NOON - 3 * HOUR, NOON + 6 * HOUR + 30 * MINUTE
    assert rule_of(limits, at(ts=opening + 5 * MINUTE - SECOND)) == "trading_hours"
    assert ask(limits, at(ts=opening + 5 * MINUTE)) is None
    assert ask(limits, at(ts=close - 30 * MINUTE - SECOND)) is None
    assert rule_of(limits, at(ts=close - 30 * MINUTE)) == "trading_hours"


def test_around_auctions_and_the_roll() -> None:
    after = {"trading_after_auction_s": 60.0}
    assert ask(after, at(open_since_ts=NOON - 60 * SECOND)) is None
    assert rule_of(after, at(open_since_ts=NOON - 59 * SECOND)) == "auction"
    assert rule_of(after, AT_WDO) == "auction"
    roll = {"trading_before_roll_h": 24.0}
    assert ask(roll, at(roll_ts=NOON + 24 * HOUR + 1)) is None
    assert rule_of(roll, at(roll_ts=NOON + 24 * HOUR)) == "contract_roll"
    assert rule_of(roll, AT_WDO) == "contract_roll"


# ---- market


def test_stale_data() -> None:
    limits = {"max_event_age_s": 2.0}
    assert ask(limits, at(last_event_ts=NOON - 2 * SECOND)) is None
    answer = ask(limits, at(last_event_ts=NOON - 3 * SECOND))
    assert answer is not None
    assert (answer.rule, answer.numbers["age"]) == ("stale_data", 3.0)
    for wrong in (None, NOON + 1):
        assert rule_of(limits, at(last_event_ts=wrong)) == "stale_data"


def test_invalid_book() -> None:
    limits = {"max_book_age_s": 2.0}
    good = at(book_ts=NOON - 2 * SECOND, book_valid=True)
    assert ask(limits, good) is None
    for change in (
        {"book_ts": NOON - 2 * SECOND - 1},
        {"book_ts": None},
        {"book_ts": NOON + 1},
        {"book_valid": None},
        {"bid_px": 10_801},
        {"bid_px": 10_802},
    ):
        assert rule_of(limits, at(good, **change)) == "invalid_book"
    assert rule_of({}, at(book_valid=False)) == "invalid_book"  # known to be broken: no limit is needed


def test_volatility() -> None:
    atr = {"min_atr_ticks": 4.0, "max_atr_ticks": 40.0}
    for good in (4.0, 40.0):
        assert ask(atr, at(atr_ticks=good)) is None
    for bad in (3.99, 40.01, None, math.nan, math.inf):
        assert rule_of(atr, at(atr_ticks=bad)) == "volatility"
    assert rule_of({"max_realised_volatility": 2.0}, at(atr_ticks=9.0)) == "volatility"
    assert ask({"max_realised_volatility": 2.0}, at(realised_volatility=2.0)) is None


# ---- all of them

ALL_ON: dict[str, Any] = {
    "max_notional": 1e9,
    "max_open_positions": 9,
    "max_trade_risk": 1e9,
    "risk_per_trade": 0.5,
    "min_risk_reward": 0.1,
    "max_correlated_exposure": 1e12,
    "max_atr_ticks": 1e3,
    "max_realised_volatility": 1e3,
    "max_event_age_s": 10.0,
    "max_book_age_s": 10.0,
    "trading_after_auction_s": 1.0,
    "trading_before_roll_h": 1.0,
    "trading_last_minutes": 1.0,
}
ALL_KNOWN = at(
    trade=Plan(1, 5, 10),
    capital=1e6,
    open_trades=0,
    others=(),
    atr_ticks=9.0,
    realised_volatility=1.0,
    last_event_ts=NOON,
    book_ts=NOON,
    book_valid=True,
    open_since_ts=NOON - HOUR,
    roll_ts=NOON + 48 * HOUR,
)
OPTIONAL = [f.name for f in dataclasses.fields(RiskState) if f.default is None]


@pytest.mark.parametrize("name", OPTIONAL)
def test_every_rule_needs_what_it_rests_on(name: str) -> None:
    assert ask(ALL_ON, ALL_KNOWN) is None
    assert ask(ALL_ON, at(ALL_KNOWN, **{name: None})) is not None
    if name not in ("trade", "others"):
        assert ask(ALL_ON, at(ALL_KNOWN, **{name: math.nan})) is not None


def test_exits_pass_whatever_stops_new_risk() -> None:
    night = NOON + 12 * HOUR
    worst = at(ts=night, position=5000, realised=math.nan, open=-1e9, book_valid=False)
    strict = RiskLimits(
        **{**ALL_ON, "max_position": 1, "max_order_size": 1, "daily_loss": 1.0, "max_notional": 1.0}
    )
    risk = RiskManager(strict, WDO)
    risk.trip("the feed is lost")
    assert isinstance(risk.check(Order(1, -1, 5000, reduce_only=True), worst), Approved)


ANYTHING = st.one_of(st.none(), st.just(math.nan), st.floats(-1e12, 1e12))


@given(
    changed=st.dictionaries(
        st.sampled_from(
            [n for n in OPTIONAL if n != "trade"] + ["realised", "open", "working_buy", "working_sell"]
        ),
        ANYTHING,
    ),
    ts=st.integers(NOON - 7 * 24 * HOUR, NOON + 7 * 24 * HOUR),
    position=st.integers(-50, 50).filter(bool),
    part=st.integers(1, 50),
    tripped=st.booleans(),
)
def test_no_state_of_the_world_holds_an_exit_back(
    changed: dict[str, Any], ts: int, position: int, part: int, tripped: bool
) -> None:
    state = dataclasses.replace(at(ts=ts, position=position), **changed)
    risk = RiskManager(
        RiskLimits(**{**ALL_ON, "max_position": 1, "max_order_size": 1, "daily_loss": 1.0}), WDO
    )
    if tripped:
        risk.trip("soft")
    exit_ = Order(1, -1 if position > 0 else 1, min(part, abs(position)), reduce_only=True)
    assert isinstance(risk.check(exit_, state), Approved)


def test_rules_have_one_name_each_and_an_order() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert {r.name for r in RULES if r.exits} == {
        "kill_switch", "unknown_state", "lot_multiple", "reduce_only", "no_touch", "no_price", "price_collar",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("side", "stop", "target", "refused"),
    [
        (1, 10**9, 8, True),
        (-1, 10**9, 8, True),
        (1, 10_801, 8, True),
        (1, 10_800, 8, False),
        (-1, 8, 10_800, True),
        (-1, 8, 10_799, False),
        (1, 8, 10**6, False),
        (1, math.inf, 8, True),
        (1, math.nan, math.nan, False),
    ],
)
def test_a_trade_whose_exits_have_no_price_is_not_entered(
    side: int, stop: float, target: float, refused: bool
) -> None:
    state = dataclasses.replace(AT_WDO, trade=Plan(1, stop, target))
    assert rule_of({}, state, Order(1, side, 1)) == ("exit_price" if refused else "")
    near = dataclasses.replace(state, bid_px=20, ask_px=21, last_px=20, trade=Plan(1, 15, 5))
    limit = Order(1, side, 1, OrderType.LIMIT, 12)  # it is the entry's own price that counts
    assert rule_of({}, near, limit) == "exit_price"


MAYBE = st.one_of(
    st.none(), st.just(math.nan), st.just(math.inf), st.floats(-1e12, 1e12), st.integers(-100, 100)
)


NUMBERS = [n for n in OPTIONAL if n not in ("trade", "others", "book_valid")]


GOOD_PLAN = st.builds(Plan, st.integers(1, 20), st.integers(1, 30), st.integers(1, 60))
BAD_PLAN = st.one_of(st.none(), st.builds(Plan, st.integers(1, 20), MAYBE, MAYBE))


@settings(max_examples=300)
@given(
    changed=st.dictionaries(st.sampled_from(NUMBERS), MAYBE, max_size=1),
    plan=st.one_of(GOOD_PLAN, GOOD_PLAN, BAD_PLAN),
    amount=st.sampled_from([0.0, 1e5, -1e5, 1e5, math.nan, math.inf, None]),
    size=st.integers(1, 20),
    position=st.integers(-20, 20),
)
def test_an_approval_shows_every_limit_to_be_kept(
    changed: dict[str, Any], plan: Plan | None, amount: Any, size: int, position: int
) -> None:
    others = (dataclasses.replace(LONG_WIN, amount=amount),) if amount is not None else None
    limits = {**ALL_ON, "max_position": 30, "max_trade_risk": 1_500.0, "unknown_correlation": "one"}
    state = dataclasses.replace(ALL_KNOWN, **changed, trade=plan, others=others, position=position)
    answer = ask(limits, state, Order(1, 1, size))
    event("refused" if answer else "approved")
    if answer is not None:
        return
    assert abs(position + size) <= 30
    assert plan is not None
    assert max(size, plan.size) * (plan.stop_ticks * 5.0 + 2.0) <= min(1_500.0, state.capital * 0.5)
    assert plan.target_ticks >= 0.1 * plan.stop_ticks
    assert math.isfinite(amount)
    assert all(value is not None and math.isfinite(value) for value in changed.values())
    assert state.open_trades + 1 <= 9
    assert 0 <= state.ts - state.last_event_ts <= 10 * SECOND
    assert 0 <= state.ts - state.book_ts <= 10 * SECOND
    assert max(state.atr_ticks, state.realised_volatility) <= 1e3
    assert state.ts - state.open_since_ts >= SECOND
    assert state.roll_ts - state.ts > HOUR


@pytest.mark.parametrize("page", ["docs/concepts/risk.md", "docs/pt-br/concepts/risk.md"])
def test_the_page_names_every_rule_and_limit(root: Path, page: str) -> None:
    text = (root / page).read_text("utf-8")
    names = {rule.name for rule in RULES} | {f.name for f in dataclasses.fields(RiskLimits)}
    assert {name for name in names if f"`{name}`" not in text} == set()
