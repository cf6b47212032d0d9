"""From a fit to a replay, a training and a live session that read it: one option, one meaning, the same bits."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from live_world import Market, run_loop, run_session, session, spec, wdo
from quantumtrader import FeatureEngine, core
from quantumtrader.app.fit_notes import fit_notes
from quantumtrader.app.live import LoopSettings, RunRequest, SessionSpec, plan_run, relive, write_results
from quantumtrader.backtest import Backtest, BacktestSettings
from quantumtrader.cli import main as cli
from quantumtrader.config import load_settings
from quantumtrader.data.contracts import instrument
from quantumtrader.data.lake import Lake
from quantumtrader.exceptions import ConfigError, ManifestError
from quantumtrader.execution import RiskLimits, make_strategy
from quantumtrader.features import DetectorSettings, read_features
from quantumtrader.features.fit.artifact import Artifact, Fits, write_artifact
from quantumtrader.training.pipelines.measured import Measuring
from quantumtrader.types import Fitted

runner = CliRunner()
WDO = "WDOU25"
FIRST, SECOND = "2025-08-04", "2025-08-05"
READ = ("microprice_dev", "vpin_50", "sweep_volume_ratio_5m")
THRESHOLDS = "sweep_min_levels = 2\nsweep_gap_ns = 5_000_000\n"


def run(*arguments: object, code: int = 0) -> Any:
    result = runner.invoke(cli.app, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if "--json" in arguments else result


def told(result: Any) -> str:
    """What was said, without the frames and the breaks of a terminal."""
    return " ".join(result.stderr.replace("│", " ").split())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of two sessions, fits of the first one and of the second, and a file of thresholds."""
    root = tmp_path_factory.mktemp("world")
    with Lake(root / "lake").writer(instrument(WDO), source="test") as writer:
        for day, (seed, minutes) in enumerate(((6, 6), (7, 14))):
            events = core().generate_session(seed=seed, duration_ns=minutes * 60 * 10**9)
            for name in ("ts_event", "ts_recv"):
                events[name] += day * 86_400 * 10**9
            writer.add(events)
    for kind in ("microprice", "vpin"):
        for day, name in ((FIRST, kind), (SECOND, f"later_{kind}")):
            of = ("-i", root / "lake", "-s", WDO, "--start", day, "--end", day)
            run("fit", kind, *of, "-o", root / f"{name}.json")
    (root / "detectors.toml").write_text(THRESHOLDS, "utf-8")
    names = ", ".join(json.dumps(str(root / f"{kind}.json")) for kind in ("microprice", "vpin"))
    (root / "settings.toml").write_text(f"[fitted]\nwdo = [{names}]\n[detectors]\n{THRESHOLDS}", "utf-8")
    return root


def given(world: Path) -> tuple[object, ...]:
    fits = (world / "microprice.json", world / "vpin.json")
    return (*(x for fit in fits for x in ("--fitted", fit)), "--detector-settings", world / "detectors.toml")


def replay(world: Path, out: Path, *more: object, **checks: Any) -> Any:
    shown = (x for name in READ for x in ("--feature", name))
    return run("replay", "-i", world / "lake", "-s", WDO, "-o", out, "--clock", "1s", *shown, *more, **checks)


