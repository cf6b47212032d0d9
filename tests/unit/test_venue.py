"""Fills of the venue against hand-computed cases, one per rule of docs/concepts/venue.md, on each engine."""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, OrderError, UnsortedEventsError
from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Kind, Phase

BUY, SELL = 1, -1
MS = 1_000_000


class Tape:
    """Writes events by hand; times in ms."""

    def __init__(self) -> None:
        self.rows: list[dict[str, int]] = []

    def add(self, at: float, more: bool = False, **fields: int) -> Tape:
        flags = fields.pop("flags", 0) | (int(Flag.MORE) if more else 0)
        ts = int(at * MS)
        self.rows.append({"ts_event": ts, "ts_recv": ts, "flags": flags, **fields})
        return self

    def level(self, at: float, side: int, px: int, size: int, **kw: Any) -> Tape:
        action = Action.EDIT if size else Action.DELETE
        return self.add(at, kind=Kind.LEVEL, action=action, side=side, px=px, size=size, **kw)

    def trade(self, at: float, side: int, px: int, size: int, **kw: Any) -> Tape:
        return self.add(at, kind=Kind.TRADE, side=side, px=px, size=size, **kw)

    def quote(self, at: float, bid: int, bid_sz: int, ask: int, ask_sz: int) -> Tape:
        return self.add(at, kind=Kind.QUOTE, px=bid, size=bid_sz, px_ask=ask, size_ask=ask_sz)

    def order(self, at: float, action: Action, oid: int, side: int, px: int, size: int, **kw: Any) -> Tape:
        return self.add(
            at, kind=Kind.ORDER, action=action, id=oid, side=side, px=px, size=size, ref_b=-1, **kw
        )

    def session(self, at: float, phase: Phase) -> Tape:
        return self.add(at, kind=Kind.SESSION, action=phase)

    def bar(self, start: float, end: float, o: int, h: int, low: int, c: int) -> Tape:
        return self.add(end, kind=Kind.BAR, id=int(start * MS), px=o, px_ask=h, ref_a=low, ref_b=c, size=100)

    def events(self) -> Events:
        out = np.zeros(len(self.rows), EVENT)
        for k, row in enumerate(self.rows):
            for name, value in row.items():
                out[k][name] = value
            out[k]["sequence"] = k + 1
        return out


def book() -> Tape:
    """A book at 0 ms: bids 100×10, 99×20, 98×30; asks 101×5, 102×8, 103×20."""
    tape = Tape()
    for depth, (bid_sz, ask_sz) in enumerate([(10, 5), (20, 8), (30, 20)]):
        tape.level(0, BUY, 100 - depth, bid_sz, more=True)
        tape.level(0, SELL, 101 + depth, ask_sz, more=depth < 2)
    return tape


class Desk:
    """A venue with the events so far applied; sends orders and reads executions."""

    def __init__(self, engine: ModuleType, tape: Tape, **settings: Any) -> None:
        self.venue = engine.Venue(0.5, 10.0, **settings)
        self.tape = tape
        self.done = 0
        self.log: list[tuple[Any, ...]] = []
        self.sync()

    def sync(self) -> Desk:
        self.venue.update_many(self.tape.events()[self.done :])
        self.done = len(self.tape.rows)
        self.log += self.venue.take_reports()
        return self

    def send(
        self, oid: int, side: int, size: int, kind: str = "market", px: int = PX_NONE,
        reduce_only: bool = False, at: float | None = None, limit_px: int = PX_NONE,
    ) -> Desk:  # fmt: skip
        now = self.venue.now_ns if at is None else int(at * MS)
        self.venue.submit(oid, side, size, kind, px, reduce_only, now, limit_px)
        self.venue.advance(now)
        self.log += self.venue.take_reports()
        return self

    @property
    def fills(self) -> list[tuple[int, int, int]]:
        """``(client_id, px, size)`` per execution."""
        return [(r[1], r[5], r[6]) for r in self.log if r[3] == "filled"]

    def said(self, status: str) -> list[tuple[int, int, str]]:
        """``(client_id, size, reason)`` per report of this status."""
        return [(r[1], r[6], r[9]) for r in self.log if r[3] == status]


# ---- taking


def test_market_order_walks_the_displayed_book(engine: ModuleType) -> None:
    desk = Desk(engine, book(), fee=1.25).send(1, BUY, 15)
    assert desk.fills == [(1, 101, 5), (1, 102, 8), (1, 103, 2)]
    assert [r[8] for r in desk.log] == [0.0, 6.25, 10.0, 2.5]
    assert [r[0] for r in desk.log] == [1, 2, 3, 4]
    assert not any(r[7] for r in desk.log)
    assert desk.venue.position == 15
    assert desk.venue.fidelity == "book"


