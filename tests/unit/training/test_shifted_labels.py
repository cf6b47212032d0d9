"""Labels moved within their sessions: the pairs by hand, p-values of noise that are uniform, and an edge that is seen."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from quantumtrader.training.assessment import shifted
from quantumtrader.training.assessment.scores import Scores
from quantumtrader.training.assessment.shifted import Shifted, shifted_labels
from quantumtrader.training.placebo import later_rows
from quantumtrader.training.spans import Spans
from reference.assessed import trained

pytest.importorskip("scipy", reason="intervals need the extra ml")

SESSIONS, ROWS, HORIZON = 30, 36, 4


def spans_of(sessions: int, rows: int, horizon: int) -> Spans:
    t0 = (np.arange(sessions)[:, None] * 1_000 + np.arange(rows)).ravel()
    return Spans(t0, t0 + horizon, np.repeat(np.arange(sessions), rows))


def judged(p: np.ndarray, y: np.ndarray, spans: Spans) -> tuple[Any, Scores]:
    """One path of predictions ``p`` of class 1, against a base rate of one half."""
    predictions = np.stack((1 - p, p), axis=-1)[None]
    evaluation = SimpleNamespace(predictions=predictions, base=np.full_like(predictions, 0.5))
    rows = np.arange(len(y))
    return evaluation, Scores(rows, spans, np.ones(len(y)), y, np.zeros((1, len(y))))


def noise(rng: np.random.Generator, knows: float = 0.0) -> Shifted:
    """A model that goes with or against the session's past, by a coin: what fitting on a random walk brings about."""
    steps = rng.standard_normal((SESSIONS, ROWS + HORIZON))
    walk = np.concatenate((np.zeros((SESSIONS, 1)), np.cumsum(steps, axis=1)), axis=1)
    past, later = walk[:, :ROWS], walk[:, HORIZON : HORIZON + ROWS]
    y = (later > past).astype(np.int64).ravel()
    lean = 0.1 * rng.choice((-1, 1)) * np.tanh(past).ravel() + knows * (2 * y - 1) * rng.uniform(size=y.size)
    return shifted_labels(
        *judged(0.5 + lean, y, spans_of(SESSIONS, ROWS, HORIZON)), int(rng.integers(2**31)), 20
    )


def test_pairs_are_of_one_session_do_not_overlap_and_reach_half_of_it() -> None:
    spans = spans_of(3, 8, 3)
    seen: set[int] = set()
    for seed in range(50):
        rows, later = later_rows(spans, np.random.default_rng(seed))
        assert (spans.session[rows] == spans.session[later]).all()
        for day in range(3):
            offset = set((later - rows)[spans.session[rows] == day].tolist())
            assert len(offset) <= 1  # each session has its own
            seen |= offset
            if offset:  # and every row that can be moved by it is
                assert (spans.session[rows] == day).sum() == 8 - offset.pop()
    assert seen == {3, 4}  # 1 and 2 overlap a label of three; half of eight is four


