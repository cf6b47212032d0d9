"""Queue models against real orders: a shadow of ours joins right behind an order whose fate is recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from quantumtrader.config import Settings
from quantumtrader.data.source import load_events
from quantumtrader.types import Action, Events, Flag, Kind


@pytest.fixture(scope="module")
def continuous(shared_data: Callable[[str], Path]) -> Events:
    """The hour of continuous trading of a real by-order feed, from its pre-open snapshot on."""
    pytest.importorskip("pyarrow")
    settings = Settings(
        instruments={"ESH4": {"tick_size": 0.25, "point_value": 50.0, "currency": "USD", "timezone": "UTC"}}
    )
    return load_events(shared_data("cme_es_mbo_20231225"), "ESH4", settings).events


def followed(events: Events, count: int) -> list[tuple[int, int]]:
    """Adds (index, order id) that end their packet, at prices that traded later, spread over the session."""
    adds = (events["kind"] == Kind.ORDER) & (events["action"] == Action.ADD)
    adds &= (events["flags"] & (Flag.MORE | Flag.SNAPSHOT)) == 0
    traded = np.unique(events["px"][events["kind"] == Kind.TRADE])
    at = np.flatnonzero(adds & np.isin(events["px"], traded))
    at = at[at > len(events) // 2]
    return [(int(k), int(events["id"][k])) for k in at[:: max(1, len(at) // count)]]


def first_fill(engine: ModuleType, events: Events, at: int, model: str) -> int | None:
    """Index of the event that fills a shadow of one contract sent right after event ``at``; None if never."""
    venue = engine.Venue(0.25, 50.0, queue=model)
    replay = engine.Replay(events, venue)
    replay.advance_to(at + 1)
    event = events[at]
    venue.submit(1, int(event["side"]), 1, "limit", int(event["px"]), False, venue.now_ns)
    venue.advance(venue.now_ns)
    for stop in range(at + 2, min(at + 6_000, len(events)) + 1):
        replay.advance_to(stop)
        if any(r[3] == "filled" for r in venue.take_reports()):
            return stop - 1
    return None


def test_shadow_fills_after_the_order_before_it_and_pessimism_is_later(
    continuous: Events, engines: tuple[ModuleType, ModuleType]
) -> None:
    rust, _ = engines
    compared = 0
    for at, order_id in followed(continuous, 150):
        exact = first_fill(rust, continuous, at, "exact")
        late = first_fill(rust, continuous, at, "pessimistic")
        if exact is None:
            assert late is None
            continue
        assert late is None or late >= exact
        fill = continuous[exact]
        own = continuous[: exact + 200]
        gone = np.flatnonzero(
            (own["kind"] == Kind.ORDER) & (own["id"] == order_id) & (own["action"] == Action.DELETE)
        )
        gone = gone[gone > at]
        moved = np.flatnonzero(
            (own["kind"] == Kind.ORDER) & (own["id"] == order_id) & (own["action"] == Action.EDIT)
        )
        if len(moved[moved > at]) or not len(gone):
            continue
        # The order before us left the book by the end of the packet in which we were filled at its price.
        packet_end = exact
        while continuous["flags"][packet_end] & Flag.MORE:
            packet_end += 1
        if fill["kind"] == Kind.TRADE and fill["px"] == continuous["px"][at]:
            assert gone[0] <= packet_end, f"order {order_id} at {at} outlived our fill at {exact}"
            compared += 1
    assert compared >= 20, compared
