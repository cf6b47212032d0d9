"""What may be asked of the vendor's history, and when an answer counts as complete."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from quantumtrader.exceptions import ConfigError
from quantumtrader.profitdll.history import HistoryPhase, HistoryProgress, plan_days

TODAY = date(2026, 10, 9)
S = 1_000_000_000


def test_one_request_per_weekday_with_times() -> None:
    plan = plan_days("WDOFUT", "F", date(2026, 10, 2), date(2026, 10, 6), TODAY)
    assert [r.day.day for r in plan] == [2, 5, 6]
    assert (plan[0].start, plan[0].end) == ("02/10/2026 00:00:00", "03/10/2026 00:00:00")


def test_thirty_days_back_is_the_last_that_newest_versions_give() -> None:
    edge = TODAY - timedelta(days=30)
    assert plan_days("WINFUT", "F", edge, TODAY, TODAY)[0].day == edge
    for version in (None, (4, 0, 0, 41)):
        with pytest.raises(ConfigError, match=f"from {edge} on"):
            plan_days("WINFUT", "F", edge - timedelta(days=1), TODAY, TODAY, version)


def test_older_versions_have_no_such_limit() -> None:
    assert plan_days("WINFUT", "F", date(2026, 1, 5), date(2026, 1, 5), TODAY, (4, 0, 0, 34))


@pytest.mark.parametrize(
    ("first", "last"), [(TODAY, TODAY - timedelta(days=1)), (TODAY, TODAY + timedelta(days=1))]
)
def test_impossible_ranges(first: date, last: date) -> None:
    with pytest.raises(ConfigError, match="WDOFUT"):
        plan_days("WDOFUT", "F", first, last, TODAY)


def test_hundred_percent_is_believed_after_a_pause_only() -> None:
    progress = HistoryProgress(0)
    progress.on_progress(100, 1 * S)
    progress.on_trades(500, 2 * S)  # comes after the 100
    assert progress.phase(3 * S) is HistoryPhase.RUNNING
    progress.on_trades(1, 3 * S)
    assert progress.phase(5 * S) is HistoryPhase.COMPLETE
    assert progress.trades == 501


def test_ninety_nine_for_minutes_is_a_stall_unless_the_last_packet_came() -> None:
    progress = HistoryProgress(0, stall_s=60)
    progress.on_progress(99, 1 * S)
    progress.on_progress(99, 30 * S)  # repeated, nothing new
    assert progress.phase(60 * S) is HistoryPhase.RUNNING
    assert progress.phase(61 * S) is HistoryPhase.STALLED
    progress.on_trades(3, 62 * S, last=True)
    assert progress.phase(65 * S) is HistoryPhase.COMPLETE
