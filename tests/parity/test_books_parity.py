"""The compiled books and the Python ones give the same numbers on any stream of events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumtrader._fallback import books as python
from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Kind, Phase

rust: Any = pytest.importorskip("quantumtrader._core", reason="the compiled engine is not installed")

ROW = ("kind", "action", "side", "flags", "px", "size", "id", "ref_a", "ref_b")


def prices() -> st.SearchStrategy[int]:
    """Few prices, so that levels fill and queues form; some far ones, so that the ladder moves."""
    near = st.integers(10_798, 10_804)
    far = (
        st.integers(9_000, 14_000) | st.integers(1_000_000, 1_000_009) | st.just(PX_NONE) | st.just(2**31 - 1)
    )
    return st.one_of(near, near, near, far)


def updates(
    kind: Kind, ids: st.SearchStrategy[int], positions: st.SearchStrategy[int]
) -> st.SearchStrategy[Any]:
    return st.tuples(
        st.just(int(kind)),
        st.sampled_from([1, 1, 2, 2, 3, 3, 4, 0, 9]),
        st.sampled_from([1, -1, 1, -1, 1, -1, 0, 2]),
        st.sampled_from([0, 0, 0, int(Flag.MORE), int(Flag.DELTA), int(Flag.AUCTION)]),
        prices(),
        st.integers(-3, 9),
        ids,
        st.integers(0, 3),
        positions,
    )


def controls(kind: Kind) -> st.SearchStrategy[Any]:
    return st.sampled_from(
        [
            (int(kind), int(action), side, 0, 10_800, 1, 0, 0, -1)
            for action, side in [
                (Action.CLEAR, 0),
                (Action.CLEAR, 1),
                (Action.CLEAR, -1),
                (Action.CLEAR, 3),
                (Action.SNAPSHOT_BEGIN, 0),
                (Action.SNAPSHOT_END, 0),
            ]
        ]
        + [(int(Kind.GAP), 0, 0, 0, 0, 0, 0, 0, 0), (int(Kind.TRADE), 1, 1, 0, 10_800, 1, 0, 0, 0)]
        + [(int(Kind.SESSION), int(phase), 0, 0, 0, 0, 0, 0, 0) for phase in (Phase.OPEN, Phase.ROLL)]
    )


def streams(
    kind: Kind, ids: st.SearchStrategy[int], positions: st.SearchStrategy[int]
) -> st.SearchStrategy[Events]:
    row = updates(kind, ids, positions)
    return st.lists(st.one_of(row, row, row, row, row, controls(kind)), max_size=120).map(to_events)


def to_events(rows: list[tuple[int, ...]]) -> Events:
    out = np.zeros(len(rows), EVENT)
    for name, column in zip(ROW, zip(*rows, strict=True), strict=True) if rows else ():
        out[name] = column
    return out


LEVELS = streams(Kind.LEVEL, st.just(0), st.just(0))
BY_ID = streams(Kind.ORDER, st.integers(0, 12), st.just(-1))
BY_POSITION = streams(Kind.ORDER, st.integers(0, 12), st.integers(0, 7))
MIXED = streams(Kind.ORDER, st.integers(0, 5), st.integers(-2, 3))


def compare(make: Callable[[Any], Any], events: Events) -> None:
    first, second = make(rust), make(python)
    for a, b in zip(first.best_after_each(events), second.best_after_each(events), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)
    same_state(first, second)

    first, second = make(rust), make(python)
    for a, b in zip(first.depth_after_each(events, 3), second.depth_after_each(events, 3), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)

    first, second = make(rust), make(python)
    half = len(events) // 2
    first.update_many(events[:half])
    second.update_many(events[:half])
    for event in events[half:]:
        first.update(event)
        second.update(event)
    same_state(first, second)


def same_state(first: Any, second: Any) -> None:
    for name in ("valid", "gaps", "rejected", "dropped", "unknown_ids"):
        assert getattr(first, name, None) == getattr(second, name, None), name
    assert first.best() == second.best()
    for a, b in zip(first.depth(5), second.depth(5), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)
    for side in (1, -1):
        for px in (10_800, 10_801, 1_000_000, PX_NONE):
            assert first.size_at(side, px) == second.size_at(side, px)
            if hasattr(first, "orders_at"):
                assert first.orders_at(side, px) == second.orders_at(side, px)
    if hasattr(first, "queue_ahead"):
        assert len(first) == len(second)
        for order_id in range(13):
            assert first.queue_ahead(order_id) == second.queue_ahead(order_id)
            assert first.order(order_id) == second.order(order_id)


@given(LEVELS, st.sampled_from([1, 3, 65_536]))
@settings(max_examples=150, deadline=None)
def test_levels(events: Events, max_levels: int) -> None:
    compare(lambda engine: engine.L2Book(max_levels), events)


@given(st.one_of(BY_ID, BY_POSITION, MIXED), st.sampled_from([2, 5, 524_288]))
@settings(max_examples=300, deadline=None)
def test_orders(events: Events, max_orders: int) -> None:
    compare(lambda engine: engine.OrderBook(max_orders), events)


@pytest.mark.parametrize(
    "call",
    [
        lambda e: e.L2Book(0),
        lambda e: e.OrderBook(-1),
        lambda e: e.L2Book().depth(0),
        lambda e: e.L2Book().depth_after_each(np.zeros(1, EVENT), 0),
        lambda e: e.L2Book().size_at(0, 1),
        lambda e: e.OrderBook().orders_at(2, 1),
        lambda e: e.L2Book().update_many(np.zeros(4, np.int64)),
        lambda e: e.L2Book().update_many(np.zeros((2, 2), EVENT)),
        lambda e: e.L2Book().update_many(np.zeros(4, EVENT)[::2]),
        lambda e: e.L2Book().update(np.zeros(2, EVENT)),
        lambda e: e.L2Book().update(np.zeros(8, np.int64)),
        lambda e: e.L2Book().update(5),
    ],
)
def test_errors(call: Callable[[Any], Any]) -> None:
    raised = []
    for engine in (rust, python):
        with pytest.raises(ValueError) as info:
            call(engine)
        raised.append((info.type, str(info.value)))
    assert raised[0] == raised[1]


def test_constants() -> None:
    for name in ("L2Book", "OrderBook"):
        assert getattr(rust, name).__name__ == getattr(python, name).__name__
    empty: Events = np.zeros(0, EVENT)
    for book in (rust.L2Book(), python.L2Book()):
        assert [a.shape for a in book.depth_after_each(empty, 4)] == [(0, 4)] * 4
        assert [a.shape for a in book.best_after_each(empty)] == [(0,)] * 4
