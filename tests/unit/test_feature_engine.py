"""The user's engine: sets, frames, metadata, streaming and batch."""

from __future__ import annotations

import dataclasses
import pickle
from datetime import date, time

import numpy as np
import pytest

import quantumtrader
from quantumtrader import FeatureEngine, FeatureInfo, Instrument, Kind, features
from quantumtrader import engine as engine_in_force
from quantumtrader.exceptions import (
    ConfigError,
    UnknownFeatureError,
    UnknownInstrumentError,
    UnsortedEventsError,
)
from quantumtrader.features import DetectorSettings
from quantumtrader.types import Flag, SessionHours
from reference.flows import as_events, many_sessions, random_flow
from reference.scripts import BID, MS, Script

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)


@pytest.fixture(scope="module")
def events():
    return random_flow(3, 400, "levels", markers=False, calm=True)


def test_catalogue_is_frozen_and_complete():
    entries = features.catalogue()
    assert {f.name for f in entries if f.family == "order_flow"} == {
        f.name for f in entries if f.number <= 40
    }
    assert [f.number for f in entries if f.family == "order_flow"] == list(range(1, 41))
    assert isinstance(entries[0], FeatureInfo)
    with pytest.raises(dataclasses.FrozenInstanceError):
        entries[0].name = "other"
    assert features.info("flow_ofi_1m").range == (-1.0, 1.0)
    assert features.info("book_ofi_1m").inputs == ("L1",)
    assert len(features.catalogue_hash()) >= 16


def test_sets():
    by_name = {f.name: f for f in features.catalogue()}
    assert len(features.resolve("order_flow")) == 40
    assert features.resolve("all") == tuple(by_name)
    assert {by_name[n].family for n in features.resolve("technical")} == {"technical"}
    assert all(by_name[n].inputs == ("B",) for n in features.resolve("bars"))
    tick_only = features.resolve("tick_only")
    assert all({"L1", "L2", "L3"}.isdisjoint(by_name[n].inputs) for n in tick_only)
    assert "flow_ofi_1m" in tick_only
    assert "book_ofi_1m" not in tick_only
    assert features.resolve("va_width") == ("va_width",)
    assert features.resolve(["va_width", "ret_1"]) == ("va_width", "ret_1")


def test_a_wrong_name_offers_the_right_one():
    with pytest.raises(
        UnknownFeatureError, match='no feature "flow_ofi_2m" in the catalogue; did you mean flow_ofi_'
    ):
        FeatureEngine(["flow_ofi_2m"], WDO)
    with pytest.raises(UnknownFeatureError, match=r'no feature "hmarl" in the catalogue'):
        features.info("hmarl")


def test_wrong_settings_are_refused():
    with pytest.raises(ConfigError, match='clock "daily" is not known; use "event", "bar"'):
        FeatureEngine("order_flow", WDO, clock="daily")
    with pytest.raises(ConfigError, match=r"tick_size is 0\.0; expected a positive number"):
        FeatureEngine("order_flow", Instrument("X", "X", tick_size=0.0, point_value=1.0))
    with pytest.raises(ConfigError, match="names is empty"):
        FeatureEngine([], WDO)


def test_run_gives_a_frame_that_says_where_it_comes_from(events):
    computing = FeatureEngine("order_flow", WDO, clock="10s")
    frame = computing.run(events)
    assert frame.names == features.resolve("order_flow")
    assert frame.values.shape == (len(frame.times), 40)
    assert (np.diff(frame.times) == 10 * 10**9).all()
    assert frame.metadata == {
        "symbol": "WDOU25",
        "clock": "10s",
        "warmup": "full",
        "rlp_sign": "drop",
        "session_seconds": "unknown",
        "engine": engine_in_force().name,
        "version": quantumtrader.__version__,
        "catalogue": features.catalogue_hash(),
        "manifest": computing.manifest.to_json(),
    }
    assert np.isfinite(frame["flow_ofi_1m"]).any()


def test_frame_reaches_arrow_and_pandas(events):
    frame = FeatureEngine(["cvd_session", "spread_ticks"], WDO, clock="1m").run(events)
    table = frame.to_arrow()
    assert table.column_names == ["ts", "cvd_session", "spread_ticks"]
    assert table.schema.metadata[b"symbol"] == b"WDOU25"
    pandas = frame.to_pandas()
    assert str(pandas.index.tz) == "UTC"
    np.testing.assert_array_equal(pandas["cvd_session"], frame["cvd_session"])


