"""The micro-price fit against chains whose answer is known, and the table's way through the engine."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader import EVENT, Action, FeatureEngine, Flag, Instrument, Kind, Phase, _backend, core
from quantumtrader._fallback.features.engine import FeatureEngine as PythonEngine
from quantumtrader.data.source import load_events
from quantumtrader.exceptions import DataError, EmptyDataError
from quantumtrader.features.fit.microprice import STATES, MicropriceFitter, Steps, lookup, solve
from quantumtrader.features.fit.touches import Touches, TouchPairs
from quantumtrader.types import PX_NONE, Fitted

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)
MIRROR = np.array([10 * (k // 10) + 9 - k % 10 for k in range(STATES)])
SECOND = 10**9


def chain() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a step, shape (30, 30), and by how many half ticks it moves the mid.

    At one tick the imbalance wanders; the thinner side gives way and the spread opens; from two ticks it closes again,
    towards the thinner side more often.
    """
    p, up = np.zeros((STATES, STATES)), np.zeros((STATES, STATES), int)

    def step(x: int, y: int, weight: float, move: int) -> None:
        p[x, y] += weight
        up[x, y] = move

    for i in range(10):
        share = (i + 0.5) / 10
        for j in (i - 1, i, i + 1):
            step(i, min(max(j, 0), 9), 0.25, 0)
        step(i, 10 + min(i + 2, 9), 0.25 * share, 1)
        step(i, 10 + max(i - 2, 0), 0.25 * (1 - share), -1)
        step(10 + i, 10 + i, 0.4, 0)
        step(10 + i, 10 + (9 - i), 0.1, 0)
        step(10 + i, i // 2, 0.5 * share, 1)
        step(10 + i, 9 - (9 - i) // 2, 0.5 * (1 - share), -1)
    np.testing.assert_allclose(p[:20].sum(axis=1), 1)
    np.testing.assert_allclose(p[:20], p[MIRROR][:, MIRROR][:20])
    return p, up


def limit(p: np.ndarray, up: np.ndarray) -> np.ndarray:
    """E[mid far in the future - mid now] by adding up step after step: no Q, no T, no inverse."""
    total, expected = np.zeros(STATES), (p * up).sum(axis=1) / 2
    for _ in range(5_000):
        total += expected
        expected = p @ expected
    return total


def counted(p: np.ndarray, up: np.ndarray, weight: int = 4_000_000) -> Steps:
    counts = np.rint(p * weight).astype(np.int64)
    still = up == 0
    seen = counts.sum(axis=1) // 8
    return Steps(np.where(still, counts, 0), np.where(still, 0, counts), counts * up, seen)


def test_a_known_chain_gives_the_expected_future_mid() -> None:
    p, up = chain()
    solution = solve(counted(p, up))
    expected = limit(p, up)
    np.testing.assert_allclose(solution.adjustment[:20], expected[:20], atol=2e-6)
    assert np.isnan(solution.adjustment[20:]).all()  # never seen
    assert solution.adjustment[9] > 0.2  # heavy on the bid: up
    assert 0 < solution.spectral_radius < 1

    # Stoikov's series in full, on 20 states, without the halving.
    q, t = (np.where(up == 0, p, 0)[:20, :20], np.where(up == 0, 0, p)[:20, :20])
    inverse = np.linalg.inv(np.eye(20) - q)
    first, onward = inverse @ ((p * up).sum(axis=1)[:20] / 2), inverse @ t
    np.testing.assert_allclose(solution.first[:20], first, atol=1e-9)
    series, term = np.zeros(20), first
    for _ in range(2_000):
        series += term
        term = onward @ term
    np.testing.assert_allclose(solution.adjustment[:20], series, atol=2e-6)


def test_long_paths_end_where_the_table_says() -> None:
    p, up = chain()
    table = solve(counted(p, up)).adjustment
    rng = np.random.default_rng(4)
    cumulated = p.cumsum(axis=1)
    for start in (0, 3, 7, 9, 12, 18):
        state, mid = np.full(40_000, start), np.zeros(40_000)
        for _ in range(150):
            following = (rng.random(len(state))[:, None] > cumulated[state]).sum(axis=1)
            mid += up[state, following] / 2
            state = following
        error = mid.std() / np.sqrt(len(mid))
        assert abs(mid.mean() - table[start]) < 4 * error, start


def quotes(n: int, seed: int = 0) -> np.ndarray:
    """A stream of quotes that walks the chain."""
    p, up = chain()
    cumulated = p.cumsum(axis=1)
    rng = np.random.default_rng(seed)
    draws, sizes = rng.random(n), rng.integers(1, 10, n)
    events = np.zeros(n, EVENT)
    state, mid2 = 4, 20_001
    for k in range(n):
        spread, tenth = 1 + state // 10, state % 10
        scale = 1 + k % 2  # so that each touch is another one
        bid = (10 * tenth + int(sizes[k])) * scale
        record = events[k]
        record["px"], record["px_ask"] = (mid2 - spread) // 2, (mid2 + spread) // 2
        record["size"], record["size_ask"] = bid, 100 * scale - bid
        following = min(int(np.searchsorted(cumulated[state], draws[k], side="right")), 19)
        mid2 += up[state, following]
        state = following
    events["kind"] = Kind.QUOTE
    events["ts_event"] = events["ts_recv"] = 10**18 + np.arange(n) * 10**8
    events["sequence"] = np.arange(n)
    return events


def test_quotes_that_walk_the_chain_give_it_back() -> None:
    events = quotes(120_000)
    fitter = MicropriceFitter()
    for part in np.array_split(events, 7):
        fitter.add(part)
    fit = fitter.fit()
    assert fit.observations == len(events) - 1
    assert fit.sessions == 1
    # Sampling error of a row of some thousand steps; the table reaches half a tick.
    np.testing.assert_allclose(fit.solution.adjustment[:20], limit(*chain())[:20], atol=0.03)
    assert (fit.range.from_ns, fit.range.to_ns) == (int(events["ts_event"][0]), int(events["ts_event"][-1]))


def test_the_table_is_antisymmetric_to_the_bit() -> None:
    fitter = MicropriceFitter()
    fitter.add(core().generate_session(seed=5, max_events=40_000))
    for table in (fitter.fit().solution.adjustment, fitter.fit().solution.first):
        known = ~np.isnan(table)
        np.testing.assert_array_equal(known, known[MIRROR])
        assert (table[known] == -table[MIRROR][known]).all()
        assert known.sum() > 10


def pairs(*rows: tuple[tuple[int, int, int, int], tuple[int, int, int, int]]) -> TouchPairs:
    before, after = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    return TouchPairs(before, after, np.arange(len(rows)), np.ones(len(rows), np.int64))


def test_states_by_hand() -> None:
    """From 3 against 1 once nothing, up a tick twice, and once up into a state that is not seen again."""
    steps = Steps()
    here = (100, 3, 101, 1)
    steps.add(pairs((here, (100, 6, 101, 2)), (here, (101, 1, 102, 3)), (here, (101, 6, 102, 2))))
    steps.add(pairs((here, (101, 4, 102, 4))))
    assert steps.observations.tolist() == [0] * 7 + [4] + [0] * 22
    assert steps.stays[7, 7] == steps.stays[2, 2] == 4
    assert (steps.moves[7, 2], steps.moves[7, 4], steps.moves[7, 5]) == (4, 2, 2)
    assert (steps.moved[7, 2], steps.moved[2, 7]) == (8, -8)
    solution = solve(steps)
    assert solution.dropped == 1
    # A third of the other steps stays, two thirds go up a tick: G1 = 1. After it, up and down are as likely: B = 0.
    assert solution.first[[2, 7]].tolist() == pytest.approx([-1, 1])
    assert solution.adjustment[[2, 7]].tolist() == pytest.approx([-1, 1])
    assert solution.spectral_radius == pytest.approx(0)
    assert np.isnan(np.delete(solution.adjustment, [2, 7])).all()


def test_one_half_counts_in_both_tenths() -> None:
    steps = Steps()
    steps.add(pairs(((100, 5, 101, 5), (101, 2, 102, 2))))
    assert steps.moves[4:6, 4:6].tolist() == [[2, 2], [2, 2]]  # once as it is, once mirrored
    assert (steps.moved[4:6, 4:6] == 0).all()  # up and down cancel
    assert solve(steps).adjustment[4:6].tolist() == [0, 0]


def test_what_has_no_answer_is_an_error() -> None:
    up = pairs(*[((100 + k, 9, 101 + k, 1), (101 + k, 9, 102 + k, 1)) for k in range(50)])
    drifting = Steps()
    drifting.add(up)
    with pytest.raises(DataError, match=r"does not converge: the spectral radius of B is 1\.0"):
        solve(drifting)
    still = Steps()
    still.add(pairs(((100, 9, 101, 1), (100, 8, 101, 1)), ((100, 8, 101, 1), (100, 9, 101, 1))))
    with pytest.raises(EmptyDataError, match="the mid never moves"):
        solve(still)
    with pytest.raises(EmptyDataError, match="no two touches with known sizes"):
        solve(Steps())
    wide = Steps()
    wide.add(pairs(((100, 9, 104, 1), (100, 8, 101, 1)), ((100, 8, 101, 1), (100, 9, 104, 1))))
    assert (wide.outside, wide.observations.sum()) == (2, 0)


def test_a_trap_is_left_out() -> None:
    """From tenth 9 the mid never moves, so nothing is known of it, and steps into it do not count."""
    steps = Steps()
    trap = (100, 95, 101, 5)
    normal = [((100, 7, 101, 3), (101, 4, 102, 6)), ((101, 4, 102, 6), (100, 7, 101, 3))] * 5
    mixing = ((100, 7, 101, 3), (101, 3, 102, 7)), ((101, 4, 102, 6), (100, 4, 101, 6))
    steps.add(pairs(*normal, *mixing, (trap, (100, 97, 101, 3)), ((100, 7, 101, 3), trap)))
    solution = solve(steps)
    assert np.isnan(solution.adjustment[[0, 9]]).all()
    assert np.isfinite(solution.adjustment[[2, 3, 6, 7]]).all()
    assert solution.dropped == 2


def listened(events: np.ndarray) -> list[tuple[int, ...]]:
    """Changes of the touch as the Python engine tells its features."""
    heard: list[tuple[int, ...]] = []
    engine = PythonEngine(["spread_ticks"], 0.5, 10.0)
    engine._flow.touch.listeners.append(
        lambda t, before, after: (
            heard.append((*before, *after, t)) if before.two_sided and after.two_sided else None
        )
    )
    engine.update_many(events)
    return heard


def found(events: np.ndarray, parts: int) -> list[tuple[int, ...]]:
    touches, out = Touches(), []
    for part in np.array_split(events, parts):
        before, after, ts, _ = touches.add(part)
        out += [(*a, *b, t) for a, b, t in zip(before.tolist(), after.tolist(), ts.tolist(), strict=True)]
    return out


@pytest.mark.parametrize("parts", [1, 13])
def test_touches_are_those_of_the_engine(engine, monkeypatch, parts: int) -> None:
    monkeypatch.setattr(_backend, "core", lambda: engine)
    events = core().generate_session(seed=2, max_events=6_000)
    continuous = events[events["kind"] != Kind.SESSION]
    assert found(continuous, parts) == listened(continuous)
    assert len(found(continuous, parts)) > 500
    assert found(quotes(2_000), parts) == listened(quotes(2_000))


@pytest.mark.parametrize("parts", [1, 40])
@pytest.mark.parametrize(
    ("folder", "symbol"), [("cme_es_mbo_20231225", "ESH4"), ("lobster_aapl_l50_1h", "AAPL")]
)
def test_touches_of_recordings_are_those_of_the_engine(shared_data, folder, symbol, parts) -> None:
    events = recorded(shared_data(folder), symbol)[:30_000]
    events = np.ascontiguousarray(events[events["kind"] != Kind.SESSION])
    assert found(events, parts) == listened(events)


def recorded(path, symbol: str) -> np.ndarray:
    from datetime import date

    from quantumtrader.config import InstrumentSettings, Settings
    from quantumtrader.data.importers import Options

    tick = {"ESH4": 0.25, "AAPL": 0.01}[symbol]
    given = InstrumentSettings(tick_size=tick, point_value=1.0, currency="USD", timezone="UTC")
    settings = Settings.model_construct(instruments={symbol: given})
    return load_events(path, symbol, settings, options=Options(date=date(2012, 6, 21))).events


def one(kind: Kind, t: int, **more: int) -> np.ndarray:
    event = np.zeros(1, EVENT)
    event["kind"], event["ts_event"], event["ts_recv"] = kind, t, t
    for name, value in more.items():
        event[name] = value
    return event


def quote(t: int, bid: int, bid_sz: int, ask: int, ask_sz: int) -> np.ndarray:
    return one(Kind.QUOTE, t, px=bid, size=bid_sz, px_ask=ask, size_ask=ask_sz)


@pytest.mark.parametrize(
    "between",
    [
        one(Kind.GAP, 2),
        quote(2, 100, 0, 101, 4),
        quote(2, 101, 4, 101, 4),
        quote(2, PX_NONE, 0, 101, 4),
        one(Kind.SESSION, 2, action=Phase.OPEN),
        one(Kind.SESSION, 2, action=Phase.ROLL),
        np.concatenate([one(Kind.SESSION, 2, action=a) for a in (Phase.HALT, Phase.RESUME)]),
    ],
    ids=["gap", "no size", "locked", "no bid", "open", "roll", "halt"],
)
def test_what_ends_a_chain(between: np.ndarray) -> None:
    first = [one(Kind.SESSION, 0, action=Phase.OPEN), quote(0, 100, 3, 101, 4), quote(1, 100, 5, 101, 4)]
    last = [quote(3, 100, 6, 101, 4), quote(4, 100, 7, 101, 4)]
    events = np.concatenate([*first, between, *last])
    for parts in (1, len(events)):
        assert [row[-1] for row in found(events, parts)] == [1, 4]


def test_a_packet_is_read_at_its_end_and_images_end_a_chain() -> None:
    def level(t: int, side: int, px: int, size: int, flags: int = 0, action: int = Action.EDIT) -> np.ndarray:
        return one(Kind.LEVEL, t, side=side, px=px, size=size, flags=flags, action=action)

    more, image = int(Flag.MORE), int(Flag.SNAPSHOT)
    rows = [level(1, 1, 100, 5, more), level(1, -1, 101, 6)]
    rows += [level(2, 1, 100, 9, more), level(2, -1, 101, 7)]  # one step, not two
    rows += [level(3, 1, 100, 8, image)]
    rows += [level(4, 1, 100, 7)]
    events = np.concatenate(rows)
    for parts in (1, len(events)):
        assert found(events, parts) == [
            (100, 5, 101, 6, 100, 9, 101, 7, 2),
            (100, 8, 101, 7, 100, 7, 101, 7, 4),
        ]


def test_lookup_is_what_the_engine_gives(engine, monkeypatch) -> None:
    monkeypatch.setattr(_backend, "core", lambda: engine)
    rng = np.random.default_rng(1)
    table = rng.normal(size=STATES)
    table[[3, 25]] = np.nan
    n = 1_500
    touch = np.column_stack(
        (rng.integers(100, 110, n), rng.integers(1, 9, n), np.zeros(n, int), rng.integers(1, 9, n))
    )
    touch[:, 2] = touch[:, 0] + rng.integers(1, 5, n)
    events = np.concatenate([quote(k, *row) for k, row in enumerate(touch.tolist())])
    events["sequence"] = np.arange(n)
    fitted = Fitted(microprice=(0, tuple(table.tolist())))
    frame = FeatureEngine(["microprice_dev"], WDO, clock="event", fitted=fitted).run(events)
    np.testing.assert_array_equal(frame["microprice_dev"], lookup(table, touch))
    assert 0.1 < np.isnan(frame["microprice_dev"]).mean() < 0.6


def test_a_session_that_starts_before_the_end_of_the_data_does_not_use_the_table(engine, monkeypatch) -> None:
    monkeypatch.setattr(_backend, "core", lambda: engine)
    rows = []
    for start in (0, 100, 200):
        rows += [one(Kind.SESSION, start * SECOND, action=Phase.OPEN)]
        rows += [quote(start * SECOND + 1, 100, 3, 101, 1)]
    events = np.concatenate(rows)
    fitted = Fitted(microprice=(100 * SECOND, tuple(range(STATES))))
    values = FeatureEngine(["microprice_dev"], WDO, clock="event", fitted=fitted).run(events)[
        "microprice_dev"
    ]
    assert np.isnan(values[:2]).all()
    assert values[[3, 5]].tolist() == [7, 7]
