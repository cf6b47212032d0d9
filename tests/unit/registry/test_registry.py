"""What a registry accepts, and what it refuses."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader import FeatureEngine
from quantumtrader.exceptions import ModelError, QuantumTraderError
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.models import model
from quantumtrader.models.folder import name_of_symbol, write_folder
from quantumtrader.models.manifest import ModelManifest
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.states import ModelState


def load(root: Path, version: str = "1.0.0", now: int | None = None) -> Any:
    return ModelRegistry(root, clock_at(now)).load("wdo_dir", version)


def clock_at(now: int | None) -> Any:
    from quantumtrader.clock import ReplayClock

    return ReplayClock(1_800_000_000_000_000_000 if now is None else now)


def test_a_saved_model_loads_and_predicts_as_its_estimator(root: Path, trained: Any) -> None:
    found = load(root)
    assert found.state is ModelState.CANDIDATE
    assert found.names == trained.estimator.names_
    rows = trained.frame.values[np.isfinite(trained.frame.values).all(axis=1)]
    assert np.array_equal(found.batch(rows[:500]), trained.estimator.predict_proba(rows[:500]))


def test_the_same_model_gives_the_same_bytes(root: Path, save: Callable[..., Path]) -> None:
    again = save(version="1.0.1")
    for file in sorted(again.iterdir()):
        if file.name not in ("manifest.json", "report.md"):
            assert file.read_bytes() == (root / "wdo_dir" / "1.0.0" / file.name).read_bytes(), file.name


def test_a_version_is_written_once(save: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match="there already"):
        save(version="1.0.0")


def test_files_are_for_the_owner_alone(root: Path) -> None:
    folder = root / "wdo_dir" / "1.0.0"
    save_modes = {p.name: p.stat().st_mode & 0o777 for p in folder.iterdir()}
    assert set(save_modes.values()) == {0o600}, save_modes


def test_nothing_is_left_of_a_write_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = importlib.import_module("quantumtrader.models.folder")
    calls = iter(range(10))

    def fails(fd: int) -> None:
        if next(calls) == 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder.os, "fsync", fails)
    with pytest.raises(QuantumTraderError, match="No space left"):
        write_folder(tmp_path, "m", "1.0.0", {"a.txt": b"a", "b.txt": b"b"})
    assert list((tmp_path / "m").iterdir()) == []


def test_every_flipped_byte_is_refused(root: Path) -> None:
    """Every byte of manifest and estimator; of larger files some hundred, the ends among them."""
    folder = root / "wdo_dir" / "1.0.0"
    registry = ModelRegistry(root, clock_at(None))
    flips = 0
    for file in sorted(folder.iterdir()):
        data = file.read_bytes()
        places = (
            range(len(data)) if len(data) < 5_000 else np.linspace(0, len(data) - 1, 300, dtype=int).tolist()
        )
        for place in places:
            changed = bytearray(data)
            changed[place] ^= 1 << (place % 8)
            file.write_bytes(changed)
            with pytest.raises(ModelError):
                registry.manifest("wdo_dir", "1.0.0")
            flips += 1
        file.write_bytes(data)
    assert flips > 3_000
    load(root)


@pytest.mark.parametrize("file", ["manifest.json", "model.txt", "golden.npz", "estimator.json"])
def test_a_missing_or_truncated_file_is_refused(root: Path, file: str) -> None:
    path = root / "wdo_dir" / "1.0.0" / file
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(ModelError):
        load(root)
    path.write_bytes(data + b"\n")
    with pytest.raises(ModelError):
        load(root)
    path.unlink()
    with pytest.raises(ModelError, match=r"missing|no manifest"):
        load(root)


def test_what_does_not_belong_is_refused(root: Path, tmp_path: Path) -> None:
    folder = root / "wdo_dir" / "1.0.0"
    (folder / "more.pkl").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"not expected more\.pkl"):
        load(root)
    (folder / "more.pkl").unlink()
    (folder / "sub").mkdir()
    with pytest.raises(ModelError, match="no plain file"):
        load(root)


def test_links_are_refused(root: Path, tmp_path: Path) -> None:
    folder = root / "wdo_dir" / "1.0.0"
    outside = tmp_path / "model.txt"
    (folder / "model.txt").rename(outside)
    (folder / "model.txt").symlink_to(outside)
    with pytest.raises(ModelError, match="no plain file"):
        load(root)
    (folder / "model.txt").unlink()
    outside.rename(folder / "model.txt")
    load(root)
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    with pytest.raises(ModelError, match="folder of its own"):
        load(root)


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", "A", ".hidden", "a" * 65])
def test_names_that_lead_elsewhere_are_refused(root: Path, name: str) -> None:
    with pytest.raises(ModelError, match="no name of a model"):
        ModelRegistry(root).load(name, "1.0.0")


@pytest.mark.parametrize("version", ["1.0", "1.0.0/..", "..", "v1.0.0", "01.0.0", ""])
def test_versions_that_are_none_are_refused(root: Path, version: str) -> None:
    with pytest.raises(ModelError, match="no version"):
        ModelRegistry(root).load("wdo_dir", version)


def test_a_renamed_folder_is_refused(root: Path) -> None:
    (root / "wdo_dir" / "1.0.0").rename(root / "wdo_dir" / "1.2.0")
    with pytest.raises(ModelError, match=r"holds wdo_dir 1\.0\.0"):
        load(root, "1.2.0")


def test_files_that_everybody_may_write_are_refused(root: Path) -> None:
    (root / "wdo_dir" / "1.0.0" / "model.txt").chmod(0o602)
    with pytest.raises(ModelError, match="written by everybody"):
        load(root)


def test_an_expired_model_is_refused(root: Path, trained: Any) -> None:
    until = trained.draft.limits["valid_until_ns"]
    load(root, now=until)
    with pytest.raises(ModelError, match="was valid until 2027-01-25"):
        load(root, now=until + 1)


def rewrite(root: Path, change: Callable[[ModelManifest], ModelManifest], **files: bytes) -> None:
    """Forge a folder: what somebody does who also computes the hashes anew."""
    folder = root / "wdo_dir" / "1.0.0"
    manifest = ModelManifest.from_bytes((folder / "manifest.json").read_bytes())
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data)
    kept = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "manifest.json"}
    (folder / "manifest.json").write_bytes(change(manifest).with_files(kept).to_bytes())


def test_a_forged_model_that_was_promoted_is_refused(root: Path) -> None:
    ModelRegistry(root, clock_at(None)).promote("wdo_dir", "1.0.0", why="tested", who="ana")
    rewrite(root, lambda m: replace(m, created_ns=m.created_ns + 1))
    with pytest.raises(ModelError, match="not the model that was moved to shadow"):
        load(root)


FORGED: dict[str, tuple[Callable[[FeatureManifest], FeatureManifest], str]] = {
    "engine version": (lambda f: replace(f, version="0.0.9"), r"version is 0\.1\.0, expected 0\.0\.9"),
    "definition": (
        lambda f: replace(f, definitions=("0" * 16, *f.definitions[1:])),
        r"another definition of flow_ofi_1m \([0-9a-f]{16}, expected 0{16}\)",
    ),
    "tick": (lambda f: replace(f, tick_size=1.0), r"tick_size is 0\.5, expected 1"),
}


@pytest.mark.parametrize("what", FORGED)
def test_another_engine_is_refused_by_name(root: Path, what: str) -> None:
    change, words = FORGED[what]
    rewrite(root, lambda m: replace(m, features=change(m.features)))
    with pytest.raises(ModelError, match=words) as caught:
        load(root)
    assert caught.value.differences


def test_another_sampling_clock_is_refused(root: Path) -> None:
    rewrite(root, lambda m: replace(m, features=replace(m.features, clock="2s")))
    with pytest.raises(ModelError, match=r"the clock 2s gives .* rows at other times"):
        load(root)


def test_another_window_is_refused_by_name(root: Path, trained: Any) -> None:
    """The same columns, but the first one over five minutes: estimator and golden events both object."""
    other = tuple("flow_ofi_5m" if n == "flow_ofi_1m" else n for n in trained.draft.features.names)
    manifest = FeatureEngine(other, trained.instrument, clock="1s").manifest
    rewrite(root, lambda m: replace(m, features=manifest))
    with pytest.raises(ModelError, match="column 0 is flow_ofi_1m, the manifest says flow_ofi_5m"):
        load(root)


def test_another_order_is_refused_by_name(root: Path, trained: Any) -> None:
    names = trained.draft.features.names
    manifest = FeatureEngine((names[1], names[0], *names[2:]), trained.instrument, clock="1s").manifest
    rewrite(root, lambda m: replace(m, features=manifest))
    with pytest.raises(ModelError, match="column 0 is flow_ofi_1m, the manifest says book_ofi_norm_1m"):
        load(root)


def test_golden_events_name_the_feature_that_differs(root: Path) -> None:
    from quantumtrader.models.arrays import pack_arrays, unpack_arrays

    path = root / "wdo_dir" / "1.0.0" / "golden_events.npz"
    arrays = unpack_arrays(path.read_bytes(), "golden")
    values = arrays["values"].copy()
    row = int(np.flatnonzero(np.isfinite(values[:, 6]))[0])
    values[row, 6] = np.nextafter(values[row, 6], np.inf)
    rewrite(root, lambda m: m, golden_events__npz=pack_arrays({**arrays, "values": values}))
    with pytest.raises(ModelError, match=f"computes ret_1 differently; row {row}: ret_1 is") as caught:
        load(root)
    assert caught.value.differences == ("ret_1 is computed differently",)


def test_golden_rows_must_be_scored_to_the_bit(root: Path) -> None:
    from quantumtrader.models.arrays import pack_arrays, unpack_arrays

    arrays = unpack_arrays((root / "wdo_dir" / "1.0.0" / "golden.npz").read_bytes(), "golden")
    assert arrays["rows"].shape == (512, 8)
    raw = arrays["raw"].copy()
    raw[100, 0] = np.nextafter(raw[100, 0], np.inf)
    rewrite(root, lambda m: m, golden__npz=pack_arrays({**arrays, "raw": raw}))
    with pytest.raises(ModelError, match="golden rows: 1 of 512 have other scores; row 100"):
        load(root)


def test_files_of_objects_are_refused(root: Path) -> None:
    import io

    out = io.BytesIO()
    np.savez(out, rows=np.array([{}], object), raw=np.zeros((1, 1)))
    rewrite(root, lambda m: m, golden__npz=out.getvalue())
    with pytest.raises(ModelError, match="no file of arrays"):
        load(root)


def test_an_estimator_of_other_columns_is_not_saved(
    root: Path, trained: Any, save: Callable[..., Path]
) -> None:
    names = trained.draft.features.names
    rows = trained.frame.values[np.isfinite(trained.frame.values).all(axis=1)][:2_000]
    other = model("lightgbm", trees=2, leaves=3, threads=1).fit(
        rows, np.where(rows[:, 0] > 0, 1, -1), names=names[::-1]
    )
    with pytest.raises(ModelError, match="fitted on other columns: column 0 is vwap_distance"):
        ModelRegistry(root).save(replace(trained.draft, version="2.0.0"), other, rows, trained.events[:8_000])
    assert not (root / "wdo_dir" / "2.0.0").exists()


def test_every_kind_of_estimator_can_be_kept(root: Path, trained: Any) -> None:
    rows = trained.frame.values[np.isfinite(trained.frame.values).all(axis=1)][:2_000]
    labels = np.where(rows[:, 1] > np.median(rows[:, 1]), 1, -1)
    registry = ModelRegistry(root, clock_at(None))
    for kind in ("logistic", "base_rate", "random_forest"):
        fitted = model(kind).fit(rows, labels, names=trained.draft.features.names)
        registry.save(replace(trained.draft, name=kind, kind=kind), fitted, rows, trained.events[:8_000])
        found = registry.load(kind, "1.0.0")
        assert np.allclose(found.batch(rows[:50]), fitted.predict_proba(rows[:50]), rtol=0, atol=1e-15), kind


def test_calibration_is_kept_and_applied(root: Path, trained: Any) -> None:
    from quantumtrader.models.calibration import Calibration

    rows = trained.frame.values[np.isfinite(trained.frame.values).all(axis=1)]
    calibration = Calibration("platt", 2, ((1.7, -0.1),), {"range": (0.4,)})
    registry = ModelRegistry(root, clock_at(None))
    registry.save(
        replace(trained.draft, version="1.1.0"),
        trained.estimator,
        rows,
        trained.events[:8_000],
        calibration=calibration,
    )
    found = registry.load("wdo_dir", "1.1.0")
    raw = trained.estimator.predict_proba(rows[:200])
    assert np.array_equal(found.batch(rows[:200]), calibration.apply(raw))
    inside = calibration.apply(raw, np.full(200, "range"))
    assert np.array_equal(found.batch(rows[:200], "range"), inside)
    assert (inside[:, 1] > found.batch(rows[:200])[:, 1]).all()


def test_out_of_fold_predictions_are_kept(root: Path, trained: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"ts": trained.frame.times[:5], "p": [0.1, 0.2, 0.3, 0.4, 0.5]})
    folder = ModelRegistry(root, clock_at(None)).save(
        replace(trained.draft, version="1.1.0"),
        trained.estimator,
        trained.frame.values[-100:],
        trained.events[:8_000],
        oof=table,
        report="# report",
    )
    assert pq.read_table(folder / "oof.parquet").equals(table)
    found = load(root, "1.1.0")
    assert found.report == "# report"
    assert set(found.manifest.files) == {p.name for p in folder.iterdir()} - {"manifest.json"}


def test_the_python_engine_loads_it_too(root: Path) -> None:
    """These eight features are the same to the bit in both engines."""
    import os
    import subprocess
    import sys

    code = (
        "import sys; from quantumtrader.models.registry import ModelRegistry\n"
        "print(ModelRegistry(sys.argv[1]).load('wdo_dir', '1.0.0', validity=False).id)"
    )
    source = str(Path(__file__).resolve().parents[3] / "python")
    env = {**os.environ, "PYTHONPATH": source, "QUANTUMTRADER_ENGINE": "python"}
    run = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, env=env)
    assert run.stdout.strip() == "wdo_dir 1.0.0", run.stderr


@pytest.mark.parametrize("kind", ["lightgbm", "random_forest", "xgboost"])
@pytest.mark.parametrize("classes", [2, 3])
def test_trees_are_served_by_the_forest_to_the_bit(root: Path, trained: Any, kind: str, classes: int) -> None:
    pytest.importorskip("xgboost" if kind == "xgboost" else "lightgbm")
    rows = trained.frame.values[np.isfinite(trained.frame.values).all(axis=1)]
    edges = np.quantile(rows[:, 1], [0.5] if classes == 2 else [0.3, 0.7])
    labels = (
        np.searchsorted(edges, rows[:, 1]) - 1 if classes == 3 else np.where(rows[:, 1] > edges[0], 1, -1)
    )
    fitted = model(kind, trees=10).fit(rows, labels, names=trained.draft.features.names)
    registry = ModelRegistry(root, clock_at(None))
    registry.save(replace(trained.draft, name="trees"), fitted, rows, trained.events[:8_000])
    found = registry.load("trees", "1.0.0")
    assert type(found.scorer).__name__ == "ForestScorer"
    assert np.array_equal(found.batch(rows[:500]), fitted.predict_proba(rows[:500]))


def test_a_model_is_named_after_its_symbol() -> None:
    assert name_of_symbol("WDO$", "tick") == "wdo_tick"
    assert name_of_symbol("EURUSD", "tick") == "eurusd_tick"
    assert name_of_symbol("$-BTC.USD", "book") == "btcusd_book"
