"""What changes sizes, sides, times or prices changes every feature in a known way, and nothing sees what is later.

The streams are few but rich: hours without markers, so that the longest windows are full, rough flow with sessions,
rolls, gaps, ties and one-sided books, one scripted pattern of each detector on either side, and sessions enough for
what counts them; by price level and by order. That no feature stands still on them is tested too.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from quantumtrader.features import catalogue
from quantumtrader.types import PX_NONE, Events, Kind
from reference.flows import many_sessions, random_flow
from reference.positives import positives
from reference.rules import FITTED, SESSION_SECONDS

INFO = {f.name: f for f in catalogue()}
NAMES = list(INFO)

STREAMS: dict[str, tuple[str, Callable[[], Events]]] = {
    "calm levels": ("full", lambda: random_flow(12, 2_400, "levels", markers=False, calm=True)),
    "calm orders": ("full", lambda: random_flow(12, 2_400, "orders", markers=False, calm=True)),
    "rough levels": ("partial", lambda: random_flow(5, 1_200, "levels")),
    "rough orders": ("partial", lambda: random_flow(5, 1_200, "orders")),
    "rough quotes": ("partial", lambda: random_flow(12, 1_200, "quotes")),
    "patterns levels": ("partial", lambda: positives("levels")),
    "patterns orders": ("partial", lambda: positives("orders")),
    "sessions": ("partial", lambda: many_sessions(4, 25)),
}
"""Warm-up, and the stream."""

# Log returns, and widths in units of the price level.
RELATIVE_TO_PRICE = {n for n in INFO if n.startswith("ret_") or INFO[n].unit in ("%", "bps")} | {
    "gap_open", "natr_14", "bb_width_20", "rv_close_30", "parkinson_30", "garman_klass_30", "rogers_satchell_30",
    "yang_zhang_30", "ewma_vol", "vol_ratio_10_60", "hurst_120", "mfi_14",
    "variance_ratio_5", "signature_ratio_5m", "jump_ratio_30m",
    "amihud_30m", "hasbrouck_lambda_30m", "corwin_schultz_30m",
}  # fmt: skip

POWERS = {
    "kyle_lambda_5m": -1.0,
    "kyle_lambda_30m": -1.0,
    "ofi_beta_30m": -1.0,
    "amihud_30m": -1.0,
    "eom_14": -1.0,
    "hasbrouck_lambda_30m": -0.5,
} | {f.name: {"keeps": 0.0, "scales": 1.0}[f.scale_sizes] for f in catalogue() if f.scale_sizes is not None}
"""Power of the sizes that a feature goes with; those that know sizes in contracts have none."""

TWINS = {
    "aggression_buy_1m": ("aggression_sell_1m", 1),
    "fp_delta_max": ("fp_delta_min", -1),
    "fp_buy_imb_count": ("fp_sell_imb_count", 1),
    "fp_stacked_buy": ("fp_stacked_sell", 1),
    "fp_absorption_high": ("fp_absorption_low", 1),
    "fp_exhaustion_high": ("fp_exhaustion_low", 1),
    "fp_unfinished_high": ("fp_unfinished_low", 1),
    "bid_depth_5": ("ask_depth_5", 1),
    "bid_concentration": ("ask_concentration", 1),
    "impact_buy_50": ("impact_sell_50", 1),
    "hawkes_buy": ("hawkes_sell", 1),
    "upper_wick": ("lower_wick", 1),
    "dist_high_60": ("dist_low_60", 1),
    "dist_session_high": ("dist_session_low", 1),
    "plus_di_14": ("minus_di_14", 1),
}
"""What one feature says of buyers or of the high, its twin says of sellers or of the low in the mirror."""

COMPLEMENTS = {
    "uptick_ratio_1m": 1,
    "trade_at_ask_ratio_1m": 1,
    "close_pos_20": 1,
    "bb_pctb_20": 1,
    "rsi_7": 100,
    "rsi_14": 100,
    "rsi_28": 100,
}
"""The mirror shows what is left to the whole."""


class Tables:
    """Rows of all features by engine, stream and change of the stream, each computed once."""

    def __init__(self) -> None:
        self.streams = {name: make() for name, (_, make) in STREAMS.items()}
        self.cache: dict[tuple[str, str, str], tuple[np.ndarray, np.ndarray]] = {}

    def rows(self, engine: ModuleType, name: str, change: str = "none") -> tuple[np.ndarray, np.ndarray]:
        key = (engine.ENGINE, name, change)
        if key not in self.cache:
            events = CHANGES[change](self.streams[name])
            self.cache[key] = self.run(engine, name, events)
        return self.cache[key]

    @staticmethod
    def run(engine: ModuleType, name: str, events: Events) -> tuple[np.ndarray, np.ndarray]:
        # Rows are what costs the Python engine: it has fewer, and equals the other one row by row elsewhere.
        clock = "event" if engine.ENGINE == "rust" else "3trades" if name == "sessions" else "9trades"
        features = engine.FeatureEngine(
            NAMES, 0.5, 10.0, clock, STREAMS[name][0], session_seconds=SESSION_SECONDS, fitted=FITTED
        )
        features.update_many(events)
        return features.take()[:2]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return Tables()


every_stream = pytest.mark.parametrize("stream", STREAMS)


def scaled(events: Events, factor: int) -> Events:
    out = events.copy()
    out["size"] *= factor
    out["size_ask"][out["kind"] == Kind.QUOTE] *= factor
    return out


def moved(events: Events, ticks: int) -> Events:
    """Shift every price."""
    out = events.copy()
    kind = out["kind"]
    out["px"][np.isin(kind, (Kind.TRADE, Kind.LEVEL, Kind.ORDER))] += ticks
    for name in ("px", "px_ask"):
        out[name][(kind == Kind.QUOTE) & (out[name] != PX_NONE)] += ticks
    for name in ("px", "px_ask", "ref_a", "ref_b"):
        out[name][kind == Kind.BAR] += ticks
    return out


LATER = 123_456_789_012_345


def later(events: Events) -> Events:
    out = events.copy()
    for stamp in ("ts_event", "ts_recv"):
        out[stamp] += LATER
    out["id"][out["kind"] == Kind.BAR] += LATER
    return out


def mirror(events: Events) -> Events:
    """Exchange bid and ask, buyer and seller, and negate prices about 1,000 ticks."""
    out = events.copy()
    kind = out["kind"]
    out["side"] = -out["side"]

    def flip(px: np.ndarray) -> np.ndarray:
        return np.where(px == PX_NONE, px, 2_000 - px)

    for k in (Kind.TRADE, Kind.LEVEL, Kind.ORDER):
        out["px"][kind == k] = flip(events["px"][kind == k])
    trade = kind == Kind.TRADE
    for x, y in (("ref_a", "ref_b"), ("ref_b", "ref_a")):
        out[x][trade] = events[y][trade]
    quote = kind == Kind.QUOTE
    for a, b in (("px", "px_ask"), ("size", "size_ask"), ("ref_a", "ref_b")):
        for x, y in ((a, b), (b, a)):
            out[x][quote] = flip(events[y][quote]) if x.startswith("px") else events[y][quote]
    bar = kind == Kind.BAR
    for x, y in (("px", "px"), ("px_ask", "ref_a"), ("ref_a", "px_ask"), ("ref_b", "ref_b")):
        out[x][bar] = flip(events[y][bar])
    return out


CHANGES: dict[str, Callable[[Events], Events]] = {
    "none": lambda events: events,
    "scaled": lambda events: scaled(events, 7),
    "higher": lambda events: moved(events, 5_000),
    "lower": lambda events: moved(events, -777),
    "later": later,
    "mirrored": mirror,
}


# -- the streams are rich enough ------------------------------------------------------------------------


def values_on(tables: Tables, engine: ModuleType, feed: str) -> np.ndarray:
    """All rows of the streams with this feed, and of the one that counts sessions."""
    names = [name for name in STREAMS if name.endswith(feed) or name == "sessions"]
    return np.concatenate([tables.rows(engine, name)[1] for name in names])


@pytest.mark.parametrize("feed", ["levels", "orders"])
def test_every_feature_has_values(engine, tables, feed):
    never = ~np.isfinite(values_on(tables, engine, feed)).any(axis=0)
    assert [name for name, missing in zip(NAMES, never, strict=True) if missing] == []


def every_event(engine: ModuleType) -> None:
    if engine.ENGINE != "rust":
        pytest.skip("the Python engine has rows at every ninth print only")


@pytest.mark.parametrize("feed", ["levels", "orders"])
def test_no_feature_stands_still(engine, tables, feed):
    """Each takes more than one value, and one that is not 0; the probability of informed trading is fitted, a constant."""
    every_event(engine)
    values = values_on(tables, engine, feed)
    moving = (np.nanmax(values, axis=0) > np.nanmin(values, axis=0)) & (np.nan_to_num(values) != 0).any(
        axis=0
    )
    assert [name for name, moves in zip(NAMES, moving, strict=True) if not moves] == ["pin_60"]


def test_flipping_features_are_seen_on_either_side(engine, tables):
    every_event(engine)
    values = np.concatenate([values_on(tables, engine, feed) for feed in ("levels", "orders")])
    flips = [k for k, name in enumerate(NAMES) if INFO[name].swap_sides == "flips"]
    assert [NAMES[k] for k in flips if not ((values[:, k] > 0).any() and (values[:, k] < 0).any())] == []


# -- the laws -------------------------------------------------------------------------------------------


@every_stream
def test_swapping_sides(engine, tables, stream):
    direct, mirrored = (tables.rows(engine, stream, change)[1] for change in ("none", "mirrored"))
    signs = {name: -1 if f.swap_sides == "flips" else 1 for name, f in INFO.items() if f.swap_sides}
    expected = {name: sign * direct[:, NAMES.index(name)] for name, sign in signs.items()}
    for name, (twin, sign) in TWINS.items():
        expected[name] = sign * direct[:, NAMES.index(twin)]
        expected[twin] = sign * direct[:, NAMES.index(name)]
    for name, whole in COMPLEMENTS.items():
        expected[name] = whole - direct[:, NAMES.index(name)]
    assert len(expected) > 0.75 * len(NAMES)
    for name, column in expected.items():
        found = mirrored[:, NAMES.index(name)]
        np.testing.assert_allclose(found, column, rtol=1e-9, atol=1e-9, err_msg=name)


@every_stream
def test_scaling_sizes(engine, tables, stream):
    direct, found = (tables.rows(engine, stream, change)[1] for change in ("none", "scaled"))
    for name, power in POWERS.items():
        k = NAMES.index(name)
        # Square roots are rounded to fixed point, so flow_sqrt_imb_1m is exact to about 1e-10 only.
        tolerance = 1e-8 if name == "flow_sqrt_imb_1m" else 1e-9
        np.testing.assert_allclose(
            found[:, k], 7**power * direct[:, k], rtol=tolerance, atol=tolerance * 1e-3, err_msg=name
        )


@every_stream
def test_shifting_time_changes_nothing(engine, tables, stream):
    (times, direct), (after, found) = (tables.rows(engine, stream, change) for change in ("none", "later"))
    np.testing.assert_array_equal(after - times, LATER)
    assert found.tobytes() == direct.tobytes()


@every_stream
@pytest.mark.parametrize("change", ["higher", "lower"])
def test_shifting_prices_changes_only_returns(engine, tables, stream, change):
    direct, found = (tables.rows(engine, stream, c)[1] for c in ("none", change))
    for k, name in enumerate(NAMES):
        if name not in RELATIVE_TO_PRICE:
            np.testing.assert_allclose(found[:, k], direct[:, k], rtol=1e-7, atol=1e-8, err_msg=name)


@every_stream
def test_nothing_later_is_seen(engine, tables, stream):
    """Cutting the stream leaves every row before the cut as it is, bit for bit."""
    whole = tables.rows(engine, stream)
    events = tables.streams[stream]
    for cut in (len(events) // 3, len(events) - 37):
        times, values = tables.run(engine, stream, events[:cut])
        n = len(times)
        assert n > 0
        assert times.tobytes() == whole[0][:n].tobytes()
        assert values.tobytes() == np.ascontiguousarray(whole[1][:n]).tobytes()
