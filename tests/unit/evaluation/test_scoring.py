"""Detections against episodes, by hand."""

from __future__ import annotations

import math

import pytest

from quantumtrader.evaluation.scoring import Episode, found, match, score, wilson

MS = 10**6


def test_wilson_against_published_values():
    # Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for hits, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        share = wilson(hits, of)
        assert (share.low, share.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson(5, 5).high == 1
    nothing = wilson(0, 0)
    assert math.isnan(nothing.share)
    assert (nothing.low, nothing.high) == (0, 1)


@pytest.mark.parametrize(
    ("detection", "hit"),
    [
        (found("sweep", 1, 100), True),
        (found("sweep", 1, 205), True),
        (found("sweep", 1, 99), False),
        (found("sweep", 1, 206), False),
        (found("sweep", -1, 150), False),
        (found("sweep_run", 1, 150), False),
    ],
)
def test_kind_side_and_time_decide(detection, hit):
    assert Episode("sweep", 1, 100, 200, 150).fits(detection, 5) is hit


def test_rows_decide_where_they_are_known():
    episode = Episode("sweep", 1, 0, 9, 9, (7, 8))
    assert [episode.fits(found("sweep", 1, 5, px), 0) for px in (6, 7, 8)] == [False, True, True]
    assert Episode("sweep", 0, 0, 9, 9).fits(found("sweep", -1, 5, 3), 0)


def test_one_detection_tells_of_one_episode():
    both = [Episode("sweep", 1, 0, 100, 50), Episode("sweep", 1, 0, 60, 50)]
    matched, repeated, other = match(both, [found("sweep", 1, 55)])
    assert list(matched) == [1]  # the one that ends first
    assert (repeated, other) == ([], [])
    matched, repeated, other = match(both, [found("sweep", 1, t) for t in (55, 56, 57, 101)])
    assert {k: d.ts for k, d in matched.items()} == {1: 55, 0: 56}
    assert ([d.ts for d in repeated], [d.ts for d in other]) == ([57], [101])


def test_a_score_by_hand():
    episodes = [Episode("sweep", 1, t * MS, (t + 10) * MS, (t + 5) * MS) for t in (0, 100, 200, 300)]
    told = [found("sweep", 1, t * MS) for t in (6, 7, 108, 203, 50)]
    s = score(episodes, told, hours=0.5)
    assert (s.recall.hits, s.recall.of) == (3, 4)
    assert (s.precision.hits, s.precision.of) == (3, 4)
    assert s.duplicates == 1
    assert s.median_delay_ms == 1  # of −2, 1 and 3
    assert s.p90_delay_ms == pytest.approx(2.6)
    assert s.false_per_hour == 2


def test_nothing_known_and_nothing_told():
    s = score([], [], hours=0)
    assert all(
        math.isnan(x) for x in (s.recall.share, s.precision.share, s.median_delay_ms, s.false_per_hour)
    )
    s = score([Episode("sweep", 1, 0, 1, 1)], [], hours=1)
    assert (s.recall.share, s.false_per_hour) == (0, 0)
    assert math.isnan(s.precision.share)
