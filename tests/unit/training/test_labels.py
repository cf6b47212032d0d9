"""Labels: by hand, against a naive reference, and on the edges where labels go wrong."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader import _backend
from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.training.labels import (
    Latency,
    PricePath,
    direction,
    fill,
    markout,
    meta_label,
    order_imbalance,
    pace_of,
    path_of,
    price_move,
    round_trips,
    spread_change,
    triple_barrier,
    volatility,
)
from quantumtrader.types import EVENT, PX_NONE, Events, Flag, Instrument, Kind, Phase

S = 10**9
START = 20_000 * 86_400 * S + 12 * 3_600 * S
X = Instrument("X", "X", tick_size=0.5, point_value=10.0, timezone="UTC")
NOW = Latency((0,))


def quotes(
    rows: list[tuple[float, int, int]], sizes: tuple[int, int] = (5, 5), close: float | None = None
) -> Events:
    """OPEN, then ``(seconds, bid, ask)``, then CLOSED when asked."""
    out = np.zeros(len(rows) + 1 + (close is not None), EVENT)
    out["sequence"] = np.arange(len(out))
    out["ts_event"][0] = START
    out["kind"][0], out["action"][0] = Kind.SESSION, Phase.OPEN
    for k, (at, bid, ask) in enumerate(rows, 1):
        out["ts_event"][k] = START + round(at * S)
        out["kind"][k], out["px"][k], out["px_ask"][k] = Kind.QUOTE, bid, ask
        out["size"][k], out["size_ask"][k] = sizes
    if close is not None:
        out["ts_event"][-1] = START + round(close * S)
        out["kind"][-1], out["action"][-1] = Kind.SESSION, Phase.CLOSED
    out["ts_recv"] = out["ts_event"]
    return out


def at(*seconds: float) -> np.ndarray:
    return START + np.array([round(s * S) for s in seconds], np.int64)


LADDER = [(0, 100, 101), (1, 101, 102), (2, 101, 103), (3, 103, 104), (5, 99, 100), (8, 99, 100)]


def ladder() -> PricePath:
    return path_of(quotes(LADDER, close=10), X)


# direction


def test_pace_by_hand() -> None:
    # Mids 100.5, 101.5, 102, 103.5, 99.5 over 10 s: 4 changes. Spread 1 but for the second from 2 to 3 s.
    pace = pace_of(ladder())
    assert pace.tau_ns == 10 * S / 4
    assert pace.spread_ticks == pytest.approx(1.1)
    assert pace.dead_zone_ticks == pytest.approx(0.55)


def test_direction_by_hand() -> None:
    labels = direction(ladder(), at(-1, 0, 0.5, 2, 4, 8.5, 10), 2 * S, 0.5)
    # −1 and 10 s lie outside; 8.5 + 2 s crosses the close.
    assert labels.rows.tolist() == [1, 2, 3, 4]
    assert labels.move_ticks.tolist() == [1.5, 1.5, 1.5, -4.0]
    assert labels.y.tolist() == [1, 1, 1, -1]
    assert labels.dropped == {"outside a session": 2, "beyond the session's end": 1}
    assert (labels.spans.t1 - labels.spans.t0 == 2 * S).all()
    assert direction(ladder(), at(0), 2 * S, 1.5).y.tolist() == [0]  # up to the dead zone is no move


def test_a_missing_side_is_no_mid() -> None:
    rows = [(0.0, 100, 101), (1.0, PX_NONE, 101), (3.0, 102, 101), (5.0, 100, 101)]  # one side, then crossed
    labels = direction(path_of(quotes(rows, close=9), X), at(0, 1.5, 2, 5), 2 * S, 0.5)
    assert labels.rows.tolist() == [3]
    assert labels.dropped["no mid"] == 3


def test_an_auction_offers_no_price() -> None:
    events = quotes([(0, 100, 101), (2, 100, 101), (4, 100, 101)], close=9)
    events["kind"][2], events["action"][2] = Kind.SESSION, Phase.AUCTION
    path = path_of(events, X)
    assert np.isnan(path.bid[path.known == at(2)[0]]).all()


def test_nothing_crosses_gap_roll_or_the_end() -> None:
    for marker, reason in ((Kind.GAP, "gap"), (Kind.SESSION, "roll")):
        events = quotes([(0, 100, 101), (5, 0, 0), (6, 100, 101), (20, 100, 101)])
        events["kind"][2] = marker
        events["action"][2] = Phase.ROLL if marker == Kind.SESSION else 0
        path = path_of(events, X)
        labels = direction(path, at(2, 4, 7, 19), 2 * S, 0.5)
        assert labels.rows.tolist() == [0, 2]
        assert labels.dropped == {f"beyond the {reason}": 1, "beyond the recording's end": 1}


def test_mixed_contracts_need_a_roll() -> None:
    events = quotes([(0, 100, 101), (1, 100, 101), (2, 200, 201)])
    events["instrument"][3] = 1
    with pytest.raises(DataError, match="mixed without a roll"):
        path_of(events, X)
    events["kind"][2], events["action"][2] = Kind.SESSION, Phase.ROLL
    assert len(path_of(events, X).segment_begin) == 2


def test_prints_and_bars_need_a_spread() -> None:
    events = quotes([(0, 100, 101)])
    events["kind"][1] = Kind.TRADE
    with pytest.raises(DataError, match="spread to assume"):
        path_of(events, X)
    path = path_of(events, X, spread_ticks=2)
    assert (path.bid[-1], path.ask[-1]) == (99, 101)


def test_a_packet_is_one_state() -> None:
    events = quotes([(0, 100, 101), (1, 90, 91), (1, 102, 103)], close=5)
    events["flags"][2] = Flag.MORE
    bid = path_of(events, X).bid
    assert bid[~np.isnan(bid)].tolist() == [100, 102]  # nothing before the first quote


# triple barrier


def test_target_at_executable_prices() -> None:
    # Enters at the ask 101 of second 0; the bid reaches 103 at second 3: 2 ticks, though the mid moved 3.
    labels = triple_barrier(ladder(), at(0), 1.0, multiple=2, least_ticks=1, horizon_ns=9 * S, latency=NOW)
    assert (labels.y[0], labels.gross_ticks[0], labels.entry_px[0], labels.exit_px[0]) == (1, 2, 101, 103)
    assert labels.spans.t1[0] == at(3)[0]
    assert labels.ended[0] == "target"


def test_the_entry_waits_for_the_latency() -> None:
    late = Latency((round(1.5 * S),))
    labels = triple_barrier(ladder(), at(0), 1.0, multiple=2, least_ticks=1, horizon_ns=9 * S, latency=late)
    # Enters at 102 (second 1.5); 104 is never bid, and at second 5 the bid is 99: through the stop at 100.
    assert labels.entry_px[0] == 102
    assert (labels.y[0], labels.gross_ticks[0], labels.ended[0]) == (-1, -3, "stop")


def test_a_sell_leaves_at_the_ask() -> None:
    labels = triple_barrier(
        ladder(), at(3.5), 1.0, side=-1, multiple=3, least_ticks=1, horizon_ns=9 * S, latency=NOW
    )
    assert (labels.y[0], labels.entry_px[0], labels.exit_px[0]) == (1, 103, 100)


def test_horizon_and_session_end() -> None:
    flat = path_of(quotes([(0, 100, 101), (1, 101, 102)], close=10), X)
    labels = triple_barrier(flat, at(0, 6), 1.0, multiple=9, least_ticks=9, horizon_ns=6 * S, latency=NOW)
    assert labels.ended.tolist() == ["horizon", "session"]
    assert labels.gross_ticks.tolist() == [0, -1]
    assert labels.spans.t1.tolist() == at(6, 10).tolist()


def test_what_a_gap_hides_has_no_label() -> None:
    events = quotes([(0, 100, 101), (3, 0, 0), (4, 100, 101), (9, 100, 101)])
    events["kind"][2] = Kind.GAP
    labels = triple_barrier(
        path_of(events, X), at(0, 5), 1.0, multiple=9, least_ticks=9, horizon_ns=6 * S, latency=NOW
    )
    assert len(labels) == 0
    assert labels.dropped == {"open at a gap": 1, "open at the recording's end": 1}


def bars(rows: list[tuple[int, int, int, int]]) -> Events:
    """OPEN, one-minute bars of open, high, low, close, CLOSED."""
    out = np.zeros(len(rows) + 2, EVENT)
    out["sequence"] = np.arange(len(out))
    out["ts_event"] = START + np.concatenate(
        ([0], 60 * S * np.arange(1, len(rows) + 1), [60 * S * len(rows)])
    )
    out["ts_recv"] = out["ts_event"]
    out["kind"] = Kind.BAR
    out["kind"][[0, -1]] = Kind.SESSION
    out["action"][0] = Phase.OPEN
    out["id"][1:-1] = START + 60 * S * np.arange(len(rows))
    for name, column in zip(("px", "px_ask", "ref_a", "ref_b"), np.array(rows).T, strict=True):
        out[name][1:-1] = column
    return out


def test_bars_are_pessimistic() -> None:
    path = path_of(bars([(100, 100, 100, 100), (100, 106, 94, 101), (101, 101, 101, 101)]), X, spread_ticks=2)
    decision = at(60)  # the close of the first bar
    labels = triple_barrier(path, decision, 1.0, multiple=4, least_ticks=1, horizon_ns=120 * S, latency=NOW)
    # Enters at the next open plus half the spread: 101. Target 105 and stop 97 are both touched: the stop counts.
    assert labels.entry_px[0] == 101
    assert (labels.y[0], labels.gross_ticks[0]) == (-1, -4)
    assert labels.spans.t1[0] == at(120)[0]  # known when the bar has closed
    wide = triple_barrier(path, decision, 1.0, multiple=9, least_ticks=1, horizon_ns=60 * S, latency=NOW)
    assert (wide.ended[0], wide.gross_ticks[0]) == ("horizon", 101 - 1 - 101)
    assert direction(path, decision, 60 * S, 0.5).move_ticks.tolist() == [1]  # close to close


def test_a_bar_that_opens_beyond_the_stop() -> None:
    path = path_of(bars([(100, 100, 100, 100), (100, 101, 99, 100), (90, 91, 89, 90)]), X, spread_ticks=2)
    labels = triple_barrier(path, at(60), 1.0, multiple=4, least_ticks=1, horizon_ns=120 * S, latency=NOW)
    assert labels.gross_ticks[0] == 90 - 1 - 101


def random_path(seed: int, n: int = 1_500) -> tuple[Events, PricePath]:
    rng = np.random.default_rng(seed)
    mid = 1_000 + np.cumsum(rng.integers(-2, 3, n))
    when = np.sort(rng.uniform(0, 600, n))
    rows = [(float(t), int(m), int(m + w)) for t, m, w in zip(when, mid, rng.integers(1, 4, n), strict=True)]
    events = quotes(rows, close=600)
    return events, path_of(events, X)


def naive_barrier(events: Events, t0: int, side: int, width: float, horizon: int, delay: int) -> tuple:
    """One decision, straight over the quotes."""
    shown = [(int(e["ts_event"]), int(e["px"]), int(e["px_ask"])) for e in events if e["kind"] == Kind.QUOTE]
    arrival, until = t0 + delay, min(t0 + horizon, int(events["ts_event"][-1]))
    bid, ask = next((b, a) for ts, b, a in reversed(shown) if ts <= arrival)
    entry = ask if side > 0 else bid
    for ts, b, a in [(arrival, bid, ask), *((t, b, a) for t, b, a in shown if arrival < t < until)]:
        gain = b - entry if side > 0 else entry - a
        if gain <= -width:
            return -1, gain, ts
        if gain >= width:
            return 1, width, ts
    return 0, gain, until


@pytest.mark.parametrize("seed", range(4))
def test_against_the_naive_barrier(seed: int) -> None:
    events, path = random_path(seed)
    rng = np.random.default_rng(seed)
    t0 = np.sort(START + rng.integers(10 * S, 590 * S, 60))
    side, sigma = rng.choice([-1, 1], 60), rng.uniform(1, 8, 60)
    latency = Latency((5 * 10**6, 90 * 10**6, 400 * 10**6), seed)
    labels = triple_barrier(
        path, t0, sigma, side=side, multiple=2, least_ticks=3, horizon_ns=20 * S, latency=latency
    )
    delay = latency.draw(t0)
    assert len(labels) == 60
    for k in range(60):
        width = float(np.ceil(max(3, 2 * sigma[k])))
        y, gross, ts = naive_barrier(events, int(t0[k]), int(side[k]), width, 20 * S, int(delay[k]))
        assert (labels.y[k], labels.gross_ticks[k]) == (y, gross)
        assert labels.spans.t1[k] == ts
    assert {-1, 0, 1} == set(labels.y.tolist())


def test_meta_label_after_costs() -> None:
    labels = triple_barrier(
        ladder(), at(0, 3.5), 1.0, multiple=2, least_ticks=1, horizon_ns=4 * S, latency=NOW
    )
    assert labels.gross_ticks.tolist() == [2, -5]
    assert meta_label(labels, 1.5).y.tolist() == [1, 0]
    assert meta_label(labels, 2.0).y.tolist() == [0, 0]  # nothing is not more than nothing
    assert meta_label(labels, 2.0).net_ticks.tolist() == [0, -7]


def test_round_trips_by_hand() -> None:
    trips = round_trips(ladder(), at(0, 4, 9.5), 3 * S, NOW)
    assert trips.buy_ticks[:2].tolist() == [103 - 101, 99 - 104]
    assert trips.sell_ticks[:2].tolist() == [100 - 104, 103 - 100]
    assert np.isnan(trips.buy_ticks[2])


# volatility and book targets


def test_volatility_by_hand() -> None:
    labels = volatility(ladder(), at(0, 2), 4 * S)
    assert labels.y.tolist() == [1**2 + 0.5**2 + 1.5**2, 1.5**2 + 4**2]
    assert labels.sigma_ticks[0] == np.sqrt(3.5)


@pytest.mark.parametrize("seed", range(2))
def test_against_naive_mids(seed: int) -> None:
    events, path = random_path(seed)
    rng = np.random.default_rng(seed)
    t0 = np.sort(START + rng.integers(10 * S, 590 * S, 80))
    is_quote = events["kind"] == Kind.QUOTE
    ts, bid, ask = (events[f][is_quote] for f in ("ts_event", "px", "px_ask"))

    def mid_at(t: int) -> float:
        return float((bid[ts <= t][-1] + ask[ts <= t][-1]) / 2)

    moved, variance = direction(path, t0, 7 * S, 1.0), volatility(path, t0, 7 * S)
    spread = spread_change(path, t0, 7 * S)
    for j, k in enumerate(moved.rows):
        t = int(t0[k])
        assert moved.move_ticks[j] == mid_at(t + 7 * S) - mid_at(t)
        inside = (ts > t) & (ts <= t + 7 * S)
        mids = np.concatenate(([mid_at(t)], (bid[inside] + ask[inside]) / 2))
        assert variance.y[j] == pytest.approx((np.diff(mids) ** 2).sum())
        before, after = ((ask - bid)[ts <= u][-1] for u in (t, t + 7 * S))
        assert spread.y[j] == np.sign(after - before)


def test_book_targets_by_hand() -> None:
    assert spread_change(ladder(), at(1, 2), S).y.tolist() == [1, -1]
    events = quotes([(0, 100, 101), (1, 100, 101), (90, 102, 103)], close=100)
    events["size"][2], events["size_ask"][2] = 9, 1
    path = path_of(events, X)
    assert order_imbalance(path, at(0), S).y.tolist() == [1]
    assert order_imbalance(path, at(0), S, threshold=0.9).y.tolist() == [0]
    assert price_move(path, at(0, 35), 0.5).y.tolist() == [0, 1]


# fill and markout


def book_session() -> Events:
    """A bid of 3 at 100 and an ask of 3 at 101; sellers take 2, then 4; later the bid is 98."""
    rows = [(0.0, 100, 101), (1.0, 0, 2), (2.0, 0, 4), (2.0, 98, 99), (10.0, 98, 99), (40.0, 97, 98)]
    events = quotes(rows, sizes=(3, 3), close=60)
    for k in (2, 3):
        events["kind"][k], events["side"][k] = Kind.TRADE, -1
        events["size"][k], events["px"][k] = rows[k - 1][2], 100
        events["px_ask"][k], events["size_ask"][k] = 0, 0
    return events


def test_fill_by_hand() -> None:
    events = book_session()
    path = path_of(events, X)
    common = {"instrument": X, "latency": NOW, "wait_ns": 5 * S}
    labels = fill(events, path, at(0.5, 1.5, 3), side=1, **common)
    # 3 contracts ahead: the print of 2 leaves 1, the one of 4 fills us. The second order waits behind the 3 shown.
    assert labels.y.tolist() == [1, 1, 0]
    assert labels.fill_ts[:2].tolist() == at(2, 2).tolist()
    assert labels.fill_px[:2].tolist() == [100, 100]
    assert labels.maker[:2].all()
    assert np.isnan(labels.fill_px[2])
    assert fill(events, path, at(0.5), side=-1, **common).y.tolist() == [0]
    short = fill(events, path, at(0.5), side=1, instrument=X, latency=NOW, wait_ns=S)
    assert short.y.tolist() == [0]  # cancelled before the print


def test_markout_counts_what_the_fill_moves() -> None:
    events = book_session()
    path = path_of(events, X)
    fills = fill(events, path, at(0.5, 3), side=1, instrument=X, latency=NOW, wait_ns=5 * S)
    marks = markout(path, fills)
    # Mid 100.5 before the fill, 98.5 one and five seconds later, 98.5 after 30 s (the drop to 97.5 is at 40 s).
    assert marks.moves_ticks.tolist() == [[-2, -2, -2]]
    assert marks.spans.t1[0] == at(32)[0]
    assert marks.dropped["not filled"] == 1
    assert markout(path, fills, (38 * S,)).moves_ticks.tolist() == [[-3]]


def test_fills_do_not_depend_on_company() -> None:
    """Every order is alone in its venue: together and one by one they are filled alike."""
    events = _backend.core().generate_session(3, duration_ns=900 * S)
    path = path_of(events, X)
    first = int(events["ts_event"][events["kind"] == Kind.SESSION][1])
    t0 = first + np.arange(20, 220, 7, dtype=np.int64) * S
    latency = Latency((2 * 10**6, 60 * 10**6), 5)
    together = fill(events, path, t0, side=1, instrument=X, latency=latency, wait_ns=3 * S)
    delay = latency.draw(t0)
    assert 0 < together.y.sum() < len(together)
    for k in range(0, len(t0), 4):
        alone = fill(
            events,
            path,
            t0[k : k + 1],
            side=1,
            instrument=X,
            latency=Latency((int(delay[k]),)),
            wait_ns=3 * S,
        )
        assert alone.fill_ts[0] == together.fill_ts[k]
    marks = markout(path, together, (S,))
    assert len(marks) == together.y.sum()


# refusals


def test_refusals() -> None:
    path = ladder()
    with pytest.raises(ConfigError):
        Latency(())
    with pytest.raises(ConfigError):
        direction(path, at(0), 0, 0.5)
    with pytest.raises(DataError, match="backwards"):
        direction(path, at(2, 1), S, 0.5)
    with pytest.raises(DataError, match="sides"):
        triple_barrier(path, at(0), 1.0, side=2, horizon_ns=S, latency=NOW)
    with pytest.raises(ConfigError):
        markout(
            path,
            fill(quotes(LADDER, close=10), path, at(0), side=1, instrument=X, latency=NOW, wait_ns=S),
            (),
        )
