"""Data sets: rows from replay, and everything they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, DataError, UnsortedEventsError
from quantumtrader.features import FeatureEngine, lagged
from quantumtrader.training.dataset import Dataset, build_dataset
from quantumtrader.training.labels import Latency, direction, round_trips
from quantumtrader.training.placebo import permute_days
from quantumtrader.training.rows import Replayer
from quantumtrader.types import EVENT, Events, FeatureFrame, Kind, Phase
from reference.planted import DAY, S, X, sessions

NAMES = ["book_imbalance_1", "mid_return_1s", "spread_ticks"]


def engine(names: list[str] = NAMES[:2], clock: str = "1s") -> FeatureEngine:
    return FeatureEngine(names, X, clock=clock)


def label(path, rows):
    return direction(path, rows.times, 3 * S, 0.5)


def pay(path, times):
    return round_trips(path, times, 3 * S, Latency((10**7,)))


def built(parts: list[Events], names: list[str] = NAMES[:2], **options) -> Dataset:
    return build_dataset(parts, engine(names), label, **options)


def test_rows_are_those_of_the_streaming_engine() -> None:
    parts = sessions(3, 1, 0.5)
    data = built(parts, payer=pay)
    frame = engine().run(np.concatenate(parts))
    at = np.searchsorted(frame.times, data.spans.t0)
    np.testing.assert_array_equal(data.X, frame.values[at])
    assert data.manifest == engine().manifest
    assert data.names == tuple(NAMES[:2])
    assert (data.ts_feature_max <= data.spans.t0).all()
    assert (data.ts_feature_max > data.spans.t0 - S).all()
    assert data.spans.sessions.tolist() == [20_000, 20_001, 20_002]
    assert data.trips is not None
    assert len(data) + sum(data.dropped.values()) == len(frame)
    # One array or parts: the same set, to the bit.
    whole = build_dataset(np.concatenate(parts), engine(), label, payer=pay)
    assert whole.sha256 == data.sha256


def test_a_label_and_a_result_by_hand() -> None:
    part = sessions(1, 4, 1.0)[0]
    data = built([part], payer=pay)
    mid = (part["px"] + part["px_ask"])[1:-1] / 2
    seconds = ((data.spans.t0 - int(part["ts_event"][0])) // S).astype(int)
    k = 10
    move = mid[seconds[k] + 3] - mid[seconds[k]]
    assert data.y[k] == np.sign(move)
    assert data.trips is not None
    # The spread of one tick is paid both ways; the order arrives in the same second.
    assert data.trips.buy_ticks[k] == move - 1
    assert data.trips.sell_ticks[k] == -move - 1


def test_what_looks_ahead_cannot_exist() -> None:
    data = built(sessions(2, 1, 0.5))
    ahead = data.ts_feature_max.copy()
    ahead[7] = data.spans.t0[7] + 1
    with pytest.raises(DataError, match=r"look ahead: row 7 .* 1 ns later"):
        replace(data, ts_feature_max=ahead)


class PeekingEngine(FeatureEngine):
    """An engine with a fault: its first feature is the bid of some events ahead, from a session on."""

    ahead, quiet = 1, 0

    def update_many(self, events: Events) -> int:
        self.peeked = getattr(self, "peeked", [])
        self.peeked.append(events.copy())
        return super().update_many(events)

    def reset(self) -> None:
        self.peeked: list[Events] = []
        super().reset()

    def take_counted(self) -> tuple[FeatureFrame, np.ndarray]:
        frame, counts = super().take_counted()
        seen = np.concatenate(self.peeked)
        values = frame.values.copy()
        # counts[k] events were applied: that many further is the next one.
        following = np.minimum(counts + self.ahead - 1, len(seen) - 1)
        quotes = seen["kind"][following] == Kind.QUOTE
        values[quotes, 0] = seen["px"][following][quotes]
        values[frame.times < (20_000 + self.quiet) * DAY, 0] = np.nan
        return replace(frame, values=values), counts


class LatePeekingEngine(PeekingEngine):
    """The same, which has no value in the first sessions, as a feature that needs those before."""

    ahead, quiet = 4, 2


@pytest.mark.parametrize("clock", ["1s", "event", "500ms"])
def test_a_feature_that_peeks_is_caught(clock: str) -> None:
    for faulty, count in ((PeekingEngine, 2), (LatePeekingEngine, 3)):
        with pytest.raises(DataError, match=r"look ahead: .*book_imbalance_1 is another number"):
            build_dataset(sessions(count, 1, 0.5), faulty(NAMES[:2], X, clock=clock), label)
    build_dataset(sessions(2, 1, 0.5), FeatureEngine(NAMES[:2], X, clock=clock), label)


def test_the_first_value_of_a_feature_is_checked() -> None:
    parts = sessions(3, 1, 0.5)
    replayer = Replayer(LateNextEngine(NAMES[:2], X, clock="1s"), 1)
    replayer._rng = Last()  # draws the row that tells least: no quote follows it
    replayer.add(parts[0])
    replayer.add(parts[1])
    with pytest.raises(DataError, match="book_imbalance_1 is another number"):
        replayer.add(parts[2])


class LateNextEngine(LatePeekingEngine):
    ahead = 1


class Last:
    def integers(self, low: int, high: int, size: int) -> np.ndarray:
        return np.full(size, high - 1)


@pytest.mark.parametrize("clock", ["1s", "event", "100ms"])
def test_the_check_leaves_no_trace(clock: str) -> None:
    parts = sessions(2, 1, 0.5)
    names = lagged(["book_imbalance_1", "mid_return_1s"], 3)
    for checks in (0, 1, 9):
        replayer = Replayer(engine(names, clock), checks)
        frames = [replayer.add(p).frame for p in parts]
        np.testing.assert_array_equal(
            np.concatenate([f.values for f in frames]), engine(names, clock).run(np.concatenate(parts)).values
        )


def test_gaps() -> None:
    parts = sessions(3, 1, 0.5)
    gap = np.zeros(1, EVENT)
    gap[0] = parts[1][100]
    gap["kind"] = Kind.GAP
    parts[1] = np.insert(parts[1], 100, gap)
    parts[1]["sequence"] = parts[0]["sequence"][-1] + 1 + np.arange(len(parts[1]))
    parts[2]["sequence"] += 1
    with pytest.raises(DataError, match="events were lost on 2024-10-05"):
        built(parts)
    kept = built(parts, gaps="drop")
    assert kept.spans.sessions.tolist() == [20_000, 20_002]
    assert kept.dropped["session with a gap"] > 200
    with pytest.raises(ConfigError, match="gaps"):
        built(parts, gaps="bridge")


def test_mixed_contracts() -> None:
    parts = sessions(2, 1, 0.5)
    parts[1]["instrument"] = 1
    with pytest.raises(DataError, match="without a roll"):
        built(parts)
    parts[1]["action"][0] = Phase.ROLL
    roll = np.insert(parts[1], 1, parts[1][0])
    roll["action"][1] = Phase.OPEN
    roll["sequence"] = parts[0]["sequence"][-1] + 1 + np.arange(len(roll))
    assert len(built([parts[0], roll])) > 400


def test_features_that_say_nothing() -> None:
    with pytest.raises(DataError, match=r"spread_ticks \(always 1\), adx_14 \(never there\)"):
        built(sessions(2, 1, 0.5), [*NAMES, "adx_14"])


def test_one_class() -> None:
    with pytest.raises(DataError, match="one class only"):
        build_dataset(sessions(2, 1, 0.5), engine(), lambda p, r: direction(p, r.times, 3 * S, 99))
    with pytest.raises(DataError, match="no row has a label"):
        build_dataset(sessions(2, 1, 0.5), engine(), lambda p, r: direction(p, r.times, 9 * DAY, 1))


def test_disorder() -> None:
    parts = sessions(2, 1, 0.5)
    with pytest.raises((DataError, UnsortedEventsError)):
        built(parts[::-1])
    half = len(parts[0]) // 2
    with pytest.raises(DataError, match="several parts"):
        built([parts[0][:half], parts[0][half:]])


def test_too_little_is_insufficient() -> None:
    few = built(sessions(3, 1, 0.5))
    verdict = few.sufficiency()
    assert not verdict.sufficient
    assert "3 sessions, at least 20" in str(verdict)
    assert few.sufficiency(sessions=3, effective=100).sufficient
    # Labels of three seconds, every second: about a third as many as rows.
    assert few.n_eff == pytest.approx(len(few) / 3, rel=0.02)
    assert "effective rows" in str(few.take(slice(0, 90)).sufficiency(1))


def test_days_permuted() -> None:
    data = built(sessions(4, 1, 0.5), payer=pay)
    moved = permute_days(data, 3)
    np.testing.assert_array_equal(moved.X, data.X)
    assert sorted(moved.y) == sorted(data.y)  # sessions are as long as each other
    for day in data.spans.sessions:
        inside = data.spans.session == day
        assert (moved.y[inside] != data.y[inside]).any()
    assert moved.trips is not None
    assert data.trips is not None
    assert (moved.trips.buy_left >= moved.spans.t0).all()
