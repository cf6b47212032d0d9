"""Columns that a computation had nothing to make of: named as the check of a file names what they lack."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader import FeatureFrame, empty_events
from quantumtrader.features.coverage import Coverage
from quantumtrader.types import Kind

NAMES = ("flow_ofi_1m", "spread_ticks", "mlofi_w5_1m", "ret_1", "pin_60", "mid_return_1s")
PRINTS = {"trades": ("flow_ofi_1m",)}
TOUCH = {"quotes or book records": ("spread_ticks",)}
BOOK = {"book records": ("mlofi_w5_1m",)}
BARS = {"bars or trades": ("ret_1",)}


@pytest.mark.parametrize(
    ("kind", "absent"),
    [
        (Kind.TRADE, TOUCH | BOOK),
        (Kind.QUOTE, PRINTS | BOOK | BARS),
        (Kind.ORDER, PRINTS | BARS),
        (Kind.LEVEL, PRINTS | BARS),
        (Kind.BAR, PRINTS | TOUCH | BOOK),
    ],
)
def test_zeros_without_an_input(kind: Kind, absent: dict[str, tuple[str, ...]]) -> None:
    watched = Coverage(NAMES)
    events = empty_events(2)
    events["kind"] = kind, Kind.SESSION
    rows = np.array([[0, 0, 0, 0, np.nan, 0], [0, np.nan, 0, 0, np.nan, 0.5]])
    for k in range(2):
        watched.add(events[k : k + 1], FeatureFrame(NAMES, np.array([k]), rows[k : k + 1]))
    assert watched.zero_without_input() == absent
    assert watched.without_values() == ("pin_60",)
