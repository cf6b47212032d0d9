"""Importers on recorded sets: the counts that their descriptions state."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from quantumtrader import FeatureEngine, engine
from quantumtrader.cli.main import app
from quantumtrader.config import InstrumentSettings, Settings, load_settings
from quantumtrader.data.importers import Options
from quantumtrader.data.source import load_events
from quantumtrader.exceptions import DataError
from quantumtrader.features import read_features
from quantumtrader.training.pipelines import Recording
from quantumtrader.types import PX_NONE, Flag, Kind, Phase

SharedData = Callable[[str], Path]


def research(**instruments: dict[str, object]) -> Settings:
    return Settings.model_construct(
        instruments={name: InstrumentSettings(**values) for name, values in instruments.items()}  # type: ignore[arg-type]
    )


def test_dol_ticks(shared_data: SharedData) -> None:
    loaded = load_events(shared_data("b3_dol_ticks_20200402"), "DOLK20", sessions=False)
    events = loaded.events
    trades = events[events["kind"] == Kind.TRADE]
    assert (len(events), len(trades), int(trades["size"].sum())) == (63_632, 33_118, 305_990)
    assert loaded.rejected == []
    assert (trades["size"] % 5 == 0).all()
    quotes = events[events["kind"] == Kind.QUOTE]
    assert ((quotes["px"] == PX_NONE) & (quotes["px_ask"] == PX_NONE)).sum() == 3  # the rows of zeros
    assert (trades["side"] == 0).sum() == 133  # the opening auction, while the quote was crossed


def test_dol_sessions(shared_data: SharedData) -> None:
    loaded = load_events(shared_data("b3_dol_ticks_20200402"), "DOLK20")
    markers = loaded.events[loaded.events["kind"] == Kind.SESSION]
    assert markers["action"].tolist() == [Phase.CLOSED, Phase.OPEN, Phase.CLOSED]
    assert (np.diff(loaded.events["ts_recv"]) >= 0).all()
    assert (np.diff(loaded.events["sequence"]) == 1).all()


@pytest.mark.parametrize(
    ("name", "symbol", "bars", "tick"),
    [
        ("WDO_5min_2018_2019_mt5.csv", "WDO$", 51_015, 0.01),
        ("WDOK20_1min_202004_mt5.csv", "WDOK20", 3_769, 0.5),
        ("WDO_1min_2021_2022_profit.csv", "WDOFUT", 27_096, 0.001),
        ("WDOFUT_F_0_5min_profit.csv", "WDOFUT", 24_915, 0.001),
        ("WINFUT_F_0_5min_profit.csv", "WINFUT", 11_582, 1.0),
    ],
)
def test_b3_bars(shared_data: SharedData, name: str, symbol: str, bars: int, tick: float) -> None:
    loaded = load_events(shared_data("b3_wdo_win_bars") / name, symbol, sessions=False)
    assert (len(loaded.events), loaded.instrument.tick_size, loaded.rejected) == (bars, tick, [])
    assert ((loaded.events["flags"] & Flag.ADJUSTED) != 0).all() == (tick != 0.5)
    assert (np.diff(loaded.events["id"]) > 0).all()


def test_eurusd_minutes(shared_data: SharedData) -> None:
    """Found by its columns; weeks of five sessions that turn at 17:00 in New York, none on a Saturday."""
    root = Path(__file__).resolve().parents[2]
    settings = load_settings(root / "examples" / "research.toml")
    found = Recording.open(
        shared_data("eurusd_m1_2017_2019") / "eurusd_m1.parquet", "EURUSD", settings
    ).survey()
    assert (found.events, found.kinds, found.bar_ns) == (978_427, ("BAR",), 60 * 10**9)
    weekdays = (found.days + 3) % 7  # 1970-01-01 was a Thursday
    assert (len(found.days), (weekdays == 5).sum(), (weekdays == 6).sum()) == (701, 0, 1)


def test_a_folder_of_several_files_asks_which(shared_data: SharedData) -> None:
    folder = shared_data("b3_wdo_win_bars")
    assert len(load_events(folder, "WDOK20", sessions=False).events) == 3_769
    with pytest.raises(DataError, match=r"several data sets .*none starts with WDOU25. Name the file"):
        load_events(folder, "WDOU25")


def test_one_minute_bars_agree_with_the_ticks(shared_data: SharedData) -> None:
    """WDO bars and DOL ticks of one day: two instruments, one market, the same prices within a point or two."""
    ticks = load_events(shared_data("b3_dol_ticks_20200402"), "DOLK20", sessions=False).events
    bars = load_events(shared_data("b3_wdo_win_bars"), "WDOK20", sessions=False).events
    trades = ticks[ticks["kind"] == Kind.TRADE]
    last = np.searchsorted(trades["ts_event"], bars["ts_event"], side="left") - 1
    same_day = (last > 0) & (bars["ts_event"] <= trades["ts_event"][-1])
    away = np.abs(trades["px"][last[same_day]] - bars["ref_b"][same_day])
    assert same_day.sum() > 400
    assert np.median(away) <= 2


def test_lobster_amzn(shared_data: SharedData) -> None:
    settings = research(AMZN={"tick_size": 0.01, "point_value": 1.0, "currency": "USD"})
    loaded = load_events(
        shared_data("lobster_amzn_l1_day"),
        "AMZN",
        settings,
        options=Options(date=date(2012, 6, 21)),
        sessions=False,
    )
    events = loaded.events
    trades = events[events["kind"] == Kind.TRADE]
    hidden = (trades["flags"] & Flag.HIDDEN) != 0
    assert (int((~hidden).sum()), int(hidden.sum()) + len(loaded.rejected)) == (8_974, 2_445)
    # Every visible trade is at the touch that was in force before it.
    is_quote = events["kind"] == Kind.QUOTE
    before = np.maximum.accumulate(np.where(is_quote, np.arange(len(events)), -1))
    visible = np.flatnonzero((events["kind"] == Kind.TRADE) & ((events["flags"] & Flag.HIDDEN) == 0))
    quote = events[before[visible]]
    buys = events["side"][visible] == 1
    assert (np.where(buys, quote["px_ask"], quote["px"]) == events["px"][visible]).all()


def test_binance_counts(shared_data: SharedData) -> None:
    given = {"tick_size": 0.1, "point_value": 1.0, "currency": "USDT", "size_step": 0.001, "timezone": "UTC"}
    settings = research(BTCUSDT=given)
    loaded = load_events(shared_data("binance_l2_20240808"), "BTCUSDT", settings)
    kinds, counts = np.unique(loaded.events["kind"], return_counts=True)
    # 443 521 depth rows: 259 are in the snapshot, some messages have no levels; 2 002 records of the snapshot
    assert dict(zip(kinds.tolist(), counts.tolist(), strict=True)) == {1: 21_313, 2: 66_089, 3: 445_264, 5: 1}
    assert loaded.rejected == []


def test_import_and_validate_commands(shared_data: SharedData, tmp_path: Path) -> None:
    run = CliRunner()
    source, lake = str(shared_data("b3_dol_ticks_20200402")), str(tmp_path / "lake")
    done = run.invoke(app, ["import", source, "--symbol", "DOLK20", "--out", lake, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"] == {"trades": 33_118, "quotes": 30_514}
    again = run.invoke(app, ["import", source, "--symbol", "DOLK20", "--out", lake, "--json"])
    assert again.exit_code == 1
    assert "--overwrite" in json.loads(again.stdout)["error"]["message"]
    checked = run.invoke(app, ["validate", lake, "--symbol", "DOLK20", "--json"])
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.stdout)["report"]["events"] == 63_632
    assert load_events(lake, "DOLK20").events.tobytes() == load_events(source, "DOLK20").events.tobytes()


@pytest.mark.parametrize(("clock", "names"), [("1s", "all"), ("event", "tick_only")])
def test_features_of_a_file_are_those_of_the_engine(
    shared_data: SharedData, tmp_path: Path, clock: str, names: str
) -> None:
    """A day of DOL from its raw file to a feature file, checked, against the engine over all events at once."""
    folder, out = shared_data("b3_dol_ticks_20200402"), tmp_path / "dol.parquet"
    if engine().name == "python":  # a day of everything, or of every event, takes that engine too long
        names, clock = ("order_flow", clock) if names == "all" else (names, "100trades")
    runner = CliRunner()
    arguments = [
        "features",
        "compute",
        "-i",
        folder,
        "-s",
        "DOLK20",
        "--set",
        names,
        "--clock",
        clock,
        "-o",
        out,
    ]
    result = runner.invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    done = json.loads(result.stdout)
    loaded = load_events(folder, "DOLK20")
    expected = FeatureEngine(names, loaded.instrument, clock).run(loaded.events)
    frame = read_features(out)
    assert (done["events"], done["rows"]) == (len(loaded.events), len(expected))
    assert frame.values.tobytes() == expected.values.tobytes()
    assert frame.times.tobytes() == expected.times.tobytes()
    assert frame.metadata == {**expected.metadata, "tail_s": "60"}
    if clock == "1s":
        # The day has one silence of three minutes after the opening, and nothing else to complain about.
        result = runner.invoke(app, ["features", "check", str(out), "-i", str(folder), "--json"])
        assert result.exit_code == 0, result.output
        found = json.loads(result.stdout)
        assert found["recomputed"]["equal"]
        reasons = {c["reason"] for c in found["guards"]["counts"]}
        assert reasons <= {"warmup", "missing", "frozen_feed", "frozen_input"}