def test_a_replay_reads_what_features_compute_reads(world: Path, tmp_path: Path) -> None:
    replay(world, tmp_path / "r", *given(world))
    compute = ("features", "compute", "-i", world / "lake", "-s", WDO, "--clock", "1s", "-f", ",".join(READ))
    run(*compute, "-o", tmp_path / "f.parquet", *given(world))
    ours, theirs = read_features(tmp_path / "r" / "features.parquet"), read_features(tmp_path / "f.parquet")
    same = np.isin(theirs.times, ours.times)
    for name in READ:
        assert ours[name].tobytes() == theirs[name][same].tobytes(), name
    early = ours.times < np.datetime64(SECOND, "ns").astype(np.int64)
    assert np.isnan(ours["microprice_dev"][early]).all()  # the session that it was fitted to
    assert np.isfinite(ours["microprice_dev"][~early]).any()
    assumed = json.loads((tmp_path / "r" / "summary.json").read_text("utf-8"))["assumptions"]
    fit = json.loads((world / "microprice.json").read_text("utf-8"))
    assert assumed["fitted"]["microprice"] == fit["values_hash"]
    assert assumed["detectors"] == {"sweep_gap_ns": 5e6, "sweep_min_levels": 2.0}
    # The settings say the same, and the command's own files take their place.
    settings = ("--config", world / "settings.toml")
    replay(world, tmp_path / "s", *settings)
    for name in ("features.parquet", "decisions.parquet", "summary.json"):
        assert (tmp_path / "s" / name).read_bytes() == (tmp_path / "r" / name).read_bytes(), name
    run(*compute, "-o", tmp_path / "g.parquet", *settings)
    assert (tmp_path / "g.parquet").read_bytes() == (tmp_path / "f.parquet").read_bytes()
    run("features", "check", tmp_path / "g.parquet", "-i", world / "lake", *settings)
    later = replay(world, tmp_path / "t", *settings, "--fitted", world / "later_vpin.json", "--json")
    assert list(later["assumptions"]["fitted"]) == ["vpin"]
    assert (
        "The vpin fit counts for sessions that start at or after 2025-08-05 12:14:00 UTC: none of these does."
        in (later["notes"])
    )
    plain = replay(world, tmp_path / "u", "--start", SECOND, "--json")
    assert not {"fitted", "detectors"} & set(plain["assumptions"])
    bare = read_features(tmp_path / "u" / "features.parquet")
    assert np.isnan(bare["microprice_dev"]).all()


def test_the_demo_takes_them_and_says_what_nobody_reads(world: Path, tmp_path: Path) -> None:
    found = run("demo", "--minutes", 5, "-o", tmp_path / "d", *given(world), "--lang", "pt", "--json")
    assert "O ajuste microprice não é usado: nenhuma coluna é microprice_dev." in found["notes"]


def test_the_end_of_a_pin_series_is_told() -> None:
    series = {"pin": [[10**9, 0.25], [2 * 10**9, 0.5]]}
    fits = Fits((Artifact("pin", WDO, "WDO", 0.5, 0, 1, 1, 2, True, series, {}, "rust 0", "none"),))
    said = "The PIN series ends at 1970-01-01 00:00:02 UTC; from then on pin_60 stays at 0.500."
    assert fit_notes(fits, ["pin_60"]) == fit_notes(fits, ["pin_60@3"], span=(0, 3 * 10**9)) == [said]
    assert fit_notes(fits, ["pin_60"], span=(0, 2 * 10**9)) == []
    (old,) = fit_notes(fits, ["pin_60"], stale=True)
    assert old.startswith("WARNING: the PIN series ended at 1970-01-01 00:00:02 UTC")
    (unused,) = fit_notes(fits, ["vpin_50"])
    assert unused == "The pin fit is not used: no column is pin_60."


def test_a_fit_that_ends_within_the_only_session_counts_for_none(world: Path, tmp_path: Path) -> None:
    # Fitted to the first minutes of the session: older than its last event, and of no use to it.
    begin = int(np.datetime64(f"{SECOND}T12:05", "ns").astype(np.int64))
    table = {"usable_from_ns": begin, "adjustment": [0.1] * 30}
    early = Artifact("microprice", WDO, "WDO", 0.5, 0, 1, 1, 2, True, table, {}, "rust 0", "none")
    file = write_artifact(early, tmp_path / "early.json")
    found = replay(world, tmp_path / "r", "--start", SECOND, "--fitted", file, "--json")
    said = "The microprice fit counts for sessions that start at or after 2025-08-05 12:05:00 UTC: none of these does."
    assert said in found["notes"]
    frame = read_features(tmp_path / "r" / "features.parquet")
    assert int(frame.times[-1]) > begin
    assert np.isnan(frame["microprice_dev"]).all()
    assert fit_notes(Fits((early,)), ["microprice_dev"], span=(begin, begin + 10**12)) == []