def test_streaming_equals_run(events):
    batch = FeatureEngine("all", WDO, clock="event")
    frame = batch.run(events)
    assert len(frame) > 0
    stream = FeatureEngine("all", WDO, clock="event")
    due = [stream.update(e) for e in events]
    taken, counts = stream.take_counted()
    assert taken.values.tobytes() == frame.values.tobytes()
    assert sum(due) == len(frame)
    assert counts[-1] <= len(events)
    assert stream.now_ns == events["ts_event"].max()
    assert stream.snapshot().shape == (len(stream.names),)
    # run() starts anew, whatever came before.
    assert stream.run(events).values.tobytes() == frame.values.tobytes()
    stream.reset()
    assert len(stream.take()) == 0


def test_unsorted_events_are_refused(events):
    backwards = events[::-1].copy()
    with pytest.raises(UnsortedEventsError, match=r"runs backwards at event 1: .* after .*Sort the events"):
        FeatureEngine("order_flow", WDO).run(backwards)


def test_a_symbol_stands_for_its_instrument():
    assert FeatureEngine("bars", "WDOU25").instrument.tick_size == 0.5
    with pytest.raises(UnknownInstrumentError):
        FeatureEngine("bars", "NOTHING1")


def test_the_hours_of_the_instrument_are_the_length_of_its_session(engine, events):
    hours = (
        SessionHours(date(2018, 1, 2), time(9), time(18, 15)),
        SessionHours(date(2024, 1, 2), time(9), time(18, 30)),
    )
    wdo = dataclasses.replace(WDO, hours=hours)
    assert wdo.session_seconds() == 34_200
    assert wdo.session_seconds(date(2023, 12, 29)) == 33_300
    assert wdo.session_seconds(date(2017, 12, 29)) is None
    overnight = dataclasses.replace(WDO, hours=(SessionHours(date(2000, 1, 1), time(17), time(16)),))
    assert overnight.session_seconds() == 23 * 3_600

    start = events["ts_event"][0]
    for instrument, day, seconds in ((wdo, None, 34_200), (wdo, date(2020, 3, 2), 33_300)):
        frame = FeatureEngine(["session_frac"], instrument, clock="1m", day=day).run(events)
        np.testing.assert_allclose(frame["session_frac"], (frame.times - start) / 1e9 / seconds, rtol=1e-14)
        assert frame["session_frac"][0] == 60 / seconds
        assert frame.metadata["session_seconds"] == str(seconds)
    assert np.isnan(FeatureEngine(["session_frac"], WDO, clock="1m").run(events)["session_frac"]).all()

    short = engine.FeatureEngine(["session_frac"], 0.5, 10.0, "1m", session_seconds=90)
    for core in (short, pickle.loads(pickle.dumps(short))):
        core.update_many(events)
        np.testing.assert_array_equal(core.take()[1][:3, 0], [60 / 90, 1.0, 1.0])


def test_a_session_begins_without_the_value_of_the_one_before(engine):
    core = engine.FeatureEngine(["corwin_schultz_30m"], 0.5, 10.0, "event")
    core.update_many(many_sessions(1, 2, minutes=35))
    times, values, *_ = core.take()
    second = np.searchsorted(times, times[0] + 12 * 3_600 * 10**9)
    assert values[second - 1, 0] > 0
    assert np.isnan(values[second : second + 30, 0]).all()


@pytest.mark.parametrize(("flag", "cancelled"), [(0, 0.0), (Flag.HIDDEN, 5 / 110)])  # the book opens with 100
def test_a_hidden_print_explains_no_removal(engine, flag, cancelled):
    s = Script("orders")
    ident = s.add(1, BID, 10)
    s.trade(-1, BID, 5, flags=int(flag))
    s.wait(10 * MS).edit(ident, 5)
    core = engine.FeatureEngine(["cancel_ratio_1m"], 0.5, 10.0, "event", "partial")
    core.update_many(s.timer(MS).events())
    assert core.take()[1][-1, 0] == pytest.approx(cancelled)


def test_repr_is_short():
    assert repr(FeatureEngine("order_flow", WDO)) == "FeatureEngine(40 features, WDOU25, clock='100ms')"


