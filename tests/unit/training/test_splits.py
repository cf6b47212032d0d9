"""Purged splits and weights: properties that no leak survives."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.spans import Spans
from quantumtrader.training.splits import CombinatorialPurged, PurgedWalkForward, Split
from quantumtrader.training.weights import average_uniqueness, concurrency, time_decay

DAY = 86_400 * 10**9
HOUR = 3_600 * 10**9


def spans_of(sessions: int, per_session: int, seed: int, longest_h: float = 30.0) -> Spans:
    """Random spans; some reach over the night into the next session."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(sessions), per_session)
    t0 = (
        day * DAY
        + 12 * HOUR
        + np.sort(rng.integers(0, 9 * HOUR, len(day)).reshape(sessions, -1), axis=1).ravel()
    )
    t1 = t0 + rng.integers(0, int(longest_h * HOUR), len(day))
    return Spans(t0, t1, day)


@st.composite
def samples(draw: st.DrawFn) -> Spans:
    return spans_of(draw(st.integers(8, 20)), draw(st.integers(1, 12)), draw(st.integers(0, 999)))


def no_leak(spans: Spans, split: Split) -> None:
    assert not np.intersect1d(split.train, split.test).size
    for row in split.test:  # brute force, pair by pair
        meets = (spans.t1[split.train] >= spans.t0[row]) & (spans.t0[split.train] <= spans.t1[row])
        assert not meets.any()


@settings(max_examples=40, deadline=None)
@given(samples(), st.integers(3, 7), st.integers(1, 2), st.integers(0, 2))
def test_combinatorial(spans: Spans, groups: int, chosen: int, embargo: int) -> None:
    splitter = CombinatorialPurged(groups, chosen, embargo)
    splits = list(splitter.split(spans))
    assert len(splits) == splitter.count == comb(groups, chosen)
    tested = np.zeros(len(spans), int)
    for split in splits:
        no_leak(spans, split)
        tested[split.test] += 1
        assert len(split.train) + len(split.test) + split.purged + split.embargoed == len(spans)
        sessions = list(spans.sessions)
        for row in split.test:  # the sessions after a block are not trained on
            at = sessions.index(spans.session[row])
            following = list(sessions[at + 1 : at + 1 + embargo])
            banned = set(following) - set(spans.session[split.test])
            # Only what follows a whole block is embargoed, and a block's last session is followed by all of these.
            if at + 1 < len(sessions) and sessions[at + 1] not in set(spans.session[split.test]):
                assert not banned & set(spans.session[split.train])
    assert (tested == comb(groups - 1, chosen - 1)).all()


@given(st.integers(2, 9), st.data())
def test_paths_partition_the_tests(groups: int, data: st.DataObject) -> None:
    chosen = data.draw(st.integers(1, groups - 1))
    splitter = CombinatorialPurged(groups, chosen)
    table = splitter.paths()
    assert table.shape == (splitter.path_count, groups)
    pairs = {(int(table[p, g]), g) for p in range(len(table)) for g in range(groups)}
    assert len(pairs) == table.size == splitter.count * chosen


@settings(max_examples=40, deadline=None)
@given(samples(), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2))
def test_walk_forward(spans: Spans, train: int, test: int, embargo: int) -> None:
    seen: list[int] = []
    for split in PurgedWalkForward(train, test, embargo).split(spans):
        no_leak(spans, split)
        if len(split.train):
            assert spans.t1[split.train].max() < spans.t0[split.test].min()
            assert spans.session[split.train].max() < spans.session[split.test].min() - embargo
        seen += list(split.test)
    assert seen == sorted(set(seen))
    first = train + embargo
    assert set(spans.session[seen]) == set(spans.sessions[first:])


def test_default_counts_of_ticks_and_book() -> None:
    assert (CombinatorialPurged().count, CombinatorialPurged().path_count) == (45, 9)
    assert (CombinatorialPurged(6, 2).count, CombinatorialPurged(6, 2).path_count) == (15, 5)


def test_embargo_in_time_keeps_both_sides_apart() -> None:
    spans = spans_of(10, 40, 3, longest_h=0.1)
    for split in CombinatorialPurged(5, 1, 0, embargo_ns=20 * HOUR).split(spans):
        test = spans[split.test]
        for row in split.train:
            gap = (
                spans.t0[row] - test.t1.max()
                if spans.t0[row] > test.t1.max()
                else test.t0.min() - spans.t1[row]
            )
            assert gap >= 20 * HOUR


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: list(PurgedWalkForward(120).split(spans_of(30, 2, 0))), "needs 122 sessions"),
        (lambda: list(CombinatorialPurged(10).split(spans_of(9, 2, 0))), "9 sessions do not make 10 groups"),
        (lambda: CombinatorialPurged(4, 4), "not all"),
        (lambda: PurgedWalkForward(embargo_sessions=-1), "embargo"),
        (lambda: Spans(np.array([5]), np.array([4]), np.array([0])), "ends before it begins at sample 0"),
        (lambda: Spans(np.array([5, 4]), np.array([9, 9]), np.array([0, 0])), "runs backwards at sample 0"),
    ],
)
def test_bad_input(make, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=words):
        make()


def test_uniqueness_by_hand() -> None:
    spans = Spans(np.array([0, 2, 10]), np.array([4, 6, 10]), np.zeros(3, np.int64))
    times, opened = concurrency(spans)
    assert list(zip(times, opened, strict=True)) == [(0, 1), (2, 2), (4, 1), (6, 0), (10, 1), (11, 0)]
    assert average_uniqueness(spans) == pytest.approx([(2 + 2 / 2) / 4, (2 / 2 + 2) / 4, 1])


@given(st.integers(1, 60), st.integers(0, 99))
def test_uniqueness_against_a_naive_sum(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    t0 = np.sort(rng.integers(0, 50, n))
    spans = Spans(t0, t0 + rng.integers(1, 20, n), np.zeros(n, np.int64))
    opened = [((spans.t0 <= t) & (t < spans.t1)).sum() for t in range(80)]
    naive = [np.mean([1 / opened[t] for t in range(a, b)]) for a, b in zip(spans.t0, spans.t1, strict=True)]
    assert average_uniqueness(spans) == pytest.approx(naive)


def test_decay_halves() -> None:
    spans = spans_of(5, 1, 0)
    assert time_decay(spans, 2) == pytest.approx([0.25, 0.5**1.5, 0.5, 0.5**0.5, 1])
    assert (time_decay(spans, float("inf")) == 1).all()
