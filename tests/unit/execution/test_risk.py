"""Every rule refuses with its numbers, exits pass where they must, and nobody else makes an ``Approved``."""

from __future__ import annotations

import copy
import dataclasses
import math
from datetime import UTC, date, datetime, time

import pytest

from quantumtrader.exceptions import ConfigError, OrderError, TradingHaltedError
from quantumtrader.execution import Approved, OrderManager, Refused, RiskLimits, RiskManager, RiskState
from quantumtrader.types import PX_NONE, Instrument, Order, OrderType, SessionHours

WDO = Instrument("WDOU25", "WDO", 0.5, 10.0, hours=(SessionHours(date(2020, 1, 1), time(9), time(18, 30)),))
NOON = int(datetime(2025, 8, 5, 15, 0, tzinfo=UTC).timestamp()) * 10**9  # 12:00 in São Paulo
LIMITS = RiskLimits(
    max_position=3, max_order_size=2, daily_loss=100.0, orders_per_minute=2, price_collar_ticks=10
)
CALM = RiskState(NOON, 0, 0, 0, 0.0, 0.0, bid_px=1000, ask_px=1001, last_px=1000)


def market(side: int = 1, size: int = 1, *, reduce_only: bool = False) -> Order:
    return Order(1, side, size, reduce_only=reduce_only)


def refused(
    order: Order, state: RiskState, limits: RiskLimits = LIMITS, instrument: Instrument = WDO
) -> Refused:
    answer = RiskManager(limits, instrument).check(order, state)
    assert isinstance(answer, Refused)
    assert answer.rule in answer.message
    assert answer.ts == state.ts
    return answer


def at(**change: object) -> RiskState:
    return dataclasses.replace(CALM, **change)  # type: ignore[arg-type]


def test_a_calm_order_passes() -> None:
    answer = RiskManager(LIMITS, WDO).check(market(), CALM)
    assert isinstance(answer, Approved)
    assert answer.order == market()


def test_position_limit_counts_working_orders() -> None:
    assert refused(market(1, 2), at(position=2)).rule == "position_limit"
    answer = refused(market(1, 1), at(position=2, working_buy=1))
    assert dict(answer.numbers) == {"position": 2, "working": 1, "size": 1, "limit": 3}
    assert isinstance(RiskManager(LIMITS, WDO).check(market(-1, 2), at(position=2, working_buy=1)), Approved)


def test_order_size_and_lot() -> None:
    assert dict(refused(market(1, 3), CALM).numbers) == {"size": 3, "limit": 2}
    dol = dataclasses.replace(WDO, lot=5)
    answer = refused(market(1, 2), CALM, instrument=dol)
    assert answer.rule == "lot_multiple"
    assert dict(answer.numbers) == {"size": 2, "lot": 5}


def test_daily_loss_adds_realised_and_open() -> None:
    answer = refused(market(), at(realised=-60.0, open=-40.0))
    assert answer.rule == "daily_loss"
    assert dict(answer.numbers) == {"realised": -60.0, "open": -40.0, "limit": 100.0}
    assert isinstance(RiskManager(LIMITS, WDO).check(market(), at(realised=-60.0, open=-39.99)), Approved)


def test_exits_pass_after_the_daily_loss_but_not_with_a_wrong_size() -> None:
    state = at(realised=-500.0, position=2)
    risk = RiskManager(LIMITS, WDO)
    assert isinstance(risk.check(market(-1, 2, reduce_only=True), state), Approved)
    for order in (market(-1, 3, reduce_only=True), market(1, 1, reduce_only=True)):
        answer = risk.check(order, state)
        assert isinstance(answer, Refused)
        assert answer.rule == "reduce_only"
    assert refused(market(-1, 1, reduce_only=True), at(position=0)).rule == "reduce_only"


def test_order_rate_is_a_moving_window_of_entries() -> None:
    risk = RiskManager(LIMITS, WDO)
    assert isinstance(risk.check(market(), CALM), Approved)
    assert isinstance(risk.check(market(), at(ts=NOON + 10**9)), Approved)
    answer = risk.check(market(), at(ts=NOON + 59 * 10**9))
    assert isinstance(answer, Refused)
    assert (answer.rule, dict(answer.numbers)) == ("order_rate", {"orders": 2, "limit": 2})
    assert isinstance(
        risk.check(market(-1, 1, reduce_only=True), at(ts=NOON + 59 * 10**9, position=1)), Approved
    )
    assert isinstance(risk.check(market(), at(ts=NOON + 60 * 10**9)), Approved)


