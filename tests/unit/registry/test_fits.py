"""Models whose columns read fits: their copies, what they refuse, and the PIN series that goes on after a training."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from quantumtrader.cli import main as cli
from quantumtrader.cli.train_options import require_series_only
from quantumtrader.exceptions import ConfigError, ManifestError, ModelError
from quantumtrader.execution import bind_strategy, make_strategy
from quantumtrader.features import DetectorSettings, FeatureEngine
from quantumtrader.features.fit.artifact import Artifact, Fits, read_artifact, write_artifact
from quantumtrader.models import model
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.types import Fitted

NAMES = ("flow_ofi_1m", "microprice_dev", "sweep_volume_ratio_5m", "pin_60")
EXTRA = ("atr_14", "adx_14", "ema_alignment", "vpin_50", "sweep_run_detected")
TABLE = [round(-0.4 + 0.03 * k, 2) for k in range(30)]
DAY = timedelta(days=1)
SWEEPS = DetectorSettings(sweep_min_levels=2)


def artifact(kind: str, values: dict[str, Any], begin: int) -> Artifact:
    return Artifact(
        kind, "WDOU25", "WDO", 0.5, begin - 10, begin - 1, 1, 1, True, values, {}, "rust 0", "none"
    )


def fits(begin: int, *more: tuple[int, float]) -> Fits:
    """A table and a bucket from before the session, and a PIN series."""
    return Fits(
        (
            artifact("microprice", {"usable_from_ns": begin - 1, "adjustment": TABLE}, begin),
            artifact("pin", {"pin": [[begin - 5, 0.2], *([t, p] for t, p in more)]}, begin),
            artifact("vpin", {"usable_from_ns": begin - 1, "bucket": 400}, begin),
        )
    )


@pytest.fixture(scope="module")
def home(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models with ``fitted 1.0.0`` in it."""
    events = trained.events
    begin = int(events["ts_event"].min())
    given = fits(begin, (begin + 30 * 60 * 10**9, 0.3))
    engine = FeatureEngine(NAMES, trained.instrument, "1s", detectors=SWEEPS, fitted=given.fitted)
    frame = engine.run(events)
    keep = np.isfinite(frame.values).all(axis=1)
    rows = frame.values[keep]
    assert len(rows) > 1_000
    labels = np.where(rows[:, 0] > np.median(rows[:, 0]), 1, -1)
    estimator = model("lightgbm", trees=4, leaves=4, threads=1).fit(rows, labels, names=NAMES)
    root = tmp_path_factory.mktemp("fitted") / "models"
    draft = replace(trained.draft, name="fitted", features=engine.manifest)
    ModelRegistry(root).save(draft, estimator, rows, events[:8_000], fits=given)
    return root


def folder(home: Path) -> Path:
    return home / "fitted" / "1.0.0"


def test_a_model_keeps_the_fits_that_it_reads_and_loads_without_any_other(home: Path, trained: Any) -> None:
    registry = ModelRegistry(home)
    loaded = registry.load("fitted", "1.0.0", validity=False)
    assert {a.kind for a in loaded.fits.artifacts} == {"microprice", "pin"}  # no column reads the bucket
    assert sorted(p.name for p in folder(home).glob("fitted_*")) == [
        "fitted_microprice.json",
        "fitted_pin.json",
    ]
    own = read_artifact(folder(home) / "fitted_microprice.json")  # what --fitted takes
    assert ("fitted_microprice", own.values_hash) in loaded.manifest.features.options
    golden = registry.golden_events("fitted", "1.0.0")
    assert "microprice_dev" not in golden.never_valid(loaded.names)


def test_a_model_without_its_copies_is_damaged(home: Path, trained: Any) -> None:
    registry = ModelRegistry(home)
    manifest = registry.manifest("fitted", "1.0.0")
    with pytest.raises(ModelError, match="the microprice fit is not given"):
        registry.golden_events("fitted", "1.0.0").check(manifest)


def bound(home: Path, trained: Any, **engine: Any) -> None:
    strategy = make_strategy("model", folder=str(folder(home)), alpha=0)
    names = tuple(dict.fromkeys((*strategy.features, *EXTRA)))
    running = FeatureEngine(names, trained.instrument, "1s", **engine)
    bind_strategy(strategy, trained.instrument, running.manifest.to_json())


def test_an_engine_without_its_fits_or_thresholds_is_refused_and_told_what_to_give(
    home: Path, trained: Any
) -> None:
    with pytest.raises(ManifestError) as refused:
        bound(home, trained)
    copy = folder(home) / "fitted_microprice.json"
    for words in (
        "fitted_microprice is not given, expected ",
        "fitted_pin is not given, expected a series",
        "detectors.sweep_min_levels is not given, expected 2.0",
        f"Give --fitted {copy} --fitted FILE with a PIN series of the sessions (quantumtrader fit pin)",
        "Give --detector-settings FILE with sweep_min_levels = 2 (in the settings: [detectors])",
    ):
        assert words in str(refused.value), words


