"""The PIN fit: its likelihood, what it recovers, which blocks count, and that no value looks ahead."""

from __future__ import annotations

import sys
from math import exp, factorial, inf, log, pi

import numpy as np
import pytest

from quantumtrader import EVENT, FeatureEngine, Flag, Instrument, Kind, Phase, _backend
from quantumtrader.exceptions import ConfigError, EmptyDataError, MissingExtraError
from quantumtrader.features.fit import pin
from quantumtrader.features.fit.pin import BLOCK_NS, Block, BlockCounter, Ekop, log_likelihood, series
from quantumtrader.types import Fitted

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)
SECOND, MINUTE = 10**9, 60 * 10**9


@pytest.fixture
def scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its linear algebra of five unknowns in threads takes ten times as long on a busy machine.
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    pytest.importorskip("scipy.optimize", reason="scipy comes with the extra `fit`")


def poisson(k: int, rate: float) -> float:
    return exp(-rate) * rate**k / factorial(k)


def direct(m: Ekop, bought: list[int], sold: list[int]) -> float:
    """The mixture as it is written down."""
    total = 0.0
    for b, s in zip(bought, sold, strict=True):
        none = (1 - m.alpha) * poisson(b, m.eps_buy) * poisson(s, m.eps_sell)
        bad = m.alpha * m.delta * poisson(b, m.eps_buy) * poisson(s, m.eps_sell + m.mu)
        good = m.alpha * (1 - m.delta) * poisson(b, m.eps_buy + m.mu) * poisson(s, m.eps_sell)
        total += log(none + bad + good)
    return total


@pytest.mark.parametrize(
    "model",
    [
        Ekop(0.4, 0.3, 5.0, 3.0, 4.0),
        Ekop(0.01, 0.99, 0.001, 20.0, 0.1),
        Ekop(0.0, 0.5, 5.0, 3.0, 4.0),
        Ekop(1.0, 1.0, 5.0, 3.0, 4.0),
    ],
)
def test_likelihood_is_the_direct_sum(model: Ekop) -> None:
    rng = np.random.default_rng(0)
    bought, sold = (rng.integers(0, 40, 30).tolist() for _ in range(2))
    assert log_likelihood(model, bought, sold) == pytest.approx(direct(model, bought, sold), rel=1e-12)


def test_likelihood_overflows_at_no_count() -> None:
    model = Ekop(0.5, 0.5, 1e4, 1e5, 1e5)
    bought, sold = [100_000, 110_000, 0, 1_000_000], [100_000, 0, 0, 110_000]
    with np.errstate(all="raise", under="ignore"):
        value = log_likelihood(model, bought, sold)
    assert -inf < value < 0
    # One block alone, at the middle of its mixture: of three kinds only the one without news gets there.
    with np.errstate(all="raise", under="ignore"):
        middle = log_likelihood(model, [100_000], [100_000])
    assert middle == pytest.approx(log(0.5) - log(2 * pi * 1e5), rel=1e-5)


def test_gradient_is_that_of_the_likelihood() -> None:
    rng = np.random.default_rng(1)
    b, s = rng.poisson(30, 20).astype(float), rng.poisson(20, 20).astype(float)
    x = np.array([-0.3, 0.4, 2.0, 3.1, 2.7])
    _, gradient = pin._climb(x, b, s, 0 * b)
    for k in range(5):
        step = np.zeros(5)
        step[k] = 1e-6
        up, down = (pin._climb(x + sign * step, b, s, 0 * b)[0] for sign in (1, -1))
        assert gradient[k] == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-5)


