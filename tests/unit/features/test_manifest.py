"""Manifests: what they say, and what they refuse."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import numpy as np
import pytest

from quantumtrader import FeatureEngine, FeatureFrame, Instrument, empty_events, features
from quantumtrader.exceptions import DataFormatError, ManifestError
from quantumtrader.features import FeatureManifest, catalogue

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)
NAMES = ["flow_ofi_1m", "hmarl_ofi_5m", "spread_ticks", "rsi_14"]


def engine(names: list[str] = NAMES, instrument: Instrument = WDO, **options: str) -> FeatureEngine:
    return FeatureEngine(names, instrument, **{"clock": "1s", **options})


def test_it_says_what_a_row_is() -> None:
    manifest = engine().manifest
    assert manifest.names == tuple(NAMES)
    assert manifest.features == ("flow_ofi_1m", "flow_ofi_5m", "spread_ticks", "rsi_14")
    assert manifest.warmups == ("Wt 60 s", "Wt 300 s", "Ws", "Wn 15")
    assert (manifest.clock, manifest.warmup, manifest.rlp_sign) == ("1s", "full", "drop")
    assert (manifest.tick_size, manifest.point_value) == (0.5, 10.0)
    assert manifest.catalogue == features.catalogue_hash()
    with pytest.raises(dataclasses.FrozenInstanceError):
        manifest.clock = "2s"  # type: ignore[misc]


def test_its_hash_is_that_of_canonical_json() -> None:
    manifest = engine().manifest
    document = json.loads(manifest.to_json())
    written = document.pop("hash")
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert written == manifest.hash == hashlib.sha256(text.encode()).hexdigest()
    assert engine().manifest.hash == manifest.hash
    assert engine(clock="2s").manifest.hash != manifest.hash
    assert engine(NAMES[::-1]).manifest.hash != manifest.hash


def test_json_and_back() -> None:
    manifest = engine().manifest
    again = FeatureManifest.from_json(manifest.to_json())
    assert again == manifest
    assert again.to_json() == manifest.to_json()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(clock="2s"), "changed after it was written"),
        (lambda d: d.update(tick_size=float("inf")), "changed after it was written"),
        (lambda d: d.update(engine="\ud800"), "changed after it was written"),
        (lambda d: d["names"].reverse(), "changed after it was written"),
        (lambda d: d.pop("clock"), "fields are missing or not known: clock"),
        (lambda d: d.update(extra=1), "fields are missing or not known: extra"),
        (lambda d: d.update(schema=9), "layout 9 is not known; this version reads 1"),
        (lambda d: d["names"].pop(), "3 names, 4 features"),
    ],
)
def test_a_changed_text_is_refused(change: object, message: str) -> None:
    document = json.loads(engine().manifest.to_json())
    change(document)  # type: ignore[operator]
    with pytest.raises(DataFormatError, match=message):
        FeatureManifest.from_json(json.dumps(document))


@pytest.mark.parametrize("text", ["", "[]", "\xff", "{"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(DataFormatError, match="manifest"):
        FeatureManifest.from_json(text)


def test_the_same_rows_pass() -> None:
    engine().manifest.require(engine())
    other = Instrument("WDOV25", "WDO", tick_size=0.5, point_value=10.0)
    engine().manifest.require(engine(instrument=other))  # the next contract
    mine = engine().manifest
    mine.check(dataclasses.replace(mine, engine="another", catalogue="another"))  # for information only


def test_another_order_is_refused() -> None:
    with pytest.raises(ManifestError, match="another order: column 0 is hmarl_ofi_5m, expected flow_ofi_1m"):
        engine().manifest.require(engine(["hmarl_ofi_5m", "flow_ofi_1m", "spread_ticks", "rsi_14"]))


def test_another_name_is_refused_and_recognised() -> None:
    with pytest.raises(ManifestError) as error:
        engine().manifest.require(engine(["flow_ofi_1m", "flow_ofi_5m", "spread_ticks", "rsi_14"]))
    assert error.value.differences == (
        "missing hmarl_ofi_5m (the same feature under another name: flow_ofi_5m for hmarl_ofi_5m)",
        "not expected flow_ofi_5m",
    )


def test_everything_that_differs_is_listed() -> None:
    manifest = engine().manifest
    other = engine(
        ["flow_ofi_1m", "spread_ticks"],
        Instrument("X", "X", tick_size=1.0, point_value=10.0),
        clock="100ms",
        warmup="partial",
        rlp_sign="quote",
    ).manifest
    other = dataclasses.replace(other, version="9.9", definitions=("0" * 16, other.definitions[1]))
    with pytest.raises(ManifestError) as error:
        manifest.check(other)
    assert error.value.differences == (
        "missing hmarl_ofi_5m, rsi_14",
        f"another definition of flow_ofi_1m (0000000000000000, expected {manifest.definitions[0]})",
        "clock is 100ms, expected 1s",
        "warmup is partial, expected full",
        "rlp_sign is quote, expected drop",
        "tick_size is 1.0, expected 0.5",
        f"version is 9.9, expected {manifest.version}",
    )
    assert all(text in str(error.value) for text in error.value.differences)


def test_further_options_count_as_well() -> None:
    mine = dataclasses.replace(engine().manifest, options=(("a", 1.5), ("table", "x")))
    assert FeatureManifest.from_json(mine.to_json()) == mine
    assert mine.hash != engine().manifest.hash
    other = dataclasses.replace(mine, options=(("a", 2.5), ("b", None)))
    assert mine.differences(other) == (
        "a is 2.5, expected 1.5",
        "table is not given, expected x",
        "b is None, expected not given",
    )


def test_the_length_of_the_session_counts_where_a_column_depends_on_it() -> None:
    assert engine().manifest.options == ()
    with_hours = FeatureEngine(["session_frac"], "WDOU25").manifest
    seconds = FeatureEngine(["session_frac"], "WDOU25").instrument.session_seconds()
    assert with_hours.options == (("session_seconds", seconds),)
    other = FeatureEngine(["session_frac"], WDO, clock="100ms").manifest
    assert with_hours.differences(other) == (f"session_seconds is None, expected {seconds}",)


def test_an_engine_for_a_manifest() -> None:
    manifest = engine(clock="5s", warmup="partial", rlp_sign="quote").manifest
    serving = FeatureEngine.for_manifest(FeatureManifest.from_json(manifest.to_json()), "WDOV25")
    manifest.require(serving)
    assert serving.manifest == manifest


def test_a_definition_has_its_own_hash() -> None:
    assert features.definition_hash("hmarl_ofi_1m") == features.definition_hash("flow_ofi_1m")
    hashes = [features.definition_hash(f.name) for f in catalogue()]
    assert len(set(hashes)) == len(hashes)


def test_a_frame_carries_it() -> None:
    frame = engine().run(empty_events())
    assert FeatureManifest.of_frame(frame) == engine().manifest
    assert frame.to_arrow().schema.metadata[b"manifest"].decode() == engine().manifest.to_json()
    bare = FeatureFrame(("a",), np.zeros(0, np.int64), np.zeros((0, 1)))
    with pytest.raises(ManifestError, match="carries no manifest"):
        FeatureManifest.of_frame(bare)
    renamed = dataclasses.replace(frame, names=("a", "b", "c", "d"))
    with pytest.raises(ManifestError, match="not those of its manifest"):
        FeatureManifest.of_frame(renamed)


def test_a_column_is_there_once() -> None:
    mine = engine().manifest
    with pytest.raises(ManifestError, match='"flow_ofi_1m" is there twice'):
        dataclasses.replace(mine, names=("flow_ofi_1m", *mine.names[:3]))


def test_a_text_that_is_too_deep_is_no_manifest() -> None:
    with pytest.raises(DataFormatError, match="manifest: not JSON"):
        FeatureManifest.from_json("[" * 100_000)
