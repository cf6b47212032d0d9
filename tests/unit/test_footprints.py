"""Footprint features on footprints drawn by hand, with both engines."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader import FeatureEngine, Instrument
from quantumtrader.features import catalogue
from quantumtrader.types import Events, Kind, Phase
from reference.flows import as_events

NAMES = [f.name for f in catalogue() if f.family == "footprint" and f.inputs == ("T",)]
SECOND = 10**9
START = 1_700_000_000 * SECOND
FIVE = 300

Rows = list[tuple[int, int, int]]
"""Price, bought, sold."""


def draw(rows: Rows, close: int, at: int = 0) -> list[dict[str, int]]:
    """Prints that make these rows, the first one at ``close`` coming last, a second apart from ``at`` on."""
    prints = [(px, q, side) for px, b, s in rows for q, side in ((b, 1), (s, -1)) if q]
    last = next(p for p in prints if p[0] == close)
    prints.remove(last)
    return [
        {"kind": Kind.TRADE, "px": px, "size": q, "side": side, "ts_event": START + (at + k) * SECOND}
        for k, (px, q, side) in enumerate([*prints, last])
    ]


def timer(at: int) -> dict[str, int]:
    return {"kind": Kind.TIMER, "ts_event": START + at * SECOND}


def stream(*parts: list[dict[str, int]] | dict[str, int]) -> Events:
    rows = [row for part in parts for row in (part if isinstance(part, list) else [part])]
    opening = {"kind": Kind.SESSION, "action": Phase.OPEN, "ts_event": START}
    return as_events([row | {"ts_recv": row["ts_event"]} for row in [opening, *rows]])


def last_row(engine, events: Events) -> dict[str, float]:
    features = engine.FeatureEngine(NAMES, 0.5, 10.0)
    features.update_many(events)
    return dict(zip(NAMES, features.snapshot().tolist(), strict=True))


def mirrored(rows: Rows) -> Rows:
    return [(-px, s, b) for px, b, s in rows]


# A fall from a high where buyers gave up: 104 was bought 4 times, 102 12 times; sellers won.
#   px   b   s
REFUSED: Rows = [
    (104, 4, 6),
    (103, 5, 0),
    (102, 12, 11),
    (101, 0, 40),
    (100, 0, 18),
]

REFUSED_VALUES = {
    "fp_delta": (21 - 75) / 96,
    "fp_delta_max": 15 / 96,  # running 4, −2, 3, 15, 4, −14 and, with the 40 of 101 last, −54
    "fp_delta_min": -54 / 96,
    "fp_poc_pos": 1 / 4,
    "fp_poc_share": 40 / 96,
    # 67.2 needed: 40 at 101; 102 and 103 hold 28, more than 100 alone: 68 are in 101 to 103.
    "fp_va_close_pos": 0.0,
    "fp_buy_imb_count": 0,  # 12 at 102 against 40 at 101
    "fp_sell_imb_count": 2,  # 40 ≥ 3·12 at 101, 18 ≥ 3·max(0, 1) at 100; 11 < 3·5 at 102
    "fp_stacked_buy": 0,
    "fp_stacked_sell": 2,
    "fp_absorption_high": 9 / (2 * 96 / 5),
    "fp_absorption_low": 0,  # closed one tick above the low
    "fp_exhaustion_high": 1,
    "fp_exhaustion_low": 0,
    "fp_unfinished_high": 1,
    "fp_unfinished_low": 0,
    "fp_delta_divergence": np.nan,
    "fp_reversal_signal": -1,
    "fp_continuation_signal": 0,
}


def test_every_feature_of_a_refused_high(engine):
    values = last_row(engine, stream(draw(REFUSED, 101), timer(FIVE)))
    assert set(values) == set(REFUSED_VALUES)
    for name, expected in REFUSED_VALUES.items():
        np.testing.assert_allclose(values[name], expected, rtol=1e-12, err_msg=name)


def test_the_mirror_of_a_refused_high_is_a_refused_low(engine):
    values = last_row(engine, stream(draw(mirrored(REFUSED), -101), timer(FIVE)))
    assert values["fp_delta"] == 54 / 96
    # Running 6, 2, −3, 8, −4 and then up: of a row, what was bought is drawn first.
    assert (values["fp_delta_min"], values["fp_poc_pos"]) == (-4 / 96, 3 / 4)
    assert (values["fp_buy_imb_count"], values["fp_stacked_buy"]) == (2, 2)
    assert (values["fp_exhaustion_low"], values["fp_exhaustion_high"]) == (1, 0)
    assert values["fp_reversal_signal"] == 1


def test_stacked_imbalances_with_the_close_above_the_point_of_control(engine):
    rows = [(104, 5, 0), (103, 10, 0), (102, 11, 0), (101, 12, 0), (100, 0, 3)]
    values = last_row(engine, stream(draw(rows, 103), timer(FIVE)))
    assert (values["fp_stacked_buy"], values["fp_continuation_signal"]) == (3, 1)
    values = last_row(engine, stream(draw(rows, 101), timer(FIVE)))
    assert (values["fp_stacked_buy"], values["fp_continuation_signal"]) == (3, 0)
    values = last_row(engine, stream(draw(mirrored(rows), -103), timer(FIVE)))
    assert (values["fp_stacked_sell"], values["fp_continuation_signal"]) == (3, -1)


def test_an_empty_row_ends_a_stack_and_counts_in_the_mean(engine):
    rows = [(104, 20, 0), (102, 20, 0), (101, 20, 0), (100, 0, 1)]
    values = last_row(engine, stream(draw(rows, 101), timer(FIVE)))
    assert (values["fp_buy_imb_count"], values["fp_stacked_buy"]) == (3, 2)
    # 61 contracts over five rows.
    np.testing.assert_allclose(values["fp_absorption_high"], 20 / (2 * 61 / 5))


def test_a_strict_extreme_of_ten_bars_against_its_delta(engine):
    before = [draw([(100, 1, 1), (99, 1, 1)], 99, at=k * FIVE) for k in range(9)]

    def tenth(rows: Rows) -> float:
        return last_row(engine, stream(*before, draw(rows, rows[0][0], at=9 * FIVE), timer(10 * FIVE)))[
            "fp_delta_divergence"
        ]

    assert tenth([(101, 1, 2)]) == -1
    assert tenth([(98, 2, 1)]) == 1
    assert tenth([(101, 2, 1)]) == tenth([(98, 1, 2)]) == tenth([(101, 1, 1)]) == 0
    assert tenth([(100, 1, 2)]) == tenth([(99, 2, 1)]) == 0
    assert np.isnan(last_row(engine, stream(*before, timer(9 * FIVE)))["fp_delta_divergence"])


def test_five_minutes_without_a_print(engine):
    values = last_row(engine, stream(draw(REFUSED, 101), timer(2 * FIVE)))
    undefined = {"fp_poc_pos", "fp_poc_share", "fp_va_close_pos", "fp_delta_divergence"}
    for name, value in values.items():
        assert np.isnan(value) if name in undefined else value == 0, name


@pytest.mark.parametrize("marker", [Phase.CLOSED, Phase.OPEN, Phase.ROLL])
def test_what_ends_a_session_ends_its_footprint(engine, marker):
    end = {"kind": Kind.SESSION, "action": marker, "ts_event": START + 60 * SECOND}
    values = last_row(engine, stream(draw(REFUSED, 101), end))
    if marker == Phase.ROLL:
        assert np.isnan(list(values.values())).all()
    else:
        assert values["fp_delta"] == REFUSED_VALUES["fp_delta"]


def test_the_rows_of_the_last_closed_bar_are_readable(engine):
    features = engine.FeatureEngine(["fp_delta"], 0.5, 10.0)
    assert [len(column) for column in features.footprint()] == [0] * 4
    events = stream(draw(REFUSED, 101), timer(FIVE))
    features.update_many(events[:-1])
    assert [len(column) for column in features.footprint()] == [0] * 4
    features.update_many(events[-1:])
    px, buy, sell, total = features.footprint()
    assert [column.dtype for column in (px, buy, sell, total)] == [np.int32, *[np.int64] * 3]
    np.testing.assert_array_equal(np.column_stack([px, buy, sell]), REFUSED[::-1])
    np.testing.assert_array_equal(total, buy + sell)
    features.reset()
    assert [len(column) for column in features.footprint()] == [0] * 4


def test_rows_are_a_record_array_for_users():
    features = FeatureEngine(["fp_delta"], Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0))
    features.run(stream(draw(REFUSED, 101), timer(FIVE)))
    rows = features.footprint()
    assert rows.dtype.names == ("px", "buy", "sell", "total")
    assert rows[0].tolist() == (100, 0, 18, 18)
    assert len(FeatureEngine(["cvd_session"], features.instrument).footprint()) == 0
