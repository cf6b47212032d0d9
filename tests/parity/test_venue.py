"""Both engines give the same reports for the same events and orders."""

from __future__ import annotations

import random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from quantumtrader._protocols import Report
from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Kind, Phase


def session(engine: ModuleType, seed: int) -> Events:
    """A busy stretch of a synthetic session, with a halt and a gap that a snapshot does not repair at once."""
    events = engine.generate_session(seed, max_events=6_000, intensity=400, volatility=200)
    rng = random.Random(seed)
    ends = np.flatnonzero(events["flags"] & Flag.MORE == 0)
    halt, resume, gap = sorted(rng.sample(list(ends[len(ends) // 2 : -1]), 3))
    marks = np.zeros(3, EVENT)
    marks["kind"] = [Kind.SESSION, Kind.SESSION, Kind.GAP]
    marks["action"] = [Phase.HALT, Phase.RESUME, 0]
    out = np.insert(events, [halt + 1, resume + 1, gap + 1], marks)
    for k in (halt + 1, resume + 2, gap + 3):
        out["ts_event"][k], out["ts_recv"][k] = out["ts_event"][k - 1], out["ts_recv"][k - 1]
    out["sequence"] = np.arange(len(out))
    return out


def as_touch(events: Events, *, sizes: bool) -> Events:
    """The same session as quotes and prints: what a feed without a book would have shown."""
    from quantumtrader._fallback.books import L2Book

    book, out = L2Book(), []
    for k in range(len(events)):
        book.update_many(events[k : k + 1])
        record = events[k].copy()
        if record["kind"] == Kind.LEVEL:
            if record["flags"] & Flag.MORE:
                continue
            bid, bid_sz, ask, ask_sz = book.best()
            record["kind"], record["action"], record["side"] = Kind.QUOTE, 0, 0
            record["px"], record["px_ask"] = bid, ask
            record["size"], record["size_ask"] = (bid_sz, ask_sz) if sizes else (0, 0)
        out.append(record)
    return np.array(out, EVENT)


def as_orders(events: Events) -> Events:
    """The same session by order: each level change becomes an order that comes, shrinks or goes."""
    out, queues, next_id = [], {}, 1
    for e in events:
        if e["kind"] != Kind.LEVEL or e["action"] > Action.DELETE:
            if e["kind"] == Kind.LEVEL:
                e = e.copy()
                e["kind"] = Kind.ORDER
            out.append(e)
            continue
        queue = queues.setdefault((int(e["side"]), int(e["px"])), [])
        size = int(e["size"]) if e["action"] != Action.DELETE else 0
        change = size - sum(o[1] for o in queue)
        steps = []
        if change > 0:
            queue.append([next_id, change])
            steps.append((Action.ADD, next_id, change))
            next_id += 1
        while change < 0:
            # Executions eat from the front; a change without a print takes the last order.
            first = bool(out) and out[-1]["kind"] in (Kind.TRADE, Kind.ORDER) and out[-1]["flags"] & Flag.MORE
            order = queue[0] if first else queue[-1]
            cut = min(-change, order[1])
            order[1] -= cut
            change += cut
            steps.append((Action.EDIT if order[1] else Action.DELETE, order[0], order[1]))
            if not order[1]:
                queue.remove(order)
        for k, (action, oid, left) in enumerate(steps):
            record = e.copy()
            record["kind"], record["action"], record["id"], record["size"] = Kind.ORDER, action, oid, left
            record["ref_b"] = -1
            if k < len(steps) - 1:
                record["flags"] |= Flag.MORE
            out.append(record)
    made = np.array(out, EVENT)
    made["sequence"] = np.arange(len(made))
    return made


def as_bars(events: Events) -> Events:
    """Ten-second bars of the prints."""
    prints = events[events["kind"] == Kind.TRADE]
    step = 10_000_000_000
    keys = prints["ts_event"] // step
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    bars = np.zeros(len(starts), EVENT)
    for k, (a, b) in enumerate(zip(starts, [*starts[1:], len(prints)], strict=True)):
        px = prints["px"][a:b]
        bars[k]["kind"], bars[k]["id"] = Kind.BAR, keys[a] * step
        bars[k]["ts_event"] = bars[k]["ts_recv"] = (keys[a] + 1) * step
        bars[k]["px"], bars[k]["px_ask"], bars[k]["ref_a"], bars[k]["ref_b"] = (
            px[0],
            px.max(),
            px.min(),
            px[-1],
        )
    return bars


def trade_randomly(engine: ModuleType, events: Events, seed: int, **settings: Any) -> list[Report]:
    """Random orders of every kind at random times; the choices depend on the seed and the touch only."""
    rng = random.Random(seed)
    venue = engine.Venue(0.5, 10.0, **settings)
    replay = engine.Replay(events, venue)
    reports: list[Report] = []
    oid = 0
    span = int(events["ts_event"][-1] - events["ts_event"][0])
    last = (
        int(np.median(events["px"][events["kind"] == Kind.TRADE]))
        if (events["kind"] == Kind.TRADE).any()
        else 0
    )
    while replay.cursor < len(events):
        if rng.random() < 0.5:
            replay.advance_to(replay.cursor + rng.randint(1, max(2, len(events) // 100)))
        else:
            start = max(venue.now_ns, int(events["ts_event"][0]))
            replay.advance(start + rng.randint(0, span // 50))
        now = max(venue.now_ns, int(events["ts_event"][0]))
        bid, _, ask, _ = venue.best()
        mid = (
            ask if ask != PX_NONE else bid if bid != PX_NONE else last or int(events["px"][replay.cursor - 1])
        )
        for _ in range(rng.choice([0, 1, 1, 2])):
            oid += 1
            side = rng.choice([1, -1])
            kind = rng.choice(["market", "limit", "limit", "limit", "stop", "stop_limit"])
            px = (
                PX_NONE
                if kind == "market"
                else mid - side * rng.randint(-2, 6) * (-1 if kind.startswith("stop") else 1)
            )
            limit = px + side * rng.randint(-2, 4) if kind == "stop_limit" else PX_NONE
            size = rng.choice([1, 2, 5, 20, 90])
            venue.submit(oid, side, size, kind, px, rng.random() < 0.3, now, limit)
        if oid and rng.random() < 0.4:
            venue.cancel(rng.randint(max(1, oid - 8), oid + 1), now + rng.randint(0, 1_000_000))
        if rng.random() < 0.3:
            reports += venue.take_reports()
    reports += venue.take_reports()
    rolls = events["ts_event"][(events["kind"] == Kind.SESSION) & (events["action"] == Phase.ROLL)]
    start = int(rolls[-1]) if len(rolls) else -(2**63)
    assert venue.position == sum(r[4] * r[6] for r in reports if r[3] == "filled" and r[2] >= start)
    return reports


SETTINGS: list[dict[str, Any]] = [
    {},
    {"latency_ns": 2_000_000, "queue": "proportional", "fee": 0.37},
    {"latency_ns": 500_000, "queue": "exact", "lot": 5, "adverse_ticks": 2},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["pessimistic", "proportional", "exact"])
@pytest.mark.parametrize("feed", ["book", "orders", "touch", "quote", "trade", "bar"])
@pytest.mark.parametrize("seed", [1, 2])
def test_reports_are_equal(
    engines: tuple[ModuleType, ModuleType], feed: str, settings: dict[str, Any], seed: int
) -> None:
    rust, python = engines
    events = session(rust, seed)
    if feed == "orders":
        events = as_orders(events)
    elif feed in ("touch", "quote"):
        events = as_touch(events, sizes=feed == "touch")
    elif feed == "trade":
        events = events[events["kind"] != Kind.LEVEL].copy()
        events["flags"] &= ~np.uint16(Flag.MORE)
    elif feed == "bar":
        events = as_bars(rust.generate_session(seed, duration_ns=3_600_000_000_000, intensity=30))
    a = trade_randomly(rust, events, seed, **settings)
    b = trade_randomly(python, events, seed, **settings)
    assert a == b
    statuses = {r[3] for r in a}
    assert {"accepted", "filled"} <= statuses


def test_reports_are_equal_over_a_contract_roll(engines: tuple[ModuleType, ModuleType]) -> None:
    rust, python = engines
    first, second = session(rust, 5), session(rust, 6)
    end = np.flatnonzero(first["flags"] & Flag.MORE == 0)[len(first) // 4]
    first = first[: end + 1]  # before the close
    roll = np.zeros(1, EVENT)
    roll["kind"], roll["action"] = Kind.SESSION, Phase.ROLL
    roll["ts_event"] = roll["ts_recv"] = first["ts_event"].max() + 1_000_000
    for name in ("ts_event", "ts_recv"):
        second[name] += roll["ts_event"][0] + 1_000_000 - second[name][0]
    events = np.concatenate([first, roll, second])
    events["sequence"] = np.arange(len(events))
    a = trade_randomly(rust, events, 10, latency_ns=500_000_000)
    assert a == trade_randomly(python, events, 10, latency_ns=500_000_000)
    assert "contract roll" in {r[9] for r in a}


def test_fidelity_is_equal(engines: tuple[ModuleType, ModuleType]) -> None:
    events = session(engines[0], 3)
    touch = as_touch(events, sizes=True)
    for stream in (events, as_orders(events), touch, as_bars(events)):
        names = set()
        for engine in engines:
            venue = engine.Venue(0.5, 10.0)
            venue.update_many(stream)
            names.add((venue.fidelity, venue.best(), venue.now_ns))
        assert len(names) == 1