def test_market_order_waits_for_liquidity_that_is_not_displayed(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, SELL, 70)
    assert sum(f[2] for f in desk.fills) == 60
    desk.tape.level(5, BUY, 97, 4)
    desk.sync()
    assert desk.fills[-1] == (1, 97, 4)
    desk.tape.level(6, BUY, 97, 9)
    desk.sync()
    assert desk.fills[-1] == (1, 97, 5)
    assert desk.venue.position == -69


def test_latency_lets_earlier_events_come_first(engine: ModuleType) -> None:
    desk = Desk(engine, book(), latency_ns=3 * MS).send(1, BUY, 2)
    desk.tape.level(2, SELL, 101, 1)  # before the arrival at 3 ms
    desk.tape.level(3, SELL, 102, 1)  # at the arrival: the order is first
    desk.sync()
    assert desk.fills == [(1, 101, 1), (1, 102, 1)]
    assert {r[2] for r in desk.log} == {3 * MS}
    desk.tape.level(4, SELL, 102, 8)
    desk.sync()
    assert len(desk.fills) == 2


def test_time_without_events_brings_orders_in(engine: ModuleType) -> None:
    desk = Desk(engine, book(), latency_ns=3 * MS)
    desk.venue.submit(1, BUY, 1, "market", PX_NONE, False, 0)
    desk.venue.advance(3 * MS - 1)
    assert desk.venue.take_reports() == []
    desk.venue.advance(3 * MS)
    assert [r[3] for r in desk.venue.take_reports()] == ["accepted", "filled"]


def test_orders_wait_for_the_end_of_a_packet(engine: ModuleType) -> None:
    desk = Desk(engine, book(), latency_ns=MS).send(1, BUY, 6)
    desk.tape.level(0.5, SELL, 101, 50, more=True)
    desk.sync()
    desk.venue.advance(2 * MS)
    assert desk.venue.take_reports() == []
    desk.tape.level(1.5, SELL, 101, 0)
    desk.sync()
    desk.venue.advance(2 * MS)
    desk.sync()
    assert desk.fills == [(1, 102, 6)]
    assert desk.log[-1][2] == int(1.5 * MS)


def test_same_liquidity_is_never_taken_twice(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 4).send(2, BUY, 3)
    assert desk.fills == [(1, 101, 4), (2, 101, 1), (2, 102, 2)]
    desk.tape.level(1, SELL, 101, 7)  # two more than the five that we took
    desk.sync().send(3, BUY, 3)
    assert desk.fills[3:] == [(3, 101, 2), (3, 102, 1)]
    desk.tape.level(2, SELL, 101, 0)  # the level is gone, and so is what we took of it
    desk.tape.level(3, SELL, 101, 6)
    desk.sync().send(4, BUY, 6)
    assert desk.fills[5:] == [(4, 101, 6)]


def test_what_was_taken_shrinks_with_the_level(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 5)
    desk.tape.level(1, SELL, 101, 2)
    desk.tape.level(2, SELL, 101, 5)  # three new contracts
    desk.sync().send(2, BUY, 4)
    assert desk.fills[1:] == [(2, 101, 3), (2, 102, 1)]


def test_marketable_limit_takes_to_its_price_and_rests(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 16, "limit", 102)
    assert desk.fills == [(1, 101, 5), (1, 102, 8)]
    desk.tape.trade(1, SELL, 102, 1)  # nobody is displayed ahead of us at 102
    desk.sync()
    assert desk.fills[2:] == [(1, 102, 1)]
    assert desk.log[-1][7] is True


# ---- resting


def test_limit_waits_behind_the_displayed_size(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 5, "limit", 100)
    desk.tape.trade(1, SELL, 100, 8, more=True).level(1, BUY, 100, 2)
    assert desk.sync().fills == []
    desk.tape.trade(2, SELL, 100, 5, more=True).level(2, BUY, 100, 0)
    assert desk.sync().fills == [(1, 100, 3)]
    desk.tape.trade(3, SELL, 100, 9)
    assert desk.sync().fills == [(1, 100, 3), (1, 100, 2)]
    assert desk.log[-1][7] is True


def test_our_orders_queue_among_themselves(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 5, "limit", 100).send(2, BUY, 5, "limit", 100)
    desk.send(3, BUY, 2, "limit", 99)
    desk.tape.trade(1, SELL, 100, 17)
    assert desk.sync().fills == [(1, 100, 5), (2, 100, 2)]


def test_print_through_the_price_fills_up_to_its_size(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 6, "limit", 100).send(2, BUY, 6, "limit", 99)
    desk.tape.trade(1, SELL, 98, 9)
    assert desk.sync().fills == [(1, 100, 6), (2, 99, 3)]


def test_prints_of_the_other_side_do_not_fill(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 1, "limit", 100)
    desk.tape.trade(1, BUY, 100, 50).trade(2, BUY, 99, 50)
    assert desk.sync().fills == []


