"""Kaplan-Meier by hand."""

from __future__ import annotations

import math

import pytest

from quantumtrader.evaluation.survival import expected_total, kaplan_meier


def test_a_published_example():
    """Remission of 21 patients on 6-mercaptopurine, weeks (Freireich and others, 1963; Gehan, 1965)."""
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    goes_on = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    found = kaplan_meier(ended + goes_on, [True] * 9 + [False] * 12)
    assert found.totals == (6, 7, 10, 13, 16, 22, 23)
    assert found.beyond == pytest.approx((0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482), abs=5e-5)
    assert (found.cases, found.complete, found.median) == (21, 9, 23)
    assert math.isnan(found.mean)  # the greatest was cut short


def test_nothing_cut_short_is_the_mean():
    found = kaplan_meier([2, 4, 4, 10], [True] * 4)
    assert found.beyond == (0.75, 0.25, 0.0)
    assert (found.median, found.mean) == (4, 5)
    assert expected_total(found, 2) == pytest.approx(6)  # 4, 4 and 10
    assert expected_total(found, 4) == 10
    assert math.isnan(expected_total(found, 10))


def test_no_cases():
    found = kaplan_meier([], [])
    assert (found.totals, found.beyond, found.cases) == ((), (), 0)
    assert math.isnan(found.median)
    assert math.isnan(found.mean)


def test_a_case_counts_only_once_it_has_entered():
    """At 3 one of two has ended, at 6 one of three; at 8 one of two, at 9 the last. Without entries 3 is one of four."""
    sizes, complete, entered = [3, 6, 8, 9], [True] * 4, [1, 2, 4, 5]
    found = kaplan_meier(sizes, complete, entered)
    assert found.totals == (3, 6, 8, 9)
    assert found.beyond == pytest.approx((1 / 2, 1 / 3, 1 / 6, 0))
    assert (found.median, found.mean) == (3, pytest.approx(3 / 2 + 6 / 6 + 8 / 6 + 9 / 6))
    assert kaplan_meier(sizes, complete).beyond == (0.75, 0.5, 0.25, 0)
    assert kaplan_meier(sizes, complete, [0] * 4) == kaplan_meier(sizes, complete)


def test_one_that_enters_where_another_ends_is_not_at_risk_there():
    found = kaplan_meier([4, 4, 7], [True, False, True], [1, 2, 4])
    assert found.beyond == pytest.approx((1 / 2, 0))
    alone = kaplan_meier([3, 9], [True, True], [1, 5])  # nobody else was at risk at 3
    assert alone.beyond == (0, 0)
    assert math.isnan(alone.median)
    assert math.isnan(alone.mean)


def test_a_case_goes_beyond_where_it_enters():
    with pytest.raises(ValueError, match="enters"):
        kaplan_meier([4], [True], [4])
    with pytest.raises(ValueError, match="shorter"):
        kaplan_meier([4], [True], [])
