"""The books of both engines on hand-computed cases."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Kind, Phase, Side

BID, ASK = int(Side.BUY), int(Side.SELL)


def level(side: int, px: int, size: int, flags: int = 0, action: Action = Action.EDIT) -> Events:
    event = np.zeros(1, EVENT)
    event["kind"], event["action"], event["side"], event["flags"] = Kind.LEVEL, action, side, flags
    event["px"], event["size"] = px, size
    return event


def order(
    action: Action, order_id: int, side: int, px: int, size: int, position: int = -1, flags: int = 0
) -> Events:
    event = level(side, px, size, flags, action)
    event["kind"], event["id"], event["ref_b"] = Kind.ORDER, order_id, position
    return event


def marker(kind: Kind, action: int = 0) -> Events:
    event = np.zeros(1, EVENT)
    event["kind"], event["action"] = kind, action
    return event


def test_touch_and_depth(engine: ModuleType) -> None:
    book = engine.L2Book()
    assert book.best() == (PX_NONE, 0, PX_NONE, 0)
    book.update_many(np.concatenate([level(BID, 100, 5), level(BID, 98, 7), level(ASK, 101, 3)]))
    assert book.best() == (100, 5, 101, 3)
    bid_px, bid_sz, ask_px, ask_sz = book.depth(3)
    assert bid_px.tolist() == [100, 98, PX_NONE]
    assert bid_sz.tolist() == [5, 7, 0]
    assert ask_px.tolist() == [101, PX_NONE, PX_NONE]
    assert ask_sz.tolist() == [3, 0, 0]
    assert bid_px.dtype == np.int32
    assert bid_sz.dtype == np.int64
    assert (book.size_at(BID, 98), book.size_at(ASK, 98)) == (7, 0)


def test_one_event_as_scalar_or_array(engine: ModuleType) -> None:
    book, event = engine.L2Book(), level(BID, 100, 5)
    for form in (event[0], event, event.reshape(()), event.copy()[0].copy()):
        book.update(form)
        assert book.best() == (100, 5, PX_NONE, 0)
        book.update(level(BID, 100, 0))
        assert book.best() == (PX_NONE, 0, PX_NONE, 0)


def test_a_packet_shows_when_it_ends(engine: ModuleType) -> None:
    more = int(Flag.MORE)
    events = np.concatenate(
        [level(BID, 100, 5), level(BID, 101, 1, more), level(BID, 100, 0, more), level(BID, 101, 9)]
    )
    bid_px, bid_sz, _, _ = engine.L2Book().best_after_each(events)
    assert list(zip(bid_px.tolist(), bid_sz.tolist(), strict=True)) == [
        (100, 5),
        (100, 5),
        (100, 5),
        (101, 9),
    ]
    book = engine.L2Book()
    book.update_many(events[:3])
    assert book.best()[:2] == (100, 5)


def test_gap_until_snapshot(engine: ModuleType) -> None:
    book = engine.L2Book()
    book.update_many(np.concatenate([level(BID, 100, 5), marker(Kind.GAP)]))
    assert (book.valid, book.gaps, book.best()) == (False, 1, (PX_NONE, 0, PX_NONE, 0))
    book.update(level(0, 0, 0, action=Action.SNAPSHOT_BEGIN))
    book.update(level(BID, 90, 2))
    assert not book.valid
    book.update(level(0, 0, 0, action=Action.SNAPSHOT_END))
    assert (book.valid, book.best()) == (True, (90, 2, PX_NONE, 0))
    book.update(marker(Kind.GAP))
    book.update(level(0, 0, 0, action=Action.CLEAR))
    assert (book.valid, book.gaps, book.best()) == (True, 2, (PX_NONE, 0, PX_NONE, 0))


def test_roll_empties_the_book_and_open_does_not(engine: ModuleType) -> None:
    book = engine.L2Book()
    book.update(level(BID, 100, 5))
    book.update(marker(Kind.SESSION, Phase.OPEN))
    assert book.best()[:2] == (100, 5)
    book.update(marker(Kind.SESSION, Phase.ROLL))
    assert (book.best(), book.valid) == ((PX_NONE, 0, PX_NONE, 0), True)


def test_nonsense_is_counted(engine: ModuleType) -> None:
    book = engine.L2Book()
    for bad in (
        level(BID, 100, -1),
        level(0, 100, 1),
        level(BID, PX_NONE, 1),
        level(BID, 100, 1, int(Flag.DELTA)),
        level(BID, 100, 1, action=Action.NONE),
        level(BID, 100, 1, action=Action.SNAPSHOT_END),
    ):
        book.update(bad)
    assert (book.rejected, book.best()) == (6, (PX_NONE, 0, PX_NONE, 0))


def test_a_full_side_drops_its_worst_level(engine: ModuleType) -> None:
    book = engine.L2Book(max_levels=2)
    for px in (100, 101, 99, 102):
        book.update(level(BID, px, px))
    assert (book.depth(3)[0].tolist(), book.dropped) == ([102, 101, PX_NONE], 2)


def test_the_ladder_follows_the_price(engine: ModuleType) -> None:
    book = engine.L2Book()
    for px in (100, 1_000_000, -1_000_000, 2**31 - 1, -(2**31) + 1):
        book.update(level(ASK, px, 1))
    assert book.depth(5)[2].tolist() == [-(2**31) + 1, -1_000_000, 100, 1_000_000, 2**31 - 1]


def test_queue_by_id(engine: ModuleType) -> None:
    book = engine.OrderBook()
    for order_id, size in ((1, 10), (2, 20), (3, 30)):
        book.update(order(Action.ADD, order_id, BID, 100, size))
    assert (book.best()[:2], book.orders_at(BID, 100), len(book)) == ((100, 60), 3, 3)
    assert book.queue_ahead(3) == (30, 2)
    book.update(order(Action.EDIT, 1, BID, 100, 4))  # less size keeps the place
    assert (book.queue_ahead(1), book.queue_ahead(3)) == ((0, 0), (24, 2))
    book.update(order(Action.EDIT, 1, BID, 100, 5))  # more size loses it
    assert (book.queue_ahead(1), book.queue_ahead(2)) == ((50, 2), (0, 0))
    book.update(order(Action.EDIT, 2, BID, 99, 20))  # so does another price
    assert (book.queue_ahead(2), book.queue_ahead(3)) == ((0, 0), (0, 0))
    book.update(order(Action.DELETE, 9, BID, 0, 0))
    assert (book.unknown_ids, book.queue_ahead(9), book.order(3)) == (1, None, (BID, 100, 30, 0))


def test_list_by_position(engine: ModuleType) -> None:
    book = engine.OrderBook()
    book.update(order(Action.ADD, 1, ASK, 105, 10, position=0))
    book.update(order(Action.ADD, 2, ASK, 104, 5, position=0))
    book.update(order(Action.ADD, 3, ASK, 104, 7, position=0))
    book.update(order(Action.ADD, 4, ASK, 110, 1, position=3))  # the very bottom
    assert (book.best()[2:], book.queue_ahead(2)) == ((104, 12), (7, 1))
    delta: Any = order(Action.EDIT, 0, ASK, PX_NONE, -2, position=1, flags=int(Flag.DELTA))
    book.update(delta)
    assert book.best()[2:] == (104, 10)
    book.update(order(Action.DELETE_FROM, 0, ASK, 0, 0, position=1))  # the two best
    assert book.best()[2:] == (105, 10)
    book.update(order(Action.DELETE, 0, ASK, 0, 0, position=0))
    assert (book.best()[2:], book.rejected) == ((110, 1), 0)
    book.update(order(Action.DELETE, 0, ASK, 0, 0, position=1))  # there is only one
    book.update(order(Action.ADD, 9, ASK, 111, 1))  # by id, in a book by position
    assert (book.rejected, len(book)) == (2, 1)


def test_a_full_book_drops_its_worst_order(engine: ModuleType) -> None:
    book = engine.OrderBook(max_orders=2)
    for order_id, px in ((1, 100), (2, 101), (3, 100)):
        book.update(order(Action.ADD, order_id, BID, px, 1))
    assert (book.dropped, book.order(3), book.order(1)) == (1, None, (BID, 100, 1, 0))


@pytest.mark.parametrize("name", ["L2Book", "OrderBook"])
def test_foreign_kinds_are_ignored(engine: ModuleType, name: str) -> None:
    book = getattr(engine, name)()
    other = Kind.ORDER if name == "L2Book" else Kind.LEVEL
    for kind in (Kind.TRADE, Kind.QUOTE, Kind.TIMER, Kind.BAR, other):
        event = level(BID, 100, 5)
        event["kind"] = kind
        book.update(event)
    assert (book.best(), book.rejected, book.valid) == ((PX_NONE, 0, PX_NONE, 0), 0, True)


def test_orders_in_their_priority(engine: ModuleType) -> None:
    by_id = engine.OrderBook()
    by_id.update_many(
        np.concatenate(
            [
                order(Action.ADD, 1, BID, 100, 5),
                order(Action.ADD, 2, BID, 101, 3),
                order(Action.ADD, 3, BID, 100, 4),
                order(Action.EDIT, 1, BID, 100, 9),  # more size costs the place
                order(Action.ADD, 4, ASK, 103, 1),
            ]
        )
    )
    assert [column.tolist() for column in by_id.orders(BID)] == [
        [2, 3, 1],
        [101, 100, 100],
        [3, 4, 9],
        [0, 0, 0],
    ]
    assert by_id.orders(ASK)[0].tolist() == [4]
    assert [column.dtype for column in by_id.orders(BID)] == [np.int64, np.int32, np.int32, np.int32]
    by_place = engine.OrderBook()
    by_place.update_many(
        np.concatenate(
            [
                order(Action.ADD, 7, ASK, 105, 5, position=0),
                order(Action.ADD, 8, ASK, 104, 3, position=0),
                order(Action.ADD, 9, ASK, 105, 2, position=2),
            ]
        )
    )
    assert by_place.orders(ASK)[0].tolist() == [8, 7, 9]
    assert by_place.orders(BID)[0].tolist() == []
    by_place.update_many(marker(Kind.GAP))
    assert by_place.orders(ASK)[0].tolist() == []
    with pytest.raises(ValueError, match="side is 0"):
        by_place.orders(0)