@pytest.mark.parametrize(
    ("model", "filled"), [("pessimistic", [(1, 100, 1)]), ("proportional", [(1, 100, 3)])]
)
def test_cancels_ahead(engine: ModuleType, model: str, filled: list[tuple[int, int, int]]) -> None:
    desk = Desk(engine, book(), queue=model).send(1, BUY, 5, "limit", 100)
    desk.tape.level(1, BUY, 100, 20)  # ten more join behind us
    desk.tape.level(2, BUY, 100, 16)  # four of twenty cancel: two of our ten by share
    desk.tape.trade(100, SELL, 100, 11)
    assert desk.sync().fills == filled


def test_displayed_size_forces_the_queue(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 5, "limit", 100)
    desk.tape.level(1, BUY, 100, 4).trade(100, SELL, 100, 6)
    assert desk.sync().fills == [(1, 100, 2)]


def test_a_level_that_falls_before_its_print_counts_once(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 5, "limit", 100)
    desk.tape.level(1, BUY, 100, 0).trade(20, SELL, 100, 10)
    assert desk.sync().fills == []
    desk.tape.trade(21, SELL, 100, 2)
    assert desk.sync().fills == [(1, 100, 2)]


def test_exact_queue_follows_the_orders_ahead(engine: ModuleType) -> None:
    tape = Tape()
    tape.order(0, Action.ADD, 1, BUY, 100, 4, more=True).order(0, Action.ADD, 2, BUY, 100, 6, more=True)
    tape.order(0, Action.ADD, 9, SELL, 101, 5)
    desk = Desk(engine, tape, queue="exact").send(1, BUY, 5, "limit", 100)
    assert desk.venue.fidelity == "orders"
    tape.order(1, Action.ADD, 3, BUY, 100, 50)
    tape.order(2, Action.DELETE, 3, BUY, 100, 0)  # behind us: no help
    tape.order(3, Action.ADD, 4, BUY, 100, 7)
    tape.order(4, Action.DELETE, 1, BUY, 100, 0)  # ahead: four fewer
    tape.order(5, Action.EDIT, 2, BUY, 100, 8)  # grows, so it goes behind us
    desk.sync()
    tape.trade(6, SELL, 100, 3, more=True).order(6, Action.EDIT, 4, BUY, 100, 4)
    assert desk.sync().fills == [(1, 100, 3)]


def test_exact_queue_counts_an_execution_once(engine: ModuleType) -> None:
    tape = Tape()
    tape.order(0, Action.ADD, 1, BUY, 100, 4, more=True).order(0, Action.ADD, 2, BUY, 100, 6, more=True)
    tape.order(0, Action.ADD, 9, SELL, 101, 5)
    desk = Desk(engine, tape, queue="exact").send(1, BUY, 5, "limit", 100)
    tape.trade(1, SELL, 100, 5, more=True).order(1, Action.DELETE, 1, BUY, 100, 0, more=True)
    tape.order(1, Action.EDIT, 2, BUY, 100, 5)
    tape.trade(2, SELL, 100, 6, more=True).order(2, Action.DELETE, 2, BUY, 100, 0)
    assert desk.sync().fills == [(1, 100, 1)]


def test_price_beyond_the_displayed_depth_is_unknown(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 5, "limit", 95)
    desk.tape.trade(1, SELL, 95, 100)
    assert desk.sync().fills == []
    desk.tape.level(2, BUY, 95, 3).trade(100, SELL, 95, 4)
    assert desk.sync().fills == [(1, 95, 1)]


def test_empty_level_inside_the_displayed_depth_is_ours(engine: ModuleType) -> None:
    tape = book().level(1, BUY, 99, 0)
    desk = Desk(engine, tape).send(1, BUY, 5, "limit", 99)
    desk.tape.trade(2, SELL, 99, 2)
    assert desk.sync().fills == [(1, 99, 2)]


def test_book_that_crosses_us_fills_what_it_displays(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 9, "limit", 100)
    desk.tape.level(1, BUY, 100, 0, more=True).level(1, SELL, 100, 4)
    assert desk.sync().fills == [(1, 100, 4)]
    desk.tape.level(2, SELL, 100, 6)
    assert desk.sync().fills == [(1, 100, 4), (1, 100, 2)]
    assert desk.log[-1][7] is True


@pytest.mark.parametrize("flag", [Flag.CROSS, Flag.RLP])
def test_prints_off_the_book_fill_nothing(engine: ModuleType, flag: Flag) -> None:
    desk = Desk(engine, book()).send(1, BUY, 5, "limit", 100)
    desk.tape.trade(1, 0, 98, 500, flags=int(flag))
    assert desk.sync().fills == []