@pytest.mark.parametrize(
    ("order", "away"),
    [
        (Order(1, 1, 1, OrderType.LIMIT, 1012), 11),
        (Order(1, 1, 1, OrderType.LIMIT, 990), 11),
        (Order(1, -1, 1, OrderType.STOP, 989), 11),
    ],
)
def test_price_collar(order: Order, away: int) -> None:
    answer = refused(order, CALM)
    assert (answer.rule, answer.numbers["away"], answer.numbers["limit"]) == ("price_collar", away, 10)
    nearer = dataclasses.replace(order, px=order.px + (1 if order.px < 1000 else -1))
    assert isinstance(RiskManager(LIMITS, WDO).check(nearer, CALM), Approved)


def test_protection_may_stand_far_away_but_not_behind_the_market() -> None:
    risk, state = RiskManager(LIMITS, WDO), at(position=1)
    for order in (
        Order(1, -1, 1, OrderType.STOP, 900, reduce_only=True),
        Order(1, -1, 1, OrderType.LIMIT, 1100, reduce_only=True),
        Order(1, -1, 1, OrderType.LIMIT, 990, reduce_only=True),
    ):
        assert isinstance(risk.check(order, state), Approved)
    assert refused(Order(1, -1, 1, OrderType.LIMIT, 989, reduce_only=True), state).rule == "price_collar"


def test_no_touch_no_market_order() -> None:
    assert refused(market(1), at(ask_px=PX_NONE)).rule == "no_touch"
    assert refused(market(-1), at(bid_px=PX_NONE)).rule == "no_touch"
    assert isinstance(RiskManager(LIMITS, WDO).check(market(-1), at(ask_px=PX_NONE)), Approved)
    bars = at(bid_px=PX_NONE, ask_px=PX_NONE, has_touch=False)
    assert isinstance(RiskManager(LIMITS, WDO).check(market(), bars), Approved)
    assert refused(market(), dataclasses.replace(bars, last_px=PX_NONE)).rule == "no_touch"
    limit = Order(1, 1, 1, OrderType.LIMIT, 1000)
    assert refused(limit, at(bid_px=PX_NONE, ask_px=PX_NONE, last_px=PX_NONE)).rule == "no_price"


def test_trading_hours_in_the_instruments_zone() -> None:
    early = NOON - (3 * 3600 + 1) * 10**9  # 08:59:59 in São Paulo
    answer = refused(market(), at(ts=early))
    assert answer.rule == "trading_hours"
    assert "08:59:59" in answer.message
    assert isinstance(RiskManager(LIMITS, WDO).check(market(), at(ts=early + 10**9)), Approved)
    assert refused(market(), at(ts=NOON + (6 * 3600 + 1800) * 10**9)).rule == "trading_hours"
    assert isinstance(
        RiskManager(LIMITS, WDO).check(market(-1, 1, reduce_only=True), at(ts=early, position=1)), Approved
    )


def test_own_hours_are_narrower_than_the_exchanges() -> None:
    limits = RiskLimits(trading_from=time(10), trading_to=time(12))
    answer = refused(market(), CALM, limits)
    assert "from 10:00:00 to 12:00:00" in answer.message
    assert isinstance(RiskManager(limits, WDO).check(market(), at(ts=NOON - 1)), Approved)
    before = dataclasses.replace(WDO, hours=(SessionHours(date(2030, 1, 1), time(9), time(18)),))
    assert "no trading hours are known" in refused(market(), CALM, instrument=before).message
    always = dataclasses.replace(WDO, hours=())
    assert isinstance(RiskManager(LIMITS, always).check(market(), at(ts=NOON - 10 * 3600 * 10**9)), Approved)


def test_kill_switch_stops_entries_and_the_hard_one_exits_too() -> None:
    risk = RiskManager(LIMITS, WDO)
    out = market(-1, 1, reduce_only=True)
    risk.trip("feed lost")
    answer = risk.check(market(), CALM)
    assert isinstance(answer, Refused)
    assert answer.rule == "kill_switch"
    assert "feed lost" in answer.message
    assert isinstance(risk.check(out, at(position=1)), Approved)
    risk.trip("orders run away", hard=True)
    assert isinstance(risk.check(out, at(position=1)), Refused)
    with pytest.raises(OrderError, match="name of the person"):
        risk.clear("")
    risk.clear("Ana")
    assert risk.tripped == ""
    assert isinstance(risk.check(market(), CALM), Approved)
    assert risk.kill_log == (
        "trip: feed lost",
        "trip hard: orders run away",
        "clear by Ana: was orders run away",
    )


