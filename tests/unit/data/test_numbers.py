"""Exact arithmetic on the grid, sides and sizes against naive models."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers import _orders, _sides
from quantumtrader.types import PX_NONE

STEPS = (5.0, 1.0, 0.5, 0.25, 0.1, 0.01, 0.001, 0.00001)


@given(st.lists(st.decimals(0, 10**6, places=6), min_size=1, max_size=50), st.sampled_from(STEPS))
def test_steps_agree_with_decimal_arithmetic(values: list[Decimal], step: float) -> None:
    steps, good = numbers.to_steps(np.array([float(v) for v in values]), step)
    exact = Decimal(repr(step))
    for value, k, ok in zip(values, steps, good, strict=True):
        assert ok == (value % exact == 0)
        if ok:
            assert int(k) == int(value / exact)


@given(st.integers(1, 2**31 - 1), st.sampled_from(STEPS))
def test_every_step_is_found_again(k: int, step: float) -> None:
    steps, good = numbers.to_steps(np.array([float(Decimal(k) * Decimal(repr(step)))]), step)
    assert (int(steps[0]), bool(good[0])) == (k, True)


def test_not_finite() -> None:
    steps, good = numbers.to_steps(np.array([np.nan, np.inf, 1e300]), 0.5)
    assert good.tolist()[:2] == [False, False]
    assert steps.tolist()[:2] == [0, 0]


def test_finest_step() -> None:
    assert numbers.finest_step(np.array([5639.044, 5640.5])) == 0.001
    assert numbers.finest_step(np.array([5.0, 7.0])) == 1.0


def test_floats_from_text() -> None:
    cells = pa.array(["5.553,500", "184700,000", "7", "", "x", "5.55,1", "-3,5", " 12,0 "])
    expected = [5553.5, 184700.0, 7.0, np.nan, np.nan, np.nan, -3.5, 12.0]
    np.testing.assert_array_equal(numbers.to_float(cells, ","), expected)
    np.testing.assert_array_equal(
        numbers.to_float(pa.array(["5,553.5", "5553.500", "1e3"]), "."), [5553.5, 5553.5, np.nan]
    )


@given(
    st.lists(st.integers(0, 2**31), min_size=1, max_size=40),
    st.sampled_from(["America/Sao_Paulo", "America/New_York", "UTC"]),
)
def test_local_time_round_trip(seconds: list[int], name: str) -> None:
    zone = ZoneInfo(name)
    local = [datetime.fromtimestamp(s, zone).replace(tzinfo=None, fold=0) for s in seconds]
    ns = np.array([int((t - datetime(1970, 1, 1)).total_seconds()) * 10**9 for t in local], np.int64)
    expected = [int(t.replace(tzinfo=zone).astimezone(UTC).timestamp()) * 10**9 for t in local]
    assert numbers.to_utc(ns, zone).tolist() == expected


def naive_tick_rule(px: list[int]) -> list[int]:
    out, sign = [], 0
    for before, now in zip([px[0], *px], px, strict=False):
        sign = (now > before) - (now < before) or sign
        out.append(sign)
    return out


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60), st.integers(0, 60))
def test_tick_rule_in_parts(px: list[int], cut: int) -> None:
    values = np.array(px, np.int32)
    cut = min(cut, len(px) - 1)
    whole = _sides.tick_rule(values)
    assert whole.tolist() == naive_tick_rule(px)
    if cut:
        rest = _sides.tick_rule(values[cut:], (px[cut - 1], int(whole[cut - 1])))
        assert rest.tolist() == whole[cut:].tolist()


def test_quote_rule() -> None:
    px = np.array([10, 12, 11, 11, 11, 11], np.int32)
    bid = np.array([10, 10, 10, PX_NONE, 12, 11], np.int32)
    ask = np.array([12, 12, 12, 12, 11, 12], np.int32)
    ticks = np.array([1, -1, -1, 1, 1, 1], np.int8)
    assert _sides.quote_rule(px, bid, ask, ticks).tolist() == [-1, 1, -1, 1, 0, -1]


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 9)), max_size=60))
def test_remaining_sizes(messages: list[tuple[int, bool, int]]) -> None:
    left: dict[int, int] = {}
    expected = []
    for order, states, size in messages:
        left[order] = size if states else left.get(order, 0) - size
        expected.append(left[order])
    ids, sets, sizes = (
        np.array([m[k] for m in messages], t) for k, t in ((0, np.int64), (1, bool), (2, np.int64))
    )
    assert _orders.remaining(ids, sets, sizes).tolist() == expected
