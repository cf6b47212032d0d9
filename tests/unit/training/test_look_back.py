"""How far back features look, by hand, and what embargo that makes of the sessions that there are."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader.features import FeatureEngine
from quantumtrader.training.pipelines.book import _block_embargo
from quantumtrader.training.pipelines.judge import Plan, make_plan
from quantumtrader.training.pipelines.look_back import decided_ns, longest_window, look_backs
from quantumtrader.training.policy import Policy
from quantumtrader.training.spans import Spans
from reference.planted import X

S = 10**9
MINUTE = 60 * S
HAND = {
    "rel_volume_tod": 20,  # the same minute of twenty sessions before
    "gap_open": 1,  # the close before
    "sma_dist_200": 2,  # 200 bars of which a session has 120
    "ret_60": 1,
    "ret_60@5": 1,  # five rows before is the same session: no further back than its first row
    "vpin_50": 6,  # a session of buckets, whose size is of the five before
    "book_imbalance_1": 0,  # the book now
    "flow_ofi_1m": 0,  # starts anew with the session
}


def test_sessions_by_hand() -> None:
    manifest = FeatureEngine(list(HAND), X, clock="1m").manifest
    found = look_backs(manifest, MINUTE, 120 * MINUTE)
    assert {name: one.sessions for name, one in found.items()} == HAND
    assert found["sma_dist_200"].ns == 200 * MINUTE == longest_window(found.values())
    assert found["flow_ofi_1m"].ns == MINUTE
    assert look_backs(manifest, 5 * MINUTE, 120 * MINUTE)["sma_dist_200"].sessions == 9


def test_no_feature_that_crosses_sessions_has_an_unread_window() -> None:
    found = look_backs(FeatureEngine("all", X).manifest, MINUTE, 540 * MINUTE)
    assert len(found) == len(FeatureEngine("all", X).names)
    for name in FeatureEngine("bars", X).names:
        assert found[name].ns > 0 or name == "session_frac", name
    assert max(found[name].sessions for name in FeatureEngine("bars", X).names) == 20


def plan(sessions: int, embargo: int) -> Plan:
    return make_plan(
        "s", "tick", sessions, Policy(0.1, 1.0), groups=10, test_groups=2, rehearsal=(120, 5, 1), embargo_sessions=embargo,
        embargo_ns=5, candidates="quick", seed=7, rows=1_000, look_back={"rel_volume_tod": embargo, "gap_open": 1},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sessions", "kept", "within"),
    [
        (200, 20, 20),  # 160 not tested, 40 left out
        (
            100,
            20,
            13,
        ),  # 80 not tested, 40 left out; of the other 40 a third is tested, half of the other 26 left out
        (60, 12, 8),  # 48 not tested, half of them left out; 24 to train on, of which 16 are not tested
        (29, 1, 1),
        (19, 0, 0),
    ],
)
def test_the_embargo_is_as_long_as_the_sample_allows(sessions: int, kept: int, within: int) -> None:
    found = plan(sessions, 20)
    assert (found.splitter.embargo_sessions, found.inner.embargo_sessions) == (kept, within)
    assert bool(found.notes) == (within < 20)
    for note in found.notes:
        assert note.text.startswith(f"the embargo after test sessions is {kept} sessions")
        assert note.text.endswith("rel_volume_tod" if within else "rel_volume_tod, gap_open")


def test_no_training_row_remembers_a_test_session() -> None:
    session = np.repeat(np.arange(200), 3)
    t0 = session * 1440 * MINUTE + np.tile(np.arange(3), 200) * MINUTE
    for split in plan(200, 20).splitter.split(Spans(t0, t0 + 1, session)):
        tested = np.unique(session[split.test])
        for day in np.unique(session[split.train]):
            assert not np.isin(tested, np.arange(day - 20, day)).any()


def test_blocks_of_time_keep_at_most_half_a_block_apart() -> None:
    manifest = FeatureEngine(["mid_return_10s", "flow_ofi_1m", "ret_60"], X, clock="1s").manifest
    found = look_backs(manifest, MINUTE, 540 * MINUTE)
    assert _block_embargo(found, 5 * S, 130 * MINUTE) == (61 * MINUTE, None)
    embargo, told = _block_embargo(found, 5 * S, 20 * MINUTE)
    assert embargo == 10 * MINUTE
    assert told is not None
    assert "600 s instead of 3660" in told.text
    assert told.text.endswith("ret_60")
    assert _block_embargo(found, 15 * MINUTE, 20 * MINUTE)[0] == 15 * MINUTE


def test_sessions_are_as_long_as_they_are_decided_in() -> None:
    times = np.array([0, 10, 1000, 1030, 2000, 2020], np.int64)
    assert decided_ns(Spans(times, times, np.repeat(np.arange(3), 2))) == 20
    assert decided_ns(Spans(times[:1], times[:1], np.zeros(1, np.int64)), MINUTE) == MINUTE
