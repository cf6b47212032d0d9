"""Fit files: what they hold, what is refused, how the engine and its manifest take them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader import FeatureEngine, Instrument, core
from quantumtrader.exceptions import ConfigError, DataAccessError, DataFormatError, ManifestError
from quantumtrader.features import FeatureManifest, load_fitted
from quantumtrader.features.fit.artifact import (
    Artifact,
    _hash,
    fitted_hashes,
    read_artifact,
    write_artifact,
)
from quantumtrader.features.fit.microprice import MicropriceFitter
from quantumtrader.features.fit.pin import Ekop, Windows
from quantumtrader.features.fit.segments import Range
from quantumtrader.features.verify import recompute
from quantumtrader.types import Fitted

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)
NAMES = ["microprice_dev", "pin_60", "vpin_50", "spread_ticks"]


@pytest.fixture(scope="module")
def session() -> np.ndarray:
    return core().generate_session(seed=1, max_events=15_000)


@pytest.fixture(scope="module")
def table(session: np.ndarray) -> Artifact:
    fitter = MicropriceFitter()
    fitter.add(session)
    return Artifact.microprice(fitter.fit(), WDO)


@pytest.fixture(scope="module")
def every(session: np.ndarray, table: Artifact) -> dict[str, Artifact]:
    seen = Range()
    seen.add(session)
    end = int(session["ts_event"][0])
    windows = Windows(((end, 0.25), (end + 10**9, 0.0)), (Ekop(0.5, 0.5, 10.0, 5.0, 5.0),) * 2, 1)
    return {
        "microprice": table,
        "pin": Artifact.pin(windows, WDO, seen, 1),
        "vpin": Artifact.vpin(40, [2_000], WDO, seen),
    }


@pytest.fixture
def files(every: dict[str, Artifact], tmp_path: Path) -> dict[str, Path]:
    return {kind: write_artifact(artifact, tmp_path / f"{kind}.json") for kind, artifact in every.items()}


def test_what_is_written_is_read(every: dict[str, Artifact], files: dict[str, Path]) -> None:
    for kind, path in files.items():
        assert read_artifact(path) == every[kind]
        document = json.loads(path.read_text("utf-8"))
        assert document["version"] == 1
        assert document["kind"] == kind
        assert document["synthetic"] is True
        assert (document["symbol"], document["product"], document["tick_size"]) == ("WDOU25", "WDO", 0.5)
        assert document["from_ns"] < document["to_ns"]
        assert document["sessions"] == 1
        assert document["observations"] > 0
        assert len(document["catalogue"]) > 8
        assert document["engine"].split()[0] in ("rust", "python")


def test_loading_gives_the_engine_its_input(every: dict[str, Artifact], files: dict[str, Path]) -> None:
    fitted = load_fitted(list(files.values()), WDO)
    assert fitted.vpin_bucket == 40
    assert fitted.pin[0][1] == 0.25
    assert fitted.microprice is not None
    since, table = fitted.microprice
    assert since == every["microprice"].to_ns
    given = [math.nan if x is None else x for x in every["microprice"].values["adjustment"]]
    np.testing.assert_array_equal(table, given)
    assert load_fitted(files["vpin"], replace(WDO, symbol="WDOV25")) == Fitted(
        vpin_bucket=40, vpin_from_ns=every["vpin"].to_ns
    )
    assert load_fitted([], WDO) == Fitted()


def changed(path: Path, change: Callable[[dict[str, Any]], None], *, sealed: bool = True) -> Path:
    """A copy with another content, its hash made to fit."""
    document = json.loads(path.read_text("utf-8"))
    change(document)
    if sealed:
        document.pop("hash", None)
        document["hash"] = _hash(document)
    out = path.with_name("changed.json")
    out.write_text(json.dumps(document), "utf-8")
    return out


def set_value(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(values)


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("vpin", set_value(version=2), "version 2 of fit files is not known; this version reads 1"),
        ("vpin", set_value(kind="garch"), "kind 'garch' is not known; there are microprice, pin, vpin"),
        ("vpin", set_value(more=1), "fields are missing or not known: more"),
        ("vpin", lambda d: d.pop("tick_size"), "fields are missing or not known: tick_size"),
        ("vpin", lambda d: d.pop("kind"), "is not a fit file: it has no `kind`"),
        ("vpin", set_value(values={"usable_from_ns": 5, "bucket": 0}), "expected a bucket of at least 1"),
        ("vpin", set_value(values={"usable_from_ns": 5, "bucket": "40"}), "its values cannot be used"),
        ("vpin", set_value(values={}), "its values cannot be used"),
        ("vpin", set_value(values={"bucket": 40}), "its values cannot be used"),
        ("vpin", set_value(values={"usable_from_ns": None, "bucket": 40}), "expected the time from which"),
        ("pin", set_value(values={"pin": [[5, 0.5], [5, 0.5]]}), "expected times in order"),
        ("pin", set_value(values={"pin": [[5, 1.5]]}), "expected shares between 0 and 1"),
        ("microprice", set_value(values={"usable_from_ns": 1, "adjustment": [0.0]}), "30 numbers"),
    ],
)
def test_what_cannot_be_used_is_refused(
    files: dict[str, Path], kind: str, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    with pytest.raises(DataFormatError, match=message):
        load_fitted(changed(files[kind], change), WDO)


def test_damage_is_found(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match="it was changed after it was written"):
        read_artifact(changed(files["vpin"], set_value(values={"bucket": 41}), sealed=False))
    for number in (float("inf"), float("nan")):
        with pytest.raises(DataFormatError, match="it was changed after it was written"):
            read_artifact(changed(files["vpin"], set_value(tick_size=number), sealed=False))
    (tmp_path / "half.json").write_text(files["pin"].read_text("utf-8")[:100], "utf-8")
    with pytest.raises(DataFormatError, match="is not JSON"):
        read_artifact(tmp_path / "half.json")
    (tmp_path / "list.json").write_text("[]", "utf-8")
    with pytest.raises(DataFormatError, match="is not a fit file"):
        read_artifact(tmp_path / "list.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataFormatError, match="is not JSON"):
        read_artifact(tmp_path / "bytes.json")
    with pytest.raises(DataAccessError, match="no such file"):
        read_artifact(tmp_path / "none.json")


def test_fits_of_something_else_are_refused(files: dict[str, Path], tmp_path: Path) -> None:
    win = Instrument("WINQ25", "WIN", tick_size=5.0, point_value=0.2)
    with pytest.raises(ConfigError, match=r"was fitted to WDOU25 \(WDO\), and this is WINQ25 \(WIN\)"):
        load_fitted(files["pin"], win)
    with pytest.raises(ConfigError, match=r"its tick is 0.5, that of WDOU25 0.25"):
        load_fitted(files["pin"], replace(WDO, tick_size=0.25))
    twin = tmp_path / "twin.json"
    twin.write_bytes(files["pin"].read_bytes())
    with pytest.raises(ConfigError, match=r"twin.json: a second pin fit; .*pin.json is one already"):
        load_fitted([files["pin"], twin], WDO)


def test_a_file_is_replaced_only_when_told(every: dict[str, Artifact], files: dict[str, Path]) -> None:
    with pytest.raises(DataAccessError, match="is there already"):
        write_artifact(every["vpin"], files["pin"])
    write_artifact(every["vpin"], files["pin"], overwrite=True)
    assert read_artifact(files["pin"]).kind == "vpin"
    with pytest.raises(DataAccessError, match="cannot be written"):
        write_artifact(every["vpin"], files["pin"] / "below.json")
    assert sorted(p.name for p in files["pin"].parent.iterdir()) == [
        "microprice.json",
        "pin.json",
        "vpin.json",
    ]


def test_the_manifest_names_the_fits_that_columns_read(
    every: dict[str, Artifact], files: dict[str, Path]
) -> None:
    engine = FeatureEngine(NAMES, WDO, "1s", fitted=list(files.values()))
    options = dict(engine.manifest.options)
    assert options == {f"fitted_{kind}": artifact.values_hash for kind, artifact in every.items()}
    assert FeatureManifest.from_json(engine.manifest.to_json()) == engine.manifest
    by_value = FeatureEngine(NAMES, WDO, "1s", fitted=load_fitted(list(files.values()), WDO))
    assert by_value.manifest.hash == engine.manifest.hash  # the numbers count, not the way they came
    fewer = FeatureEngine(["pin_60"], WDO, "1s", fitted=list(files.values()))
    assert [name for name, _ in fewer.manifest.options] == ["fitted_pin"]
    none = FeatureEngine(["spread_ticks"], WDO, "1s", fitted=files["pin"])
    assert none.manifest == FeatureEngine(["spread_ticks"], WDO, "1s").manifest
    assert fitted_hashes(Fitted(), NAMES) == {}


def test_a_model_refuses_rows_of_another_fit(
    every: dict[str, Artifact], files: dict[str, Path], session: np.ndarray
) -> None:
    trained = FeatureEngine(NAMES, WDO, "1s", fitted=list(files.values()))
    manifest = trained.manifest
    same = FeatureEngine.for_manifest(manifest, WDO, fitted=list(files.values()))
    manifest.require(same)
    with pytest.raises(
        ManifestError, match=r"the microprice fit is not given, expected .*Give the fit files"
    ):
        FeatureEngine.for_manifest(manifest, WDO)
    with pytest.raises(ManifestError, match="fitted_microprice is not given, expected"):
        manifest.require(FeatureEngine(NAMES, WDO, "1s"))
    other = replace(load_fitted(list(files.values()), WDO), vpin_bucket=41)
    with pytest.raises(ManifestError, match=f"the vpin fit is .*, expected {every['vpin'].values_hash}"):
        FeatureEngine.for_manifest(manifest, WDO, fitted=other)
    plain = FeatureEngine(["vpin_50"], WDO, "1s").manifest
    with pytest.raises(ManifestError, match="expected none"):
        FeatureEngine.for_manifest(plain, WDO, fitted=other)

    frame = trained.run(session)
    assert np.isfinite(frame["pin_60"]).any()
    assert np.isnan(frame["vpin_50"]).all(), "it was fitted to this very session"
    assert np.isnan(frame["microprice_dev"]).all()  # its own session lies in the data
    assert recompute(frame, [session], WDO, fitted=list(files.values())).equal
    without = recompute(frame, [session], WDO)
    assert not without.equal
    assert any("fitted_pin is not given" in text for text in without.manifest)


def test_the_engine_is_given_the_numbers(files: dict[str, Path], session: np.ndarray, engine) -> None:
    """Public and low-level engine, on a later session."""
    later = session.copy()
    day = 86_400 * 10**9
    later["ts_event"] += day
    later["ts_recv"] += day
    public = FeatureEngine(NAMES, WDO, "1s", fitted=list(files.values())).run(later)
    assert np.isfinite(public["microprice_dev"]).mean() > 0.5
    low = engine.FeatureEngine(NAMES, 0.5, 10.0, "1s", fitted=load_fitted(list(files.values()), WDO))
    low.update_many(later)
    np.testing.assert_allclose(low.take()[1], public.values, rtol=1e-9)