@pytest.mark.parametrize("flag", [Flag.HIDDEN, Flag.AUCTION])
def test_hidden_and_auction_prints_fill_only_through(engine: ModuleType, flag: Flag) -> None:
    desk = Desk(engine, book()).send(1, BUY, 5, "limit", 100)
    desk.tape.trade(1, 0, 100, 500, flags=int(flag))
    assert desk.sync().fills == []
    desk.tape.trade(2, 0, 99, 2, flags=int(flag))
    assert desk.sync().fills == [(1, 100, 2)]


def test_cancelled_and_edited_records_are_no_prints(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 5, "limit", 100)
    desk.tape.trade(1, SELL, 90, 5, flags=int(Flag.CANCELLED)).trade(2, SELL, 90, 5, flags=int(Flag.EDITED))
    assert desk.sync().fills == []


def test_unsigned_prints_are_read_against_the_touch_before(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 1, "limit", 100).send(2, SELL, 1, "limit", 101)
    desk.tape.trade(1, 0, 100, 11)
    assert desk.sync().fills == [(1, 100, 1)]
    desk.tape.trade(2, 0, 101, 6)
    assert desk.sync().fills == [(1, 100, 1), (2, 101, 1)]


# ---- stops


def test_stop_triggers_on_the_print_and_takes_at_the_packet_end(engine: ModuleType) -> None:
    desk = Desk(engine, book().trade(0, BUY, 101, 1)).send(1, SELL, 12, "stop", 100)
    desk.tape.trade(1, SELL, 101, 1)
    assert desk.sync().fills == []
    desk.tape.trade(2, SELL, 100, 10, more=True).level(2, BUY, 100, 0)
    assert desk.sync().fills == [(1, 99, 12)]
    assert desk.log[-1][2] == 2 * MS


def test_stop_that_is_already_through_takes_at_once(engine: ModuleType) -> None:
    desk = Desk(engine, book().trade(1, BUY, 101, 1)).send(1, BUY, 1, "stop", 101)
    assert desk.fills == [(1, 101, 1)]


def test_touch_triggers_stops_where_no_prints_exist(engine: ModuleType) -> None:
    desk = Desk(engine, Tape().quote(0, 100, 5, 101, 5)).send(1, SELL, 2, "stop", 99)
    desk.tape.quote(1, 99, 5, 100, 5)
    assert desk.sync().fills == [(1, 99, 2)]


def test_stop_limit_takes_up_to_its_limit_and_rests(engine: ModuleType) -> None:
    desk = Desk(engine, book().trade(0, BUY, 101, 1)).send(1, SELL, 12, "stop_limit", 100, limit_px=100)
    assert desk.venue.is_armed(1)
    desk.tape.trade(1, SELL, 100, 1)
    assert not desk.sync().venue.is_armed(1)
    assert desk.fills == [(1, 100, 10)], "the bid of 100 and no further"
    desk.tape.trade(2, BUY, 101, 6)
    assert desk.sync().fills == [(1, 100, 10), (1, 100, 2)], "what rests is at its limit"


def test_stop_limit_whose_bar_ran_past_its_limit_waits(engine: ModuleType) -> None:
    desk = Desk(engine, Tape().bar(0, 1, 100, 101, 99, 100)).send(1, BUY, 1, "stop_limit", 103, limit_px=103)
    desk.tape.bar(1, 2, 100, 104, 99, 104)
    assert desk.sync().fills == []
    desk.tape.bar(2, 3, 104, 105, 102, 105)
    assert desk.sync().fills == [(1, 103, 1)]


def test_a_limit_beside_the_price_belongs_to_stop_limits_only(engine: ModuleType) -> None:
    desk = Desk(engine, book())
    for kind, px, limit_px in (("limit", 100, 99), ("stop_limit", 100, PX_NONE)):
        with pytest.raises(OrderError, match=f"a {kind} order with limit"):
            desk.send(1, BUY, 1, kind, px, limit_px=limit_px)


# ---- reduce only


def test_reduce_only_never_opens(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, SELL, 1, reduce_only=True)
    assert desk.said("rejected") == [(1, 1, "nothing to reduce")]
    assert desk.venue.position == 0


def test_reduce_only_never_turns(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 3).send(2, SELL, 5, reduce_only=True)
    assert desk.fills[1:] == [(2, 100, 3)]
    assert desk.said("cancelled") == [(2, 2, "nothing to reduce")]
    assert desk.venue.position == 0


def test_no_orphan_stop_after_the_target(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 2)
    desk.send(2, SELL, 2, "limit", 104, reduce_only=True).send(3, SELL, 2, "stop", 98, reduce_only=True)
    desk.tape.trade(1, BUY, 105, 7)
    desk.sync()
    assert desk.fills[1:] == [(2, 104, 2)]
    assert desk.said("cancelled") == [(3, 2, "nothing to reduce")]
    desk.tape.trade(2, SELL, 97, 1)
    assert len(desk.sync().fills) == 2