def simulated(model: Ekop, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    news = rng.random(n) < model.alpha
    bad = news & (rng.random(n) < model.delta)
    good = news & ~bad
    return rng.poisson(model.eps_buy + model.mu * good), rng.poisson(model.eps_sell + model.mu * bad)


@pytest.mark.usefixtures("scipy")
@pytest.mark.parametrize(
    "model",
    [
        Ekop(0.4, 0.3, 60.0, 50.0, 60.0),
        Ekop(0.7, 0.5, 300.0, 400.0, 300.0),
        Ekop(0.3, 0.8, 40_000.0, 100_000.0, 90_000.0),
    ],
)
def test_fit_recovers_what_was_simulated(model: Ekop) -> None:
    rng = np.random.default_rng(2)
    found = []
    for _ in range(6):
        bought, sold = simulated(model, 120, rng)
        fitted = pin.fit(bought, sold)
        assert fitted is not None
        assert log_likelihood(fitted, bought, sold) >= log_likelihood(model, bought, sold) - 1e-6
        found.append([fitted.pin, fitted.alpha, fitted.delta, fitted.mu, fitted.eps_buy, fitted.eps_sell])
    truth = [model.pin, model.alpha, model.delta, model.mu, model.eps_buy, model.eps_sell]
    mean, spread = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
    # Replicated runs say how far a mean of six may be off; none of them is far off itself.
    assert (np.abs(mean - truth) < 4.5 * spread / np.sqrt(6)).all(), (mean, truth)
    assert spread[0] < 0.25 * model.pin


@pytest.mark.usefixtures("scipy")
def test_odd_counts() -> None:
    assert pin.fit([0] * 60, [0] * 60) is None
    only_buys = pin.fit([5, 0, 9, 3] * 15, [0] * 60)
    assert only_buys is not None
    assert 0 <= only_buys.pin <= 1
    with pytest.raises(ConfigError, match="expected as many blocks"):
        pin.fit([1, 2], [1])
    with pytest.raises(ConfigError, match="a block has -1 trades"):
        pin.fit([1, -1], [1, 1])


def test_without_scipy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "scipy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(MissingExtraError, match=r"needs scipy: pip install 'quantumtrader\[fit\]'"):
        pin.fit([1, 2], [1, 3])


def stream(*rows: tuple[int, Kind, int], start: int = 0) -> np.ndarray:
    """Records from ``(time, kind, side or phase)``, times from ``start``."""
    events = np.zeros(len(rows), EVENT)
    for event, (t, kind, code) in zip(events, rows, strict=True):
        event["ts_event"] = event["ts_recv"] = start + t
        event["kind"] = kind
        if kind == Kind.SESSION:
            event["action"] = code
        elif kind == Kind.TRADE:
            event["side"], event["px"], event["size"] = code, 100, 7
        else:
            event["px"], event["size"], event["px_ask"], event["size_ask"] = 100, 1, 101, 1
    events["sequence"] = np.arange(len(rows))
    return events


def counted(events: np.ndarray, parts: int = 1) -> list[tuple[int, int, int]]:
    counter, out = BlockCounter(), []
    for part in np.array_split(events, parts):
        out += counter.add(part)
    return [(block.end_ns // MINUTE, block.bought, block.sold) for block in out]


OPEN = (0, Kind.SESSION, Phase.OPEN)


@pytest.mark.parametrize("parts", [1, 5, 9])
def test_blocks_by_hand(parts: int) -> None:
    events = stream(
        OPEN,
        (SECOND, Kind.TRADE, 1),
        (5 * MINUTE - 1, Kind.TRADE, 1),
        (5 * MINUTE, Kind.TRADE, -1),  # on the edge: of the next block
        (6 * MINUTE, Kind.TRADE, 0),
        (21 * MINUTE, Kind.QUOTE, 0),  # two blocks without a trade in between
        (24 * MINUTE, Kind.TRADE, -1),
        (25 * MINUTE, Kind.SESSION, Phase.CLOSED),
        (30 * MINUTE, Kind.TRADE, 1),  # after the close
    )
    assert counted(events, parts) == [(5, 2, 0), (10, 0, 1), (15, 0, 0), (20, 0, 0), (25, 0, 1)]


def test_unsigned_and_cancelled_trades_are_not_counted() -> None:
    rows = [OPEN, *[(k * SECOND, Kind.TRADE, 1) for k in range(1, 8)], (5 * MINUTE, Kind.TIMER, 0)]
    events = stream(*rows)
    for k, flag in enumerate((Flag.CROSS, Flag.AUCTION, Flag.RLP, Flag.CANCELLED, Flag.EDITED)):
        events["flags"][k + 1] = int(flag)
    events["size"][6] = 0
    assert counted(events) == [(5, 1, 0)]


@pytest.mark.parametrize("parts", [1, 4, 8])
def test_blocks_that_are_not_whole_are_left_out(parts: int) -> None:
    late = stream(OPEN, (7 * MINUTE, Kind.TRADE, 1), (16 * MINUTE, Kind.TRADE, 1))
    assert counted(late, parts) == [
        (15, 0, 0)
    ]  # the recording begins in the second block, and stops in the fourth
    gap = stream(
        OPEN,
        (1, Kind.TRADE, 1),
        (6 * MINUTE, Kind.GAP, 0),
        (7 * MINUTE, Kind.TRADE, 1),
        (16 * MINUTE, Kind.TRADE, 1),
    )
    assert counted(gap, parts) == [(5, 1, 0), (15, 0, 0)]
    halt = stream(
        OPEN,
        (1, Kind.TRADE, 1),
        (6 * MINUTE, Kind.SESSION, Phase.HALT),
        (17 * MINUTE, Kind.QUOTE, 0),
        (20 * MINUTE, Kind.SESSION, Phase.RESUME),
        (21 * MINUTE, Kind.TRADE, 1),
        (26 * MINUTE, Kind.TRADE, 1),
    )
    assert counted(halt, parts) == [(5, 1, 0), (25, 1, 0)]
    stops = stream(OPEN, (1, Kind.TRADE, 1), (3 * MINUTE, Kind.TRADE, 1))
    stops = np.concatenate([stops, stream((60 * MINUTE, Kind.SESSION, Phase.CLOSED))])
    assert counted(stops, parts) == []  # nothing is made up for the hour until the close


def blocks(n: int, contract: int = 0, seed: int = 0) -> list[Block]:
    rng = np.random.default_rng(seed)
    bought, sold = simulated(Ekop(0.4, 0.4, 30.0, 40.0, 50.0), n, rng)
    return [
        Block((k + 1) * BLOCK_NS, int(b), int(s), contract)
        for k, (b, s) in enumerate(zip(bought, sold, strict=True))
    ]


@pytest.mark.usefixtures("scipy")
def test_the_series_does_not_look_ahead() -> None:
    rows = blocks(26)
    whole = series(rows, 20)
    assert [t for t, _ in whole.values] == [row.end_ns for row in rows[19:]]
    assert series(rows[:23], 20).values == whole.values[:4]
    changed = rows[:23] + [row._replace(bought=10 * row.bought) for row in rows[23:]]
    assert series(changed, 20).values[:4] == whole.values[:4]
    assert series(changed, 20).values[4:] != whole.values[4:]
    # Nor does it remember more than its window.
    assert series(rows[3:], 20).values == whole.values[3:]


@pytest.mark.usefixtures("scipy")
def test_windows_stay_within_a_contract_and_skip_silence() -> None:
    rolled = blocks(11) + [row._replace(end_ns=row.end_ns + 11 * BLOCK_NS) for row in blocks(10, 1, seed=1)]
    assert [t // BLOCK_NS for t, _ in series(rolled, 10).values] == [10, 11, 21]
    silent = [row._replace(bought=0, sold=0) for row in blocks(10)] + rolled[10:11]
    done = series(silent, 10)
    assert (len(done.values), done.empty) == (1, 1)
    with pytest.raises(EmptyDataError, match="no window of 60 blocks"):
        series(blocks(59))


@pytest.mark.usefixtures("scipy")
def test_from_trades_to_the_feature(engine, monkeypatch) -> None:
    """Six hours of simulated blocks through the counter, the fit and the engine."""
    monkeypatch.setattr(_backend, "core", lambda: engine)
    rows: list[tuple[int, Kind, int]] = [OPEN]
    for block in blocks(63):
        start = block.end_ns - BLOCK_NS
        sides = [1] * block.bought + [-1] * block.sold
        rows += [(start + k * SECOND, Kind.TRADE, side) for k, side in enumerate(sides)]
    rows.append((63 * BLOCK_NS, Kind.TIMER, 0))
    events = stream(*rows)
    counter = BlockCounter()
    found = counter.add(events)
    assert found == blocks(63)
    values = series(found).values
    assert len(values) == 4
    fitted = Fitted(pin=values)
    frame = FeatureEngine(["pin_60"], WDO, clock="5m", fitted=fitted).run(events)
    given = dict(zip(frame.times.tolist(), frame["pin_60"].tolist(), strict=True))
    assert np.isnan(given[59 * BLOCK_NS])
    assert [given[k * BLOCK_NS] for k in (60, 61, 62)] == [share for _, share in values[:3]]