def test_hand_computed_minute():
    """Four prints, two touches: every number below is worked out by hand."""
    s = 10**9
    rows = [
        {"kind": Kind.QUOTE, "t": 0, "px": 100, "size": 10, "px_ask": 101, "size_ask": 20},
        {"kind": Kind.TRADE, "t": 10 * s, "px": 101, "size": 6, "side": 1},
        {"kind": Kind.QUOTE, "t": 10 * s, "px": 100, "size": 10, "px_ask": 101, "size_ask": 14},
        {"kind": Kind.TRADE, "t": 20 * s, "px": 100, "size": 2, "side": -1},
        {"kind": Kind.QUOTE, "t": 30 * s, "px": 100, "size": 13, "px_ask": 101, "size_ask": 9},
        {"kind": Kind.TRADE, "t": 40 * s, "px": 102, "size": 4, "side": 1},
        {"kind": Kind.TRADE, "t": 50 * s, "px": 101, "size": 1, "side": 0},
        {"kind": Kind.QUOTE, "t": 60 * s, "px": 101, "size": 5, "px_ask": 102, "size_ask": 8},
    ]
    events = as_events(
        [{k: v for k, v in r.items() if k != "t"} | {"ts_event": r["t"], "ts_recv": r["t"]} for r in rows]
    )
    names = [
        "flow_ofi_1m", "delta_1m", "cvd_session", "flow_count_imb_1m", "aggression_buy_1m", "book_ofi_1m",
        "book_ofi_norm_1m", "limit_flow_imb_1m", "poc_distance", "va_width", "vwap_distance", "spread_ticks",
        "flow_volume_imbalance", "bar_range", "weighted_mid_dev", "flow_ofi_5m",
    ]  # fmt: skip
    frame = FeatureEngine(names, WDO, clock="event").run(events)
    assert frame.times[-1] == 60 * s
    assert np.isnan(frame["flow_ofi_1m"][:-1]).all()
    last = dict(zip(names, frame.values[-1].tolist(), strict=True))
    assert last["flow_ofi_1m"] == (10 - 2) / 12
    assert last["delta_1m"] == last["cvd_session"] == 8
    assert last["flow_count_imb_1m"] == pytest.approx(1 / 3)
    assert last["aggression_buy_1m"] == 10 / 60
    # e: ask 20 → 14 is +6; bid +3 and ask −5 is +8; both up one: bid +5, ask leaves 9 is +9, so +14.
    assert last["book_ofi_1m"] == 6 + 8 + 14
    # Depths after the updates: (10+14)/2, (13+9)/2, (5+8)/2.
    assert last["book_ofi_norm_1m"] == pytest.approx(28 / ((12 + 11 + 6.5) / 3))
    # Ask −6 is explained by the print of 6. Then bid +3, ask −5 cancelled (no print at 101 within 50 ms), bid +5,
    # ask at 101 of 9 cancelled. N = (3 + 5) + (5 + 9), G the same: nothing but support for the bid.
    assert last["limit_flow_imb_1m"] == 1.0
    # Rows: 100:2, 101:7, 102:4. POC 101; 7 of 13 is under 70 %; above 4 against below 2 → 101..102, 11 of 13.
    assert last["poc_distance"] == 101.5 - 101
    assert last["va_width"] == 1
    assert last["vwap_distance"] == pytest.approx(101 - (200 + 707 + 408) / 13)
    assert last["spread_ticks"] == 1
    # The first bar [0, 60 s) closes at the last event.
    assert last["flow_volume_imbalance"] == (10 - 2) / 12
    assert last["bar_range"] == 2
    # (101·8 + 102·5)/13 − 101.5
    assert last["weighted_mid_dev"] == pytest.approx(1318 / 13 - 101.5)
    assert np.isnan(last["flow_ofi_5m"])


@pytest.mark.parametrize("day", ["2025-07-01", 20250701])
def test_a_day_that_is_no_date_is_refused(day):
    with pytest.raises(ConfigError, match="day is"):
        FeatureEngine(["cvd_session"], WDO, day=day)


def test_nonsense_is_refused_in_words() -> None:
    wdo = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)
    for given, message in (
        ({"fitted": 5}, "fitted is 5; give a Fitted, or the path"),
        ({"fitted": [5]}, r"fitted is \[5\]; give a Fitted"),
        ({"detect": 5}, 'detect is 5; give "all"'),
        ({"detect": [5]}, r'detect is \[5\]; give "all"'),
        ({"detectors": {"spoof_factor": 5}}, "give DetectorSettings"),
    ):
        with pytest.raises(ConfigError, match=message):
            FeatureEngine(["cvd_session"], wdo, **given)
    manifest = FeatureEngine(["cvd_session"], wdo).manifest
    with pytest.raises(ConfigError, match="expected a FeatureEngine, got NoneType"):
        manifest.require(None)
    with pytest.raises(ConfigError, match="expected a FeatureManifest, got str"):
        manifest.check("x")
    with pytest.raises(ConfigError, match='setting "nothing" is not known'):
        DetectorSettings.of({"nothing": 1})