# ---- cancels and refusals


def test_cancel_takes_its_latency_and_loses_against_a_fill(engine: ModuleType) -> None:
    desk = Desk(engine, book(), latency_ns=2 * MS).send(1, BUY, 5, "limit", 100)
    desk.tape.trade(3, SELL, 99, 2)
    desk.sync()
    desk.venue.cancel(1, 3 * MS)
    desk.tape.trade(4, SELL, 99, 1).trade(5, SELL, 99, 50)
    desk.sync()
    assert desk.fills == [(1, 100, 2), (1, 100, 1)]
    assert desk.said("cancelled") == [(1, 2, "")]
    desk.venue.cancel(1, 5 * MS)
    desk.venue.cancel(77, 5 * MS)
    desk.venue.advance(8 * MS)
    desk.sync()
    assert desk.said("cancel_rejected") == [(1, 0, "order is not working"), (77, 0, "unknown order")]


def test_malformed_orders_raise(engine: ModuleType) -> None:
    venue = Desk(engine, book().trade(7, BUY, 101, 1)).venue
    now = 7 * MS
    for arguments, message in [
        ((1, 2, 1, "market", PX_NONE, False, now), "order 1: side is 2, expected 1"),
        ((1, BUY, 0, "market", PX_NONE, False, now), "order 1: size is 0, expected a positive number"),
        ((1, BUY, 1, "iceberg", 5, False, now), 'order 1: type "iceberg" is not known'),
        ((1, BUY, 1, "limit", PX_NONE, False, now), "order 1: a limit order with price -2147483648"),
        ((1, BUY, 1, "market", 5, False, now), "order 1: a market order with price 5"),
        ((1, BUY, 1, "limit", 5, False, 1), "order 1: sent at 1, before the venue's time 7000000"),
    ]:
        with pytest.raises(OrderError, match=message):
            venue.submit(*arguments)
    venue.submit(1, BUY, 1, "limit", 5, False, now)
    with pytest.raises(OrderError, match="order 1: this id has been used before"):
        venue.submit(1, BUY, 1, "limit", 5, False, now)
    with pytest.raises(OrderError, match="before the venue's time"):
        venue.cancel(1, 1)


def test_refusals_of_the_exchange(engine: ModuleType) -> None:
    desk = Desk(engine, book(), lot=5).send(1, BUY, 7)
    assert desk.said("rejected") == [(1, 7, "not a multiple of the lot")]
    desk.send(2, BUY, 5, "limit", 99).send(3, SELL, 5, "stop", 90)
    desk.tape.session(1, Phase.CLOSED)
    desk.sync().send(4, BUY, 5)
    assert desk.said("cancelled") == [(2, 5, "session closed"), (3, 5, "session closed")]
    assert desk.said("rejected")[1:] == [(4, 5, "market closed")]


@pytest.mark.parametrize("phase", [Phase.AUCTION, Phase.HALT])
def test_orders_wait_while_there_is_no_continuous_trading(engine: ModuleType, phase: Phase) -> None:
    desk = Desk(engine, book().session(1, phase)).send(1, BUY, 2).send(2, BUY, 1, "limit", 101)
    assert desk.fills == []
    desk.tape.session(2, Phase.RESUME)
    assert desk.sync().fills == [(1, 101, 2), (2, 101, 1)]


def test_orders_wait_while_the_book_is_invalid_or_crossed(engine: ModuleType) -> None:
    desk = Desk(engine, book().add(1, kind=Kind.GAP)).send(1, BUY, 2)
    assert desk.fills == []
    tape = desk.tape.add(2, kind=Kind.LEVEL, action=Action.SNAPSHOT_BEGIN, more=True)
    tape.level(2, BUY, 103, 1, more=True).level(2, SELL, 103, 4, more=True)
    tape.add(2, kind=Kind.LEVEL, action=Action.SNAPSHOT_END)
    assert desk.sync().fills == []
    desk.tape.level(3, BUY, 103, 0)
    assert desk.sync().fills == [(1, 103, 2)]


def test_roll_ends_everything(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 2, "limit", 99)
    desk.tape.session(1, Phase.ROLL)
    assert desk.sync().said("cancelled") == [(1, 2, "contract roll")]
    assert desk.venue.best() == (PX_NONE, 0, PX_NONE, 0)


def test_after_a_roll_only_the_new_contract_trades(engine: ModuleType) -> None:
    desk = Desk(engine, book(), latency_ns=2 * MS).send(1, BUY, 3)
    desk.tape.trade(3, BUY, 101, 1)  # brings the first order in
    desk.sync().send(2, SELL, 3)  # still under way when the contract changes
    assert desk.venue.position == 3
    desk.tape.session(4, Phase.ROLL)
    assert desk.sync().said("rejected") == [(2, 3, "contract roll")]
    assert desk.venue.position == 0  # of the new contract
    desk.send(3, BUY, 4).send(4, SELL, 1, reduce_only=True)
    desk.tape.level(9, BUY, 200, 6, more=True).level(9, SELL, 201, 2)
    assert desk.sync().fills == [(1, 101, 3), (3, 201, 2)]
    assert desk.said("rejected")[1:] == [(4, 1, "nothing to reduce")]