def test_p_is_uniform_for_noise_that_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shifted, "_FLIPS", 999)
    found = [noise(np.random.default_rng([5, k])) for k in range(200)]
    p = np.array([f.p for f in found])
    assert (p <= 0.05).mean() < 0.1
    assert np.abs(np.sort(p) - (np.arange(200) + 0.5) / 200).max() < 0.12  # Kolmogorov's 1 %: 1.63 / √200

    def circular(spans: Spans, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        offset = np.repeat(rng.integers(HORIZON, ROWS - HORIZON + 1, SESSIONS), ROWS)
        place = np.tile(np.arange(ROWS), SESSIONS)
        return np.arange(len(spans)), np.arange(len(spans)) - place + (place + offset) % ROWS

    # The trap: labels that go round lie in the past of the features.
    monkeypatch.setattr(shifted, "later_rows", circular)
    round_the_end = np.array([noise(np.random.default_rng([5, k])).p for k in range(60)])
    assert (round_the_end <= 0.05).mean() > 0.25


def test_an_edge_of_the_moment_is_seen_and_one_of_the_session_is_not() -> None:
    assert noise(np.random.default_rng(1), knows=0.1).p == 1 / 10_000  # none of the signs reaches it
    # Sessions of mostly one class, and a model that knows which: it gains, and the moment has no part in it.
    p = []
    for seed in range(20):
        rng = np.random.default_rng([2, seed])
        up = np.repeat(rng.choice((0.2, 0.8), SESSIONS), ROWS)
        y = (rng.uniform(size=up.size) < up).astype(np.int64)
        p.append(shifted_labels(*judged(up, y, spans_of(SESSIONS, ROWS, 1)), 7, 20).p)
    assert (np.array(p) <= 0.05).sum() <= 3
    assert np.median(np.array(p)) > 0.2


@pytest.mark.parametrize("drift", [0.1, 0.2])
def test_class_shares_that_drift_through_the_day_are_no_edge(drift: float) -> None:
    """Own labels lie earlier in the day than moved ones, so a class that grows rarer is more often the own one."""
    sessions, place = 60, np.tile(np.linspace(1, -1, ROWS), 60)
    low = {"constant": 0, "noise": 0}
    for seed in range(20):
        rng = np.random.default_rng([7, seed])
        y = (rng.uniform(size=place.size) < 0.5 + drift * place).astype(np.int64)
        for name, wide in (("constant", 0.0), ("noise", 0.05)):
            p = 0.55 + rng.uniform(-wide, wide, y.size)
            found = shifted_labels(*judged(p, y, spans_of(sessions, ROWS, HORIZON)), seed, 20)
            assert found.p is not None
            low[name] += found.p <= 0.05
        assert low["constant"] == 0  # it says the same everywhere: nothing is left of it
    assert low["noise"] <= 3
    knows = 0.55 + 0.1 * (2 * y - 1) * (rng.uniform(size=y.size) < 0.2)  # a fifth of the moments
    assert shifted_labels(*judged(knows, y, spans_of(sessions, ROWS, HORIZON)), 7, 20).p == 1 / 10_000


def test_the_edge_is_the_difference_of_both_gains() -> None:
    """One session of four rows with labels of no length: offsets 1 and 2, so rows 0 and 1 meet both, row 2 the first."""

    def edge(up: list[float], y: list[int]) -> float:
        evaluation, scores = judged(np.tile(up, 25), np.tile(y, 25), spans_of(25, 4, 0))
        found = shifted_labels(evaluation, replace(scores, weights=np.full(100, 10.0)), 7, draws=4_000)
        assert found.edge is not None
        return found.edge.mean

    one = np.log(0.8 / 0.2)  # own label as said, later label the other one
    # Both classes gain the same on average. By offset 1: rows 0, 1, 2 gain +one, 0, +one; by 2: rows 0, 1 gain +one, -one.
    assert edge([0.8, 0.8, 0.2, 0.2], [1, 0, 0, 1]) == pytest.approx(2 / 5 * one, rel=0.03)
    # By offset 1: 0, +one, 0; by 2: +one, +one.
    assert edge([0.8, 0.8, 0.2, 0.2], [1, 1, 0, 0]) == pytest.approx(3 / 5 * one, rel=0.02)
    # The same pairs, but classes gain three quarters of what they gain there on average of all rows: a quarter is left.
    assert edge([0.8, 0.8, 0.8, 0.5], [1, 1, 0, 0]) == pytest.approx(3 / 5 * one / 4, rel=0.02)
    assert edge([0.8] * 4, [1, 1, 0, 0]) == 0


def test_where_shifting_makes_no_sense_there_is_no_number() -> None:
    y = np.tile([0, 1], SESSIONS * ROWS // 2)
    long = judged(np.full(y.size, 0.6), y, spans_of(SESSIONS, ROWS, ROWS))
    assert shifted_labels(*long, 7) == Shifted(200, 0, None, None, "no_later_label")
    daily = judged(np.full(y.size, 0.6), np.repeat(y[:SESSIONS], ROWS), spans_of(SESSIONS, ROWS, 1))
    assert shifted_labels(*daily, 7) == Shifted(200, SESSIONS, None, None, "same_label")
    for sessions in (1, 4):
        few = judged(np.full(sessions * ROWS, 0.6), y[: sessions * ROWS], spans_of(sessions, ROWS, 1))
        assert shifted_labels(*few, 7) == Shifted(200, sessions, None, None, "insufficient")


def test_the_assessment_holds_it() -> None:
    there, gone = trained(0.9).assess().shifted, trained(0.0).assess().shifted
    assert there is not None
    assert there.p is not None
    assert there.p < 0.001
    assert there.edge is not None
    assert there.edge.low > 0
    assert gone is not None
    assert gone.p is not None
    assert gone.p > 0.05