def test_only_the_risk_manager_makes_an_approved() -> None:
    with pytest.raises(OrderError, match=r"RiskManager\.check"):
        Approved(market(), NOON)
    good = RiskManager(LIMITS, WDO).check(market(), CALM)
    assert isinstance(good, Approved)
    with pytest.raises((OrderError, ValueError)):
        dataclasses.replace(good, order=market(1, 1000))
    with pytest.raises(dataclasses.FrozenInstanceError):
        good.order = market(1, 1000)  # type: ignore[misc]


def test_what_is_not_known_is_not_calm() -> None:
    with pytest.raises(TypeError, match="position"):
        RiskState(NOON, bid_px=1000, ask_px=1001)  # type: ignore[call-arg]
    for unknown in (math.nan, None):
        for name in ("realised", "open"):
            assert refused(market(), at(**{name: unknown})).rule == "daily_loss"
        for name in ("position", "working_buy", "working_sell"):
            assert refused(market(), at(**{name: unknown})).rule == "unknown_state"
        assert refused(market(-1, 1, reduce_only=True), at(position=unknown)).rule == "unknown_state"
        assert refused(market(), at(ask_px=unknown)).rule == "no_touch"
        limit = Order(1, 1, 1, OrderType.LIMIT, 1000)
        assert refused(limit, at(bid_px=unknown, ask_px=unknown, last_px=unknown)).rule == "no_price"
    assert refused(market(), at(open=math.inf)).rule == "daily_loss"
    odd = Order(1, 1, 1, OrderType.LIMIT, math.nan)  # type: ignore[arg-type]
    assert refused(odd, CALM).rule == "no_price"


def approved(risk: RiskManager, order: Order, state: RiskState = CALM) -> Approved[Order]:
    answer = risk.check(order, state)
    assert isinstance(answer, Approved)
    return answer


def test_an_approval_does_not_outlive_the_kill_switch() -> None:
    venue, risk = Recorder(), RiskManager(LIMITS, WDO)
    orders = OrderManager(venue)
    before = approved(risk, market())
    risk.trip("feed lost")
    with pytest.raises(TradingHaltedError, match="feed lost"):
        orders.submit(before, NOON)
    risk.clear("Ana")
    with pytest.raises(OrderError):
        orders.submit(before, NOON)  # spent
    again = dataclasses.replace(market(), client_id=2)
    orders.submit(approved(risk, again), NOON)
    assert [order[0] for order in venue.sent] == [2]


def test_an_approval_ages_and_is_spent_once() -> None:
    venue, risk = Recorder(), RiskManager(LIMITS, WDO)
    old, early = approved(risk, market()), approved(risk, market())
    with pytest.raises(OrderError, match=r"1\.5 s old, at most 1 s"):
        OrderManager(venue).submit(old, NOON + 1_500_000_000)
    with pytest.raises(OrderError, match="old"):
        OrderManager(venue).submit(early, NOON - 1)
    risk = RiskManager(dataclasses.replace(LIMITS, approval_age_s=2.0), WDO)
    good = approved(risk, market())
    twin = copy.copy(good)
    OrderManager(venue).submit(good, NOON + 1_500_000_000)
    for used in (good, twin):
        with pytest.raises(OrderError, match="used already"):
            OrderManager(venue).submit(used, NOON)
    assert len(venue.sent) == 1


def test_a_late_report_does_not_undo_a_fill() -> None:
    venue = Recorder()
    orders = OrderManager(venue)
    state = orders.submit(approved(RiskManager(LIMITS, WDO), market()), NOON)
    venue.reports = [(1, 1, NOON + 1, "filled", 1, 1001, 1, False, 0.0, "")]
    orders.take_reports()
    for number, status in ((2, "cancelled"), (3, "rejected")):
        venue.reports = [(number, 1, NOON + 2, status, 1, PX_NONE, 0, False, 0.0, "")]
        orders.take_reports()
        assert (state.status, state.done_ts) == ("filled", NOON + 1)