def test_a_sweep_takes_no_more_than_a_finished_packet_displays(engine: ModuleType) -> None:
    desk = Desk(engine, book())
    desk.tape.level(1, SELL, 101, 90, more=True).level(1, SELL, 102, 90, more=True)
    desk.sync().send(1, BUY, 200)  # the packet goes on: nothing of it counts yet
    assert desk.fills == []
    desk.tape.level(1, SELL, 101, 0, more=True).level(1, SELL, 102, 7, more=True)
    desk.tape.trade(1, BUY, 101, 5, more=True).level(1, SELL, 103, 4)
    desk.sync().venue.advance(2 * MS)
    desk.log += desk.venue.take_reports()
    assert desk.fills == [(1, 102, 7), (1, 103, 4)]
    desk.tape.level(3, BUY, 99, 20)  # another packet, the same sizes: all of them are ours already
    assert len(desk.sync().fills) == 2


def test_before_the_first_marker_the_market_is_open(engine: ModuleType) -> None:
    desk = Desk(engine, book()).send(1, BUY, 1)
    assert desk.fills == [(1, 101, 1)]
    closed = Tape().session(0, Phase.CLOSED)
    closed.rows += book().rows
    assert Desk(engine, closed).send(1, BUY, 1).said("rejected") == [(1, 1, "market closed")]


# ---- less than a book


def test_touch_limits_fills_to_its_size(engine: ModuleType) -> None:
    desk = Desk(engine, Tape().quote(0, 100, 5, 101, 3)).send(1, BUY, 4)
    assert desk.venue.fidelity == "touch"
    assert desk.fills == [(1, 101, 3)]
    desk.tape.quote(1, 100, 5, 102, 9)
    assert desk.sync().fills == [(1, 101, 3), (1, 102, 1)]


def test_touch_queue(engine: ModuleType) -> None:
    desk = Desk(engine, Tape().quote(0, 100, 5, 101, 3))
    desk.send(1, BUY, 2, "limit", 100).send(2, BUY, 2, "limit", 98)
    desk.tape.trade(1, SELL, 100, 6).quote(1, 98, 7, 99, 3)
    assert desk.sync().fills == [(1, 100, 1), (1, 100, 1)]  # then the ask at 99 meets our bid at 100
    desk.tape.trade(2, SELL, 98, 8)
    assert desk.sync().fills[2:] == [(2, 98, 1)]


def test_quotes_without_sizes_cost_the_adverse_ticks(engine: ModuleType) -> None:
    desk = Desk(engine, Tape().quote(0, 100, 0, 101, 0), adverse_ticks=2).send(1, BUY, 40)
    assert desk.venue.fidelity == "quote"
    assert desk.fills == [(1, 103, 40)]
    desk.send(2, BUY, 3, "limit", 100)
    desk.tape.trade(1, SELL, 100, 99)
    assert desk.sync().fills == [(1, 103, 40)]
    desk.tape.trade(2, SELL, 99, 99)
    assert desk.sync().fills == [(1, 103, 40), (2, 100, 3)]


def test_quotes_without_sizes_fill_a_resting_order_only_through_its_price(engine: ModuleType) -> None:
    desk = Desk(engine, Tape().quote(0, 100, 0, 102, 0)).send(1, SELL, 1_000, "limit", 101)
    desk.tape.quote(1, 101, 0, 102, 0).quote(2, 101, 0, 103, 0)
    assert desk.sync().fills == []  # a bid at our price may be one contract
    desk.tape.trade(3, BUY, 102, 30)
    assert desk.sync().fills == [(1, 101, 30)]  # through the price: what was printed
    desk.tape.quote(4, 102, 0, 103, 0)
    assert desk.sync().fills == [(1, 101, 30), (1, 101, 970)]
    assert all(r[7] for r in desk.log if r[3] == "filled")


def test_one_side_without_size_is_not_remembered_as_taken(engine: ModuleType) -> None:
    desk = Desk(engine, Tape().quote(0, 100, 5, 101, 0)).send(1, BUY, 9).send(2, BUY, 9)
    assert desk.venue.fidelity == "touch"
    assert desk.fills == [(1, 102, 9), (2, 102, 9)]
    desk.tape.quote(1, 100, 5, 102, 9)
    assert desk.sync().send(3, BUY, 9).fills[2:] == [(3, 102, 9)]