def test_labels_of_given_sides_read_neither(world: Path, tmp_path: Path) -> None:
    where = ("label", "--kind", "meta", "-i", world / "lake", "-s", WDO, "-o", tmp_path / "l.parquet")
    found = told(run(*where, "--sides", tmp_path / "none.parquet", *given(world), code=2))
    assert "--fitted" in found
    assert "--detector-settings" in found
    assert "is for --strategy" in found
    nobody = ("--strategy", "order_flow_baseline", "--fitted", world / "vpin.json")
    said = runner.invoke(cli.app, [*map(str, (*where, *nobody))])
    assert "The vpin fit is not used" in told(said)


def test_what_is_wrong_is_told_before_the_work(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "r"
    bad = tmp_path / "bad.toml"
    for text, words in (
        ("sweep_levels = 4", "no such threshold: sweep_levels"),
        ("run_min_length = 4.5", "4.5"),
    ):
        bad.write_text(text, "utf-8")
        refused = told(replay(world, out, "--detector-settings", bad, code=2))
        assert "--detector-settings" in refused
        assert words in refused
    bad.write_text("detectors = 3", "utf-8")
    for command in (("demo", "-o", out), ("replay", "-i", world / "lake", "-s", WDO, "-o", out)):
        refused = told(run(*command, "--detector-settings", bad, code=2))
        assert "detectors is 3; expected thresholds under [detectors]" in refused
    bad.write_text(f"[detectors]\n{text}", "utf-8")
    assert "settings, [detectors]: run_min_length is 4.5" in told(replay(world, out, "--config", bad, code=1))
    for text in ("true", "nan"):
        bad.write_text(f"[detectors]\nrun_min_length = {text}", "utf-8")
        assert "settings, [detectors]: run_min_length is" in told(replay(world, out, "--config", bad, code=1))
    bad.write_text("sweep_min_levels = \n", "utf-8")
    assert "is not valid TOML" in told(replay(world, out, "--detector-settings", bad, code=2))
    bad.write_text("[detectors]\nsweep_levels = 4", "utf-8")
    assert "no such threshold: sweep_levels; there are sweep_gap_ns" in told(
        replay(world, out, "--config", bad, code=1)
    )
    (tmp_path / "w.toml").write_text('[fitted]\nWDO = ["x.json"]\nwdo = ["y.json"]\n', "utf-8")
    assert "[fitted]: WDO is there twice" in told(replay(world, out, "--config", tmp_path / "w.toml", code=1))
    assert "no such file" in told(replay(world, out, "--fitted", tmp_path / "none.json", code=1))
    twice = ("--fitted", world / "vpin.json", "--fitted", world / "later_vpin.json")
    assert "a second vpin fit" in told(replay(world, out, *twice, code=1))
    (tmp_path / "r.toml").write_text(f"[fitted]\nWDO = [{json.dumps(str(world))}]\n", "utf-8")
    assert "Name the fit file in it" in told(replay(world, out, "--config", tmp_path / "r.toml", code=1))
    (tmp_path / "u.toml").write_text('[fitted]\nWD0 = ["x.json"]\n', "utf-8")
    assert "[fitted]: WD0 names neither a product" in told(
        replay(world, out, "--config", tmp_path / "u.toml", code=1)
    )
    assert not out.exists()


# -- training -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book(world: Path) -> Path:
    """A book training that read a fit and thresholds."""
    pytest.importorskip("lightgbm", reason="the models need the ml extra")
    train(world, world / "book", *given(world))
    return world / "book"


def train(world: Path, out: Path, *more: object, **checks: Any) -> Any:
    names = "book_imbalance_1,microprice_dev,sweep_volume_ratio_5m,mid_return_10s"
    asked = ("--candidates", "quick", "--target", "direction_1", "--clock", "1s", "-f", names)
    where = ("-i", world / "lake", "-s", WDO, "--start", SECOND, "-o", out)
    return run("train", "book", *where, *asked, *more, **checks)


def test_a_training_with_other_fits_is_another_training(world: Path, book: Path) -> None:
    kept = ("--detector-settings", world / "detectors.toml")
    other = told(train(world, book, "--fitted", world / "later_microprice.json", *kept, code=1))
    assert "holds another training: fitted.microprice was" in other
    assert "config.detectors.sweep_min_levels was 2.0" in told(
        train(world, book, "--fitted", world / "microprice.json", code=1)
    )
    # A fit that no column reads changes nothing, and is told; what is computed is found again.
    again = train(world, book, *given(world))
    assert "The vpin fit is not used: no column is vpin_50 or vpin_bvc_50." in again.stderr


def test_files_are_read_once_for_a_training(world: Path, tmp_path: Path) -> None:
    file = tmp_path / "vpin.json"
    file.write_bytes((world / "vpin.json").read_bytes())
    measuring = Measuring(file, ("vpin_50@2", "cvd_session"), DetectorSettings(sweep_min_levels=2))
    first = measuring.of(instrument(WDO))
    file.write_bytes((world / "later_vpin.json").read_bytes())  # by a cron job
    assert measuring.of(instrument(WDO)) == first
    assert first.request() == {
        "fitted": {"vpin": json.loads((world / "vpin.json").read_text("utf-8"))["values_hash"]}
    }
    assert Measuring(file, ("cvd_session",), None).of(instrument(WDO)).fitted is None


def test_a_model_says_what_to_give_and_then_trades(world: Path, book: Path, tmp_path: Path) -> None:
    model = book / "models" / "wdou25_book_direction_1" / "1.0.0"
    decide = ("--strategy", "model", "-p", f"folder={model}", "--start", SECOND)
    refused = told(replay(world, tmp_path / "r", *decide, code=1))
    assert "fitted_microprice is not given" in refused
    assert f"Give --fitted {model / 'fitted_microprice.json'}" in refused
    assert "sweep_gap_ns = 5000000, sweep_min_levels = 2" in refused
    own = ("--fitted", model / "fitted_microprice.json", "--detector-settings", world / "detectors.toml")
    replay(world, tmp_path / "r", *decide, *own)
    frame = read_features(tmp_path / "r" / "features.parquet")
    rows = np.load(book / "data" / "direction_1" / "X.npy")
    times = np.load(book / "data" / "direction_1" / "t0.npy")
    place = np.searchsorted(frame.times, times)
    about = json.loads((book / "data" / "direction_1" / "about.json").read_text("utf-8"))
    for k, name in enumerate(json.loads(about["manifest"])["names"]):
        assert np.array_equal(frame[name][place], rows[:, k], equal_nan=True), name
    assert np.isfinite(rows[:, 1]).any()
    # A live session says so too, before it has a folder.
    asked = RunRequest(ticker=WDO, strategy="model", parameters={"folder": str(model)}, out=tmp_path / "live")
    with pytest.raises(ManifestError, match="fitted_microprice is not given"):
        plan_run(load_settings(None), asked, source=Market(session()))
    assert not (tmp_path / "live").exists()
    fits, thresholds = (model / "fitted_microprice.json",), world / "detectors.toml"
    allowed = replace(asked, fitted=fits, detector_settings=thresholds)
    assert plan_run(load_settings(None), allowed, source=Market(session())).folder.is_dir()
    # The copy of a training folder that says other settings does not stand in.
    wrong = ("--config", world / "settings.toml", "--fitted", world / "later_microprice.json")
    assert "fitted_microprice is " in told(replay(world, tmp_path / "s", *decide, *wrong, code=1))


# -- live -----------------------------------------------------------------------------------------------------------


def fitted() -> Fitted:
    begin = int(session()["ts_event"].min())
    table = (*(round(-0.4 + 0.03 * k, 2) for k in range(29)), float("nan"))
    return Fitted(400, begin - 1, (begin - 1, table), ((begin - 9, 0.2), (begin + 6 * 60 * 10**9, 0.3)))


def fitted_spec() -> SessionSpec:
    names = ("microprice_dev", "pin_60", "vpin_50", "sweep_volume_ratio_5m")
    thresholds = DetectorSettings(sweep_min_levels=2)
    return spec(
        loop=LoopSettings(
            features=names,
            first_day=date(2025, 8, 4),
            stamp="ts_event",
            fitted=fitted(),
            detectors=thresholds,
        )
    )


def test_live_replay_and_research_give_the_same_bits(tmp_path: Path) -> None:
    made = fitted_spec()
    events = session(6)
    batches = [events[k : k + 777] for k in range(0, len(events), 777)]
    _, samples, _ = run_loop(made, batches, tmp_path / "live")
    live = np.array([s.values for s in samples])
    settings = BacktestSettings(
        limits=RiskLimits(daily_loss=100_000.0),
        features=made.loop.features,
        fitted=made.loop.fitted,
        detectors=made.loop.detectors,
    )
    replayed = Backtest(events, wdo(), make_strategy("live_world:Turns"), settings).run().frame
    columns = np.column_stack(
        [replayed[name] for name in ("flow_ofi_1m", "book_ofi_norm_1m", *made.loop.features)]
    )
    assert live.tobytes() == np.ascontiguousarray(columns[: len(live)]).tobytes()
    research = FeatureEngine(
        made.loop.features, wdo(), "100ms", fitted=made.loop.fitted, detectors=made.loop.detectors
    ).run(events)
    n = min(len(live), len(research))
    assert live[:n, 2:].tobytes() == np.ascontiguousarray(research.values[:n]).tobytes()
    assert np.isfinite(live[:, 2:4]).any(axis=0).all()


def test_a_session_with_fits_is_lived_again_to_the_bit(tmp_path: Path) -> None:
    made = fitted_spec()
    again = SessionSpec.from_header(json.loads(json.dumps(made.to_header())))
    assert again.loop.detectors == made.loop.detectors
    assert str(again.loop.fitted) == str(made.loop.fitted)  # NaN is not equal to itself
    live, result = run_session(Market(session(6)), tmp_path / "s", made)
    write_results(live.loop, result, [])
    assert relive(tmp_path / "s").identical
    summary = json.loads((tmp_path / "s" / "summary.json").read_text("utf-8"))
    assert sorted(summary["assumptions"]["fitted"]) == ["microprice", "pin", "vpin"]


def test_a_planned_session_takes_them_from_the_settings_or_the_command(world: Path, tmp_path: Path) -> None:
    settings = load_settings(world / "settings.toml", live={"folder": str(tmp_path), "features": READ[:1]})
    request = RunRequest(ticker=WDO)
    planned = plan_run(settings, request, source=Market(session()))
    loop = planned.run.spec.loop
    assert loop.fitted is not None
    assert loop.fitted.microprice is not None
    assert loop.fitted.vpin_bucket
    assert loop.detectors == DetectorSettings(sweep_min_levels=2, sweep_gap_ns=5_000_000)
    assert any("The microprice fit counts for sessions that start at" in text for text in planned.notices)
    assert any("The vpin fit is not used" in text for text in planned.notices)
    other = replace(request, fitted=(world / "later_vpin.json",))
    old = Artifact("pin", WDO, "WDO", 0.5, 0, 1, 1, 1, True, {"pin": [[10**9, 0.25]]}, {}, "rust 0", "none")
    write_artifact(old, tmp_path / "pin.json")
    pin = settings.model_copy(update={"live": settings.live.model_copy(update={"features": ("pin_60",)})})
    stale = replace(request, fitted=(tmp_path / "pin.json",))
    notices = plan_run(pin, stale, source=Market(session())).notices
    assert any(text.startswith("WARNING: the PIN series ended") for text in notices)
    chosen = plan_run(settings, other, source=Market(session())).run.spec.loop.fitted
    assert chosen is not None
    assert chosen.microprice is None
    win = replace(request, ticker="WINQ25", fitted=(world / "vpin.json",))
    with pytest.raises(ConfigError, match=r"it was fitted to WDOU25 \(WDO\), and this is WINQ25"):
        plan_run(settings, win, source=Market(session()))
    assert plan_run(settings, replace(win, fitted=()), source=Market(session())).run.spec.loop.fitted is None