def test_another_table_or_other_thresholds_are_refused(home: Path, trained: Any) -> None:
    begin = int(trained.events["ts_event"].min())
    own = fits(begin).fitted
    assert own.microprice is not None
    bound(home, trained, fitted=own, detectors=SWEEPS)
    # What only columns of others read may differ.
    bound(home, trained, fitted=own, detectors=replace(SWEEPS, run_min_length=9))
    bound(home, trained, fitted=replace(own, vpin_bucket=7), detectors=SWEEPS)
    other = replace(own, microprice=(own.microprice[0], (*own.microprice[1][:-1], 0.9)))
    with pytest.raises(ManifestError, match=r"fitted_microprice is .*Give --fitted "):
        bound(home, trained, fitted=other, detectors=SWEEPS)
    with pytest.raises(ManifestError, match=r"sweep_gap_ns.*Leave out the detector thresholds sweep_gap_ns"):
        bound(home, trained, fitted=own, detectors=replace(SWEEPS, sweep_gap_ns=5))


def test_a_model_of_before_refuses_a_fit(trained: Any, root: Path) -> None:
    manifest = ModelRegistry(root).manifest("wdo_dir", "1.0.0")
    asked = replace(manifest, features=FeatureEngine(["vpin_50"], trained.instrument, "1s").manifest)
    running = FeatureEngine(["vpin_50"], trained.instrument, "1s", fitted=Fitted(vpin_bucket=4)).manifest
    assert asked.differences(running)
    assert asked.remedy(running) == "Leave the vpin fit out: it was trained without"
    assert asked.remedy(asked.features) == ""


def test_a_pin_series_goes_on_after_the_training(home: Path, trained: Any) -> None:
    begin = int(trained.events["ts_event"].min())
    later = fits(begin, (begin + 90 * 60 * 10**9, 0.4))
    bound(home, trained, fitted=later.fitted, detectors=SWEEPS)  # another series: of other days
    loaded = ModelRegistry(home).load("fitted", "1.0.0", validity=False)
    day = np.datetime64(begin, "ns").astype("datetime64[D]").item()
    with pytest.raises(ConfigError, match=r"its own PIN series ends with its training: give one .* --fitted"):
        loaded.fits_with(Fits(), trained.instrument, day)
    used = loaded.fits_with(later, trained.instrument, day)
    assert used.of_kind("pin") == later.of_kind("pin")
    assert used.of_kind("microprice") == loaded.fits.of_kind("microprice")
    assert used.of_kind("vpin") is None
    # Judged up to the session after the next: whoever gives the model's own copy back is told what to run.
    ended = rf"the PIN series that is given ends on {day}, before {day + DAY}: .* fit pin --every session"
    with pytest.raises(ConfigError, match=ended):
        loaded.fits_with(loaded.fits, trained.instrument, day + DAY)
    with pytest.raises(ConfigError, match=ended):
        ModelRegistry(home).fits("fitted", "1.0.0", loaded.fits, trained.instrument, day + DAY)


def test_a_file_that_a_model_would_pass_over_is_refused(home: Path, tmp_path: Path) -> None:
    where = ("--models", str(home), "-i", str(tmp_path / "none"))
    table, bucket = str(folder(home) / "fitted_microprice.json"), str(tmp_path / "vpin.json")
    write_artifact(artifact("vpin", {"usable_from_ns": 1, "bucket": 400}, 10), bucket)
    for command in (("evaluate", "model"), ("models", "observe")):
        for file, kind in ((table, "microprice"), (bucket, "vpin")):
            found = CliRunner().invoke(cli.app, [*command, "fitted", "1.0.0", *where, "--fitted", file])
            assert found.exit_code == 2, found.output
            said = " ".join(found.stderr.replace("│", " ").split())
            assert f"is a {kind} fit, and fitted 1.0.0 keeps to its own copies" in said


def test_a_model_without_a_series_takes_none(home: Path, root: Path) -> None:
    manifest = ModelRegistry(root).manifest("wdo_dir", "1.0.0")
    with pytest.raises(
        typer.BadParameter, match=r"is a pin fit, and wdo_dir 1\.0\.0 keeps to its own copies"
    ):
        require_series_only([folder(home) / "fitted_pin.json"], manifest)
    require_series_only([folder(home) / "fitted_pin.json"], ModelRegistry(home).manifest("fitted", "1.0.0"))