def test_a_late_fill_counts_and_does_not_revive_its_order() -> None:
    venue = Recorder()
    orders = OrderManager(venue)
    state = orders.submit(approved(RiskManager(LIMITS, WDO), market(1, 2)), NOON)
    venue.reports = [
        (1, 1, NOON + 1, "cancelled", 1, PX_NONE, 2, False, 0.0, ""),
        (2, 1, NOON + 1, "filled", 1, 1001, 1, False, 0.0, ""),
    ]
    orders.take_reports()
    assert (state.status, state.filled, state.remaining) == ("cancelled", 1, 0)
    assert orders.open_orders == ()


class Recorder:
    """A venue that only remembers what it was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, ...]] = []
        self.reports: list[tuple[int, int, int, str, int, int, int, bool, float, str]] = []

    def update_many(self, events: object) -> None:
        raise AssertionError("not used")

    def submit(self, *order: object) -> None:
        self.sent.append(order)

    def cancel(self, client_id: int, now_ns: int) -> None:
        self.sent.append(("cancel", client_id))

    def take_reports(self) -> list[tuple[int, int, int, str, int, int, int, bool, float, str]]:
        out, self.reports = self.reports, []
        return out


def test_submit_takes_only_approved_and_each_id_once() -> None:
    venue = Recorder()
    orders = OrderManager(venue)
    for wrong in (market(), RiskManager(LIMITS, WDO).check(market(1, 9), CALM), None):
        with pytest.raises(OrderError, match="takes an Approved"):
            orders.submit(wrong, NOON)  # type: ignore[arg-type]
    assert venue.sent == []
    good = RiskManager(LIMITS, WDO).check(market(), CALM)
    assert isinstance(good, Approved)
    orders.submit(good, NOON)
    assert venue.sent == [(1, 1, 1, "market", PX_NONE, False, NOON)]
    with pytest.raises(OrderError, match="already sent"):
        orders.submit(good, NOON)


def test_reports_drive_the_order_state_once() -> None:
    venue = Recorder()
    orders = OrderManager(venue)
    good = RiskManager(LIMITS, WDO).check(market(1, 2), CALM)
    assert isinstance(good, Approved)
    state = orders.submit(good, NOON)
    assert orders.working_entries(1) == 2
    partial = (7, 1, NOON + 1, "filled", 1, 1001, 1, False, 0.5, "")
    venue.reports = [(6, 1, NOON + 1, "accepted", 1, PX_NONE, 2, False, 0.0, ""), partial, partial]
    assert [r.status for r in orders.take_reports()] == ["accepted", "filled"]
    assert (state.filled, state.remaining) == (1, 1)
    orders.cancel(1, NOON + 2)
    orders.cancel(1, NOON + 3)
    assert venue.sent[1:] == [("cancel", 1)]
    venue.reports = [(8, 1, NOON + 4, "cancelled", 1, PX_NONE, 1, False, 0.0, "")]
    orders.take_reports()
    assert state.remaining == 0
    assert orders.open_orders == ()
    assert [e.event for e in orders.journal] == ["sent", "accepted", "filled", "cancel_asked", "cancelled"]


@pytest.mark.parametrize(
    "name", [f.name for f in dataclasses.fields(RiskLimits) if not f.name.startswith("trading_")]
)
def test_limits_must_be_positive(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        RiskLimits(**{name: 0})
    with pytest.raises(ConfigError, match=name):
        RiskLimits(**{name: float("nan")})


def test_hours_that_cross_midnight() -> None:
    night = dataclasses.replace(WDO, hours=(SessionHours(date(2020, 1, 1), time(18), time(11)),))
    hour = 3600 * 10**9
    risk = RiskManager(LIMITS, night)
    assert isinstance(risk.check(market(), at(ts=NOON + 6 * hour)), Approved)  # 18:00
    assert isinstance(risk.check(market(), at(ts=NOON - hour - 1)), Approved)  # just before 11:00
    assert refused(market(), CALM, instrument=night).rule == "trading_hours"
    assert refused(market(), at(ts=NOON + 6 * hour - 1), instrument=night).rule == "trading_hours"
    narrow = RiskLimits(trading_from=time(20), trading_to=time(9))
    assert refused(market(), at(ts=NOON + 7 * hour), narrow, night).rule == "trading_hours"
    assert isinstance(RiskManager(narrow, night).check(market(), at(ts=NOON - 4 * hour)), Approved)