def test_an_inferred_side_is_no_side(engine: ModuleType) -> None:
    def fills(flags: int) -> list[tuple[int, int, int]]:
        desk = Desk(engine, Tape().quote(0, 100, 5, 103, 5))
        desk.send(1, BUY, 2, "limit", 101).send(2, SELL, 2, "limit", 102)
        desk.tape.trade(1, SELL, 101, 9, flags=flags).trade(2, BUY, 102, 9, flags=flags)
        return desk.sync().fills

    assert fills(0) == [(1, 101, 2), (2, 102, 2)]
    assert fills(int(Flag.SIDE_INFERRED)) == []  # inside the spread: nobody knows


def test_prints_alone_fill_at_the_next_print(engine: ModuleType) -> None:
    desk = Desk(engine, Tape().trade(0, BUY, 100, 5)).send(1, BUY, 4).send(2, BUY, 9, "limit", 99)
    assert desk.venue.fidelity == "trade"
    desk.tape.trade(1, SELL, 100, 3).trade(2, SELL, 100, 3)
    assert desk.sync().fills == [(1, 101, 3), (1, 101, 1)]
    desk.tape.trade(3, SELL, 99, 50).trade(4, SELL, 98, 4)
    assert desk.sync().fills[2:] == [(2, 99, 4)]


def test_bars_fill_at_the_next_open(engine: ModuleType) -> None:
    desk = Desk(engine, Tape().bar(0, 60, 100, 105, 98, 104), latency_ns=MS).send(1, BUY, 3)
    assert desk.venue.fidelity == "bar"
    desk.tape.bar(60, 120, 104, 110, 103, 109)
    assert desk.sync().fills == [(1, 105, 3)]
    assert desk.log[-1][2] == 61 * MS
    assert desk.send(2, SELL, 1, at=130).fills == [(1, 105, 3)]
    desk.tape.bar(120, 180, 109, 110, 108, 109)  # began before the order was sent
    desk.tape.bar(180, 240, 107, 110, 106, 109)
    assert desk.sync().fills[1:] == [(2, 106, 1)]


def test_bar_that_holds_stop_and_target_is_a_loss(engine: ModuleType) -> None:
    desk = Desk(engine, Tape().bar(0, 60, 100, 105, 98, 104)).send(1, BUY, 2)
    desk.tape.bar(60, 120, 104, 106, 103, 104)
    desk.sync().send(2, SELL, 2, "limit", 110, reduce_only=True).send(
        3, SELL, 2, "stop", 100, reduce_only=True
    )
    desk.tape.bar(120, 180, 104, 112, 99, 104)
    assert desk.sync().fills[1:] == [(3, 99, 2)]
    assert desk.said("cancelled") == [(2, 2, "nothing to reduce")]


def test_bar_must_go_through_a_limit(engine: ModuleType) -> None:
    desk = Desk(engine, Tape().bar(0, 60, 100, 105, 98, 104)).send(1, BUY, 2, "limit", 101)
    desk.tape.bar(60, 120, 104, 106, 101, 104)
    assert desk.sync().fills == []
    desk.tape.bar(120, 180, 104, 106, 100, 104)
    assert desk.sync().fills == [(1, 101, 2)]
    desk.send(2, SELL, 1, "stop", 99)
    desk.tape.bar(180, 240, 95, 96, 94, 95)  # opens beyond the stop
    assert desk.sync().fills[1:] == [(2, 94, 1)]


# ---- driving


def test_settings_are_checked(engine: ModuleType) -> None:
    for settings, message in [
        ({"lot": 0}, "lot is 0; expected a positive number"),
        ({"latency_ns": -1}, "latency_ns is -1; expected 0 or more"),
        ({"queue": "fifo"}, 'queue "fifo" is not known'),
        ({"adverse_ticks": -1}, "adverse_ticks is -1"),
        ({"fee": float("nan")}, "fee is "),
    ]:
        with pytest.raises(ConfigError, match=message):
            engine.Venue(0.5, 10.0, **settings)
    with pytest.raises(ConfigError, match="tick_size is 0"):
        engine.Venue(0, 10.0)


def test_unsorted_events_name_their_index(engine: ModuleType) -> None:
    events = book().trade(5, BUY, 101, 1).trade(6, BUY, 101, 1).events()
    events["ts_recv"][7] = 4
    with pytest.raises(UnsortedEventsError, match="ts_recv runs backwards at event 7: 4 after 5000000"):
        engine.Venue(0.5, 10.0).update_many(events)
    replay = engine.Replay(events, engine.Venue(0.5, 10.0))
    assert replay.advance_to(3) == 3
    with pytest.raises(UnsortedEventsError, match="at event 7: 4 after"):
        replay.advance(9 * MS)
    assert replay.cursor == 7


