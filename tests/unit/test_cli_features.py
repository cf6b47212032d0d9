"""``quantumtrader features``: what it lists, computes, checks and draws, and how it says no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from quantumtrader import FeatureEngine, FeatureFrame, core, empty_events, features
from quantumtrader.cli import choices
from quantumtrader.cli import main as cli
from quantumtrader.data.contracts import instrument
from quantumtrader.data.lake import Lake
from quantumtrader.data.source import load_events
from quantumtrader.features import FeatureManifest, read_features
from quantumtrader.types import Kind

runner = CliRunner()
WDO = "WDOU25"


def run(*arguments: object, code: int = 0) -> Any:
    result = runner.invoke(cli.app, ["features", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if "--json" in arguments else result


def refused(*arguments: object) -> str:
    """The words of a command that is wrong usage."""
    return str(run(*arguments, "--json", code=2)["error"]["message"])


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    with Lake(root).writer(instrument(WDO), source="test") as writer:
        writer.add(core().generate_session(seed=6, max_events=20_000))
    return root


@pytest.fixture
def file(lake: Path, tmp_path: Path) -> Path:
    path = tmp_path / "f.parquet"
    run(
        "compute",
        "-i",
        lake,
        "-s",
        WDO,
        "-f",
        "hmarl_ofi_1m,cvd_session",
        "-f",
        "spread_ticks",
        "--clock",
        "1s",
        "-o",
        path,
    )
    return path


def changed(path: Path, change: object) -> Path:
    """A copy of a file with other values and the old manifest."""
    frame = read_features(path)
    values = frame.values.copy()
    change(values)  # type: ignore[operator]
    out = path.with_name("changed.parquet")
    pq.write_table(FeatureFrame(frame.names, frame.times, values, frame.metadata).to_arrow(), out)
    return out


def test_list_by_set_and_words() -> None:
    listed = run("list", "--set", "tick_only", "--json")
    assert tuple(f["name"] for f in listed) == features.resolve("tick_only")
    assert {f["name"] for f in run("list", "--search", "HMARL_OFI", "--json")} == {
        "flow_ofi_1m",
        "flow_ofi_5m",
        "flow_ofi_15m",
    }
    [found] = run("list", "--set", "delta_divergence", "--search", "_15m", "--json")
    assert found["name"] == "delta_divergence_15m"
    assert "order_flow_imbalance" in run("list", "--family", "order_flow").stdout
    assert "no feature fits" in run("list", "--search", "nothing at all", code=1).stderr


def test_show_takes_any_name() -> None:
    shown = run("show", "hmarl_ofi_1m", "--json")
    assert shown["name"] == "flow_ofi_1m"
    assert shown["aliases"] == ["hmarl_ofi_1m", "order_flow_imbalance"]
    assert "hmarl" in shown["sets"]
    assert shown["unchanged_limit_s"] == 600
    text = run("show", "rsi_14").stdout
    assert "0 … 100" in text
    assert "did you mean flow_ofi_1m" in refused("show", "flow_ofi_1")
    assert run("show", "delta_divergence_5m", "--json")["unchanged_limit_s"] is None  # no limit


def test_compute_gives_what_the_engine_gives(lake: Path, tmp_path: Path) -> None:
    out = tmp_path / "sub" / "f.parquet"
    done = run("compute", "-i", lake, "-s", WDO, "--set", "tick_only", "--clock", "1s", "-o", out, "--json")
    loaded = load_events(lake, WDO)
    engine = FeatureEngine("tick_only", loaded.instrument, "1s")
    expected = engine.run(loaded.events)
    frame = read_features(out)
    assert frame.values.tobytes() == expected.values.tobytes()
    assert frame.metadata == {**expected.metadata, "tail_s": "60"}
    assert (done["rows"], done["events"]) == (len(expected), len(loaded.events))
    assert done["manifest"] == FeatureManifest.of_frame(frame).hash == engine.manifest.hash
    assert done["events_per_second"] > 0
    assert done["peak_rss_bytes"] is None or done["peak_rss_bytes"] > 10**7
    assert done["bytes"] == out.stat().st_size


def test_compute_tells_people_as_well(lake: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.parquet"
    text = run("compute", "-i", lake, "-s", WDO, "-f", "cvd_session", "-o", out, "--clock", "50trades").stdout
    for word in ("1 features", "events/s", "peak memory", "manifest", "f.parquet"):
        assert word in text
    again = run("compute", "-i", lake, "-s", WDO, "-f", "cvd_session", "-o", out, code=1)
    assert "is there already. Replace it with --overwrite" in again.stderr
    run("compute", "-i", lake, "-s", WDO, "-f", "cvd_session", "-o", out, "--overwrite")


def test_compute_tells_of_rows_after_the_recording(tmp_path: Path) -> None:
    rows = "".join(f"2025-08-14 09:{i:02},5400,5401,5399,5400.5,7\n" for i in range(30))
    source = tmp_path / "export.csv"
    source.write_text(f"timestamp,open,high,low,close,volume\n{rows}", "utf-8")
    out = tmp_path / "f.parquet"
    arguments = ("compute", "-i", source, "-s", WDO, "-f", "rsi_14", "--clock", "10s", "-o", out)
    done = run(*arguments, "--keep-tail", "--json")
    assert done["tail_rows"] > 1_000
    assert any("with nothing behind them" in note for note in done["notes"])
    less = run(*arguments, "--overwrite", "--json")
    assert less["rows"] == done["rows"] - done["tail_rows"]
    assert any("--keep-tail writes them" in note for note in less["notes"])
    checked = run("check", out, "-i", source, "--json")
    assert checked["recomputed"]["equal"]
    assert not any(f["check"] in ("frozen", "stale") for f in checked["findings"])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "give either --set or --features"),
        (("--set", "all", "-f", "cvd_session"), 2, "give either --set or --features"),
        (("--set", "nonsense"), 2, "'nonsense' is not known; use one of all, tick_only"),
        (("-f", ","), 2, "names no feature"),
        (("-f", "cvd_session", "--clock", "0ms"), 2, "a time step above zero"),
        (("-f", "cvd_sesion"), 2, "did you mean cvd_session"),
        (("-f", "cvd_session,cvd_session"), 2, "is given twice"),
    ],
)
def test_compute_says_what_is_wrong(
    arguments: tuple[str, ...], code: int, message: str, lake: Path, tmp_path: Path
) -> None:
    out = tmp_path / "f.parquet"
    result = runner.invoke(
        cli.app, ["features", "compute", "-i", str(lake), "-s", WDO, "-o", str(out), *arguments]
    )
    assert result.exit_code == code
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert not out.exists()


def test_check_of_a_file_as_it_should_be(file: Path, lake: Path) -> None:
    found = run("check", file, "--reference", file, "--input", lake, "--json")
    assert found["valid"]
    assert found["recomputed"]["equal"]
    assert found["recomputed"]["exact"]
    assert found["manifest"]["names"] == ["hmarl_ofi_1m", "cvd_session", "spread_ticks"]
    assert found["guards"]["rows"] == found["report"]["rows"] > 0
    assert [d["psi"] for d in found["report"]["drift"]] == [0, 0, 0]
    text = run("check", file).stdout
    assert "3 features on the clock 1s" in text
    assert text.endswith("valid\n")


def test_check_of_values_that_cannot_be(file: Path, lake: Path) -> None:
    def spoil(values: np.ndarray) -> None:
        values[100, 0] = 1.5
        values[101, 1] = np.inf

    path = changed(file, spoil)
    found = run("check", path, "--json", code=3)
    assert not found["valid"]
    assert {(f["check"], f["feature"]) for f in found["findings"] if f["severity"] == "error"} == {
        ("range", "hmarl_ofi_1m"),
        ("infinite", "cvd_session"),
    }
    found = run("check", path, "-i", lake, "--json", code=3)
    assert [(d["name"], d["first_row"]) for d in found["recomputed"]["differences"]] == [
        ("hmarl_ofi_1m", 100),
        ("cvd_session", 101),
    ]
    assert run("check", path, code=3).stdout.endswith("invalid\n")


def test_check_of_a_value_that_was_changed_a_little(file: Path, lake: Path) -> None:
    def touch(values: np.ndarray) -> None:
        values[150, 1] += 1

    path = changed(file, touch)
    run("check", path)
    text = " ".join(run("check", path, "-i", lake, code=3).stdout.split())
    assert "recomputed" in text


def test_check_of_a_feed_that_froze(file: Path) -> None:
    def freeze(values: np.ndarray) -> None:
        values[150:] = values[150]

    path = changed(file, freeze)
    found = run("check", path, "--json", code=3)
    frozen = [f for f in found["findings"] if f["check"] == "frozen_feed"]
    assert frozen[0]["severity"] == "error"
    assert "hmarl_ofi_1m" in frozen[0]["feature"]
    found = run("check", path, "--frozen-share", "1", "--json")  # no share is too much
    assert {f["severity"] for f in found["findings"] if f["check"] == "frozen_feed"} == {"warning"}


def test_check_against_other_features(file: Path, lake: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    run(
        "compute",
        "-i",
        lake,
        "-s",
        WDO,
        "-f",
        "cvd_session,hmarl_ofi_1m,spread_ticks",
        "-o",
        other,
        "--clock",
        "2s",
    )
    found = run("check", file, "--reference", other, "--json", code=3)
    messages = [f["message"] for f in found["findings"] if f["check"] == "manifest"]
    assert messages == [
        "another order: column 0 is hmarl_ofi_1m, expected cvd_session",
        "clock is 1s, expected 2s",
    ]


def test_check_with_a_recording_read_as_another_symbol(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with Lake(other).writer(instrument("WDOV25"), source="test") as writer:
        writer.add(core().generate_session(seed=6, max_events=20_000))
    found = run("check", file, "-i", other, "-s", "WDOV25", "--json")
    assert [(f["severity"], f["message"]) for f in found["findings"] if f["check"] == "symbol"] == [
        ("warning", "the file is of WDOU25, and was compared with the recording read as WDOV25")
    ]


def test_check_of_a_replay(lake: Path, tmp_path: Path) -> None:
    """What a replay records is what the recording gives; it ends where the recording does."""
    result = runner.invoke(
        cli.app, ["replay", "-i", str(lake), "-s", WDO, "-o", str(tmp_path), "--clock", "1s"]
    )
    assert result.exit_code == 0, result.output
    found = run("check", tmp_path / "features.parquet", "-i", lake, "--json")
    assert found["recomputed"]["equal"]


def test_check_says_what_is_wrong(tmp_path: Path, lake: Path) -> None:
    assert "no such file" in run("check", tmp_path / "none.parquet", code=1).stderr
    bad = tmp_path / "bad.parquet"
    bad.write_text("no parquet")
    assert "not readable as Parquet" in run("check", bad, code=3).stderr
    assert run("check", bad, "--json", code=3)["error"]["type"] == "DataFormatError"
    foreign = FeatureFrame(("mine",), np.arange(3), np.ones((3, 1)))
    pq.write_table(foreign.to_arrow(), bad)
    for more in ((), ("-i", lake), ("-i", lake, "-s", WDO)):
        found = run("check", bad, *more, "--json", code=3)
        assert found["manifest"] is None
        errors = [f["message"] for f in found["findings"] if f["severity"] == "error"]
        assert [message.split(":")[0] for message in errors] == ["the file carries no manifest"]


def test_check_of_features_whose_input_never_came(tmp_path: Path) -> None:
    """The recording makes the check stronger: with bars alone a flow of 0 is no flow."""
    bars = empty_events(240)
    bars["kind"], bars["size"], bars["sequence"] = int(Kind.BAR), 5, np.arange(240)
    bars["id"] = 1_755_259_200 * 10**9 + np.arange(240) * 60 * 10**9  # starts from 2025-08-15 12:00 UTC on
    bars["ts_event"] = bars["ts_recv"] = bars["id"] + 60 * 10**9
    for field in ("px", "px_ask", "ref_a", "ref_b"):
        bars[field] = 11_000 + np.arange(240) % 7
    lake, path = tmp_path / "lake", tmp_path / "f.parquet"
    with Lake(lake).writer(instrument(WDO), source="test") as writer:
        writer.add(bars)
    names = "flow_ofi_1m,book_imbalance_5,rsi_14"
    run("compute", "-i", lake, "-s", WDO, "-f", names, "--clock", "1m", "-o", path)
    found = run("check", path, "-i", lake, "--json", code=3)["findings"]
    assert {(f["severity"], f["feature"]) for f in found if f["check"] == "absent_input"} == {
        ("error", "flow_ofi_1m"),
        ("warning", "book_imbalance_5"),
    }


def test_a_recording_too_short_for_the_clock_gives_nothing_to_check(lake: Path, tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    run("compute", "-i", lake, "-s", WDO, "-f", "cvd_session", "--clock", "60m", "-o", path)
    text = run("check", path, code=3).stdout
    assert "there are no rows" in text


def test_plot(file: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib comes with the extra `plot`")
    out = tmp_path / "a.png"
    assert run("plot", file, "-f", "hmarl_ofi_1m,cvd_session", "-o", out, "--json")["features"] == [
        "hmarl_ofi_1m",
        "cvd_session",
    ]
    assert out.read_bytes().startswith(b"\x89PNG")
    svg = tmp_path / "c.svg"
    assert "c.svg" in run("plot", file, "--correlations", "--reference", file, "-o", svg).stdout
    assert svg.read_bytes().startswith(b"<?xml")
    run("plot", file, "--correlations", "-f", "cvd_session,spread_ticks", "-o", tmp_path / "d.png")
    assert "has no rsi_14" in run("plot", file, "-f", "rsi_14", "-o", out, "--overwrite", code=2).stderr
    run("plot", file, "-o", tmp_path / "a.txt", code=2)
    run("plot", file, "-o", out, "--reference", file, code=2)


def test_a_file_without_rows_is_not_valid(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    frame = FeatureEngine(["cvd_session"], WDO).run(empty_events())
    pq.write_table(frame.to_arrow(), path)
    assert "there are no rows: nothing was checked" in run("check", path, code=3).stdout


def test_rows_without_a_time_are_named(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    times = pa.array([1, None, 3], pa.timestamp("ns", "UTC"))
    pq.write_table(pa.table({"ts": times, "cvd_session": [1.0, 2.0, 3.0]}), path)
    assert "1 rows have no time, the first is row 1" in run("check", path, code=3).stderr


def test_dates_and_names_that_cannot_be_are_wrong_usage(lake: Path, tmp_path: Path) -> None:
    line = ("compute", "-i", lake, "-s", WDO, "-f", "cvd_session")
    days = ("--start", "2020-04-03", "--end", "2020-04-01")
    assert "--start 2020-04-03 is after --end 2020-04-01" in refused(
        *line, "-o", tmp_path / "f.parquet", *days
    )
    assert "f.csv is written as Parquet: end it with .parquet" in refused(*line, "-o", tmp_path / "f.csv")
    other = run(*line, "-o", tmp_path / "f.parquet", "--start", "2030-01-01", code=3)
    assert f"sessions there are {Lake(lake).dates(WDO)[0]}. The lake has" in other.stderr


def test_a_folder_is_no_file(lake: Path, tmp_path: Path) -> None:
    assert "is a folder. Name the Parquet file in it" in run("check", tmp_path, code=1).stderr
    compute = ("compute", "-i", lake, "-s", WDO, "-f", "cvd_session", "--clock", "1m", "-o", tmp_path)
    assert "is a folder. Name the file in it" in run(*compute, "--overwrite", code=1).stderr
    fitted = run(*compute[:-1], tmp_path / "x.parquet", "--fitted", tmp_path, code=1)
    assert "is a folder. Name the fit file in it" in fitted.stderr


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        ("1ns", "is too fine: a quiet minute would make 60,000,000,000 rows"),
        ("59us", "is too fine"),
        ("2562048h", "is more than 292 years"),
        ("99999999999999999999ms", "is more than 292 years"),
        ("99999999999999999999trades", "is more than 9223372036854775807 trades"),
    ],
)
def test_a_clock_that_no_engine_can_take_is_wrong_usage(clock: str, words: str, tmp_path: Path) -> None:
    line = ("compute", "-i", tmp_path / "none", "-s", WDO, "-f", "cvd_session", "-o", tmp_path / "f.parquet")
    assert words in refused(*line, "--clock", clock)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("flow_ofi_1m,flow_ofi_1m", "flow_ofi_1m is given twice"),
        ("cvd_session@10001", "looks 10001 rows back; at most 10000 are kept"),
        ("cvd_sesion", "did you mean cvd_session? All names: quantumtrader features list"),
        ("nope", 'no feature "nope" in the catalogue. All names: quantumtrader features list'),
    ],
)
def test_features_that_no_engine_computes_are_wrong_usage(names: str, words: str, tmp_path: Path) -> None:
    line = ("-i", tmp_path / "none", "-s", WDO, "-o", tmp_path / "f.parquet", "--json")
    assert words in refused("compute", *line, "-f", names)
    result = runner.invoke(cli.app, ["replay", *map(str, line), "--feature", names])
    assert (result.exit_code, words in json.loads(result.stdout)["error"]["message"]) == (2, True)


def test_a_file_without_permission_is_not_called_broken(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shut(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(pq, "read_table", shut)  # root may read every file
    for line in (("check", file), ("plot", file, "-o", file.with_suffix(".png"))):
        assert "may not be read. Check the permissions" in run(*line, code=1).stderr


@pytest.mark.parametrize(("days", "code"), [(0, 2), (10, 3)])
def test_a_quiet_stretch_is_no_damage_of_the_data(days: int, code: int, tmp_path: Path) -> None:
    bars, out = tmp_path / "bars.csv", tmp_path / "f.parquet"
    rows = (f"{1755165600 + k * 60 + (k // 20) * (days * 86_400 + 2_000)},5,5,5,5,1\n" for k in range(40))
    bars.write_text("timestamp,open,high,low,close,volume\n" + "".join(rows))
    own = ("--tick-size", 1, "--point-value", 1, "--currency", "USD", "--bar-seconds", 60, "--clock", "1ms")
    line = ("compute", "-i", bars, "-s", "X", "-f", "ret_1", "-o", out, *own, "--json")
    message = run(*line, code=code)["error"]["message"]
    # Days without anything, in a market that never closes, may be a garbled time.
    assert ("a quiet stretch of 2060 s makes" if code == 2 else "Check ts_event") in message
    assert not out.exists()


@pytest.mark.parametrize("clock", ["60us", "0100ms", "2562047h", "9223372036854775807trades"])
def test_every_clock_that_the_command_line_takes_is_one_of_the_engine(clock: str) -> None:
    choices.check("clock", clock)
    FeatureEngine(["cvd_session"], WDO, clock)


def test_wrong_words_are_wrong_usage(tmp_path: Path) -> None:
    assert "is not known" in run("list", "--family", "flow", code=2).stderr
    plain = tmp_path / "f.parquet"
    pq.write_table(FeatureEngine(["cvd_session"], WDO).run(empty_events()).to_arrow(), plain)
    assert "x.gif" in run("plot", plain, "-o", tmp_path / "x.gif", code=2).stderr


def test_show_suggests_other_names_and_sets() -> None:
    assert "did you mean hmarl_ofi_1m" in refused("show", "hmarl_ofi_1n")
    assert "did you mean tick_only" in refused("show", "tick_onyl")
    text = refused("show", "tape_reading")
    assert "is a set of 30 features: quantumtrader features list --set tape_reading" in text
    assert refused("show", "nope").endswith("in the catalogue. All names: quantumtrader features list")


def test_compute_tells_of_columns_that_say_nothing(lake: Path, tmp_path: Path) -> None:
    path, rows = tmp_path / "f.parquet", "timestamp,open,high,low,close,volume\n"
    line = ("compute", "-i", lake, "-s", WDO, "-f", "cvd_session,pin_60", "-o", path, "--overwrite", "--json")
    done = run(*line, "--clock", "1m")
    assert done["without_values"] == ["pin_60"]
    assert any("no row has a value of pin_60:" in note for note in done["notes"])
    assert done["zero_without_input"] == {}
    done = run(*line, "--clock", "1000000trades")
    assert (done["rows"], "the file has no rows: the clock 1000000trades was never due" in done["notes"]) == (
        0,
        True,
    )
    bars = tmp_path / "bars.csv"
    bars.write_text(rows + "".join(f"2025-08-14 09:{m:02d},5400,5401,5399,5400,10\n" for m in range(30)))
    names = "flow_ofi_1m,delta_1m,ret_1"
    line = ("compute", "-i", bars, "-s", WDO, "-f", names, "-o", path, "--overwrite", "--clock", "bar")
    assert run(*line, "--json")["zero_without_input"] == {"trades": ["flow_ofi_1m", "delta_1m"]}
    text = " ".join(run(*line).stderr.split())
    assert "note: the recording has no trades: flow_ofi_1m, delta_1m are 0 throughout" in text


def test_a_picture_of_nothing_says_so(lake: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path, out = tmp_path / "f.parquet", tmp_path / "x.png"
    run("compute", "-i", lake, "-s", WDO, "-f", "cvd_session,pin_60", "--clock", "1m", "-o", path)
    assert "no row has a value of pin_60" in " ".join(run("plot", path, "-o", out).stderr.split())
    assert run("plot", path, "-o", out, "--overwrite", "-f", "cvd_session", "--json")["notes"] == []
    wide = FeatureFrame(tuple(f"f{k}" for k in range(30)), np.arange(9), np.full((9, 30), np.inf))
    pq.write_table(wide.to_arrow(), path)
    found = run("plot", path, "-o", out, "--overwrite", "--json")
    assert found["features"] == list(wide.names[:24])
    assert found["notes"][0] == "drawn are 24 of 30 features; choose others with --features"
    assert "infinite values of f0, f1, f2, f3, f4, f5 and 18 more are not drawn" in found["notes"][2]
    pq.write_table(FeatureEngine(["cvd_session"], WDO).run(empty_events()).to_arrow(), path)
    assert run("plot", path, "-o", out, "--overwrite", "--json")["notes"] == [
        "the file has no rows: the picture is empty"
    ]
