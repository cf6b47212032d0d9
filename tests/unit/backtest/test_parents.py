"""Parent orders through the real venue on synthetic sessions: what holds for every algorithm, engine and setting."""

from __future__ import annotations

import dataclasses
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumtrader import core
from quantumtrader.backtest.desk import VenueSettings
from quantumtrader.backtest.market import MarketPath
from quantumtrader.backtest.parents import ParentResult, work_parent
from quantumtrader.data.contracts import instrument
from quantumtrader.exceptions import ConfigError
from quantumtrader.execution import RiskLimits
from quantumtrader.execution.routing import SLICERS, ParentOrder, make_slicer
from quantumtrader.types import PX_NONE, Events

S = 10**9
WDO = dataclasses.replace(instrument("WDOFUT"), fee=1.0)
WIDE = RiskLimits(max_position=10**6, max_order_size=10**6, daily_loss=1e12, orders_per_minute=10**6)
SESSIONS: dict[int, MarketPath] = {}


def session(seed: int) -> MarketPath:
    if seed not in SESSIONS:
        events: Events = core().generate_session(seed=seed, duration_ns=12 * 60 * S)  # type: ignore[attr-defined]
        SESSIONS[seed] = MarketPath.of(events, WDO, core())
    return SESSIONS[seed]


def opening(path: MarketPath) -> int:
    return int(path.now[np.argmax(path.continuous)])


def work(
    name: str, path: MarketPath, parameters: dict[str, Any] | None = None, engine: Any = None,
    venue: VenueSettings | None = None, limits: RiskLimits = WIDE, **order: Any,
) -> ParentResult:  # fmt: skip
    start = opening(path) + 60 * S
    given_ = {"side": 1, "size": 40, "start_ns": start, "end_ns": start + 600 * S, **order}
    parent = ParentOrder(**given_)
    return work_parent(
        path,
        engine or core(),
        lambda new_id: make_slicer(name, parent, new_id, **(parameters or {})),
        venue=venue,
        limits=limits,
    )


@pytest.mark.parametrize("name", sorted(SLICERS))
def test_both_engines_work_it_alike(name: str) -> None:
    from quantumtrader import _fallback

    fast, slow = work(name, session(5)), work(name, session(5), engine=_fallback)
    assert fast.fills == slow.fills
    assert fast.slippage == slow.slippage


@pytest.mark.parametrize("name", sorted(SLICERS))
def test_it_is_filled_or_says_why_and_nothing_is_left(name: str) -> None:
    done = work(name, session(5), {"rate": 0.05} if name == "pov" else {})
    assert (done.slicer.filled, done.slicer.ended, done.slicer.alive) == (40, "filled", ())
    assert done.refusals == []
    cost = done.slippage
    assert sum(c.ticks for c in cost.components.values()) == cost.total.ticks
    paid = sum(f.size * f.px for f in done.fills) - 40 * cost.arrival_mid
    assert cost.total.money == paid * 5.0 + 40 * WDO.fee  # R$ 5 a tick


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(SLICERS)),
    seed=st.integers(1, 4),
    side=st.sampled_from([1, -1]),
    size=st.integers(1, 400),
    seconds=st.integers(1, 700),
    share=st.sampled_from([None, 0.01, 0.1]),
    latency=st.sampled_from([0, 20_000_000, 700_000_000]),
    bound=st.sampled_from([None, -3, 0, 5]),
)
def test_against_the_venue(
    name: str,
    seed: int,
    side: int,
    size: int,
    seconds: int,
    share: float | None,
    latency: int,
    bound: int | None,
) -> None:
    path = session(seed)
    start = opening(path) + 30 * S
    at = int(np.searchsorted(path.now, start, "right")) - 1
    limit = PX_NONE if bound is None else int(path.bid_px[at]) + bound * side
    done = work(
        name, path, venue=VenueSettings(latency_ns=latency), side=side, size=size, start_ns=start,
        end_ns=start + seconds * S, limit_px=limit, max_participation=share,
    )  # fmt: skip
    assert sum(f.size for f in done.fills) == done.slicer.filled <= size
    assert done.slicer.done
    assert all(f.side == side for f in done.fills)
    if limit != PX_NONE:
        assert all(f.px * side <= limit * side for f in done.fills)
    if share is not None:
        assert done.slicer.filled <= share * (done.traded or 0) + 1e-6
    sent = [c.sent_ts for c in done.slicer.children]
    assert all(start <= ts < start + seconds * S for ts in sent)
    assert sum(c.ticks for c in done.slippage.components.values()) == done.slippage.total.ticks


def test_a_session_that_ends_earlier_ends_the_parent() -> None:
    path = session(5)
    end = int(path.now[-1])
    done = work("twap", path, start_ns=end - 30 * S, end_ns=end + 300 * S, size=1000)
    assert 0 < done.slicer.filled < 1000
    assert (done.slicer.done, done.slicer.ended) == (True, "time")
    assert done.slippage.filled == done.slicer.filled


def test_every_child_passes_the_risk_manager() -> None:
    done = work("twap", session(5), limits=dataclasses.replace(WIDE, max_position=15))
    assert done.slicer.filled <= 15
    assert {r.rule for r in done.refusals} == {"position_limit"}
    assert done.slicer.ended == "refused"


def test_a_slice_is_judged_as_the_whole_trade() -> None:
    # 40 contracts, 8 ticks of R$ 5 and R$ 2 of fees each: R$ 1,680.
    limits = dataclasses.replace(WIDE, max_trade_risk=1_680.0)
    assert work("twap", session(5), limits=limits, stop_ticks=8).refusals == []
    for stop in (9, float("nan")):
        refused = work("twap", session(5), limits=limits, stop_ticks=stop).refusals
        assert {r.rule for r in refused} == {"trade_risk"}


def test_a_recording_without_a_touch_is_refused(engine: ModuleType) -> None:
    path = session(5)
    bare = dataclasses.replace(path, source="trades")
    with pytest.raises(ConfigError, match="quotes or a book"):
        work("twap", bare, engine=engine)
    with pytest.raises(ConfigError, match="not inside the recording"):
        work("twap", path, start_ns=int(path.now[-1]) + 1, end_ns=int(path.now[-1]) + 2)