def test_replay_steps_by_engine_time_and_by_count(engine: ModuleType) -> None:
    tape = book().trade(5, BUY, 101, 1).trade(4, BUY, 101, 1).trade(6, BUY, 101, 1)
    events = tape.events()
    events["ts_recv"] = np.maximum.accumulate(events["ts_event"])
    venue = engine.Venue(0.5, 10.0)
    replay = engine.Replay(events, venue)
    assert (len(replay), replay.cursor, replay.advance(0)) == (9, 0, 6)
    assert venue.best() == (100, 10, 101, 5)
    assert replay.advance(4 * MS) == 6  # the late event comes after the one at 5 ms
    assert replay.advance(5 * MS) == 8
    assert venue.now_ns == 5 * MS
    assert replay.advance_to(100) == 9


def test_every_yields_the_touch_at_each_step_until_the_array_ends(engine: ModuleType) -> None:
    events = book().trade(5, BUY, 101, 1).trade(6, BUY, 101, 1).events()
    first, last = int(events["ts_event"][0]), int(events["ts_event"][-1])
    venue = engine.Venue(0.5, 10.0)
    replay = engine.Replay(events, venue)
    steps = list(replay.every(4 * MS))
    assert [s[0] for s in steps] == list(range(first + 4 * MS, last + 4 * MS, 4 * MS))
    for now, *touch in steps:
        other = engine.Venue(0.5, 10.0)
        other.update_many(events[events["ts_event"] <= now])
        assert tuple(touch) == other.best()
    assert replay.cursor == len(events)
    assert list(replay.every(MS)) == []
    with pytest.raises(ConfigError, match="step_ns is 0"):
        replay.every(0)


def test_replay_survives_what_python_does_to_its_array(engines: tuple[ModuleType, ModuleType]) -> None:
    rust, _ = engines
    events = rust.generate_session(3, max_events=30_000)[:30_000].copy()
    replay = rust.Replay(events, rust.Venue(0.5, 10.0))
    assert replay.advance_to(10_000) == 10_000
    rest = events[10_000:].copy()
    events.resize(12_000, refcheck=False)
    assert (len(replay), replay.advance_to(30_000)) == (12_000, 12_000)
    events.resize(0, refcheck=False)
    assert replay.advance(2**62) == 12_000
    assert list(replay.every(MS)) == []
    events.resize(30_000, refcheck=False)
    events[12_000:] = rest[2_000:]
    assert replay.advance_to(30_000) == 30_000


def test_replay_refuses_an_array_that_became_another(engines: tuple[ModuleType, ModuleType]) -> None:
    rust, _ = engines
    events = rust.generate_session(3, max_events=300)
    events = events[: len(events) // 2 * 2].copy()
    replay = rust.Replay(events, rust.Venue(0.5, 10.0))
    shape = events.shape
    events.shape = (2, -1)
    with pytest.raises(ValueError, match="one-dimensional"):
        replay.advance_to(5)
    events.shape = shape
    assert replay.advance_to(5) == 5
    events.dtype = np.uint8
    with pytest.raises(ValueError, match="got uint8"):
        replay.advance(2**62)
    with pytest.raises(ValueError, match="got uint8"):
        replay.every(MS)


def test_replay_without_the_lock_reads_a_copy(engines: tuple[ModuleType, ModuleType]) -> None:
    """A thread that writes rubbish into what is still to come never gets past the checks of the stream."""
    rust, _ = engines
    events = rust.generate_session(3, max_events=200_000)
    clean = rust.Venue(0.5, 10.0)
    clean.update_many(events)
    venue = rust.Venue(0.5, 10.0)
    replay = rust.Replay(events, venue)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            events["reserved"] += 1  # a field that nobody reads: the results must be those of a quiet array

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert replay.advance(2**62) == len(events)
    finally:
        stop.set()
        thread.join()
    assert (venue.best(), venue.now_ns) == (clean.best(), clean.now_ns)


def test_events_that_are_not_aligned_are_refused(engines: tuple[ModuleType, ModuleType]) -> None:
    rust, _ = engines
    events = book().events()
    shifted = np.frombuffer(b"x" + events.tobytes(), EVENT, offset=1)
    if shifted.ctypes.data % 8 == 0:
        pytest.skip("the buffer happens to be aligned")
    with pytest.raises(ValueError, match="aligned"):
        rust.Venue(0.5, 10.0).update_many(shifted)
    with pytest.raises(ValueError, match="aligned"):
        rust.Replay(shifted, rust.Venue(0.5, 10.0))


def test_events_of_another_shape_are_refused(engine: ModuleType) -> None:
    venue = engine.Venue(0.5, 10.0)
    with pytest.raises(ValueError, match="events must be a one-dimensional array"):
        venue.update_many(np.zeros(3))
    with pytest.raises(ValueError, match="contiguous"):
        venue.update_many(book().events()[::2])
    venue.update(book().events()[0])
    assert venue.fidelity == "book"
