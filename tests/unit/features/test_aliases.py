"""Other names of features, and sets."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader import FeatureEngine, Instrument, features
from quantumtrader.exceptions import ConfigError, UnknownFeatureError
from quantumtrader.features import sets
from quantumtrader.features.aliases import ALIASES, GROUPS, aliases_of, canonical, missing
from quantumtrader.types import Events
from reference.flows import random_flow

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)
KNOWN = tuple(f.name for f in features.catalogue())


@pytest.fixture(scope="module")
def events() -> Events:
    return random_flow(5, 300, "levels", markers=False, calm=True)


@pytest.mark.skipif(len(KNOWN) < 250, reason=f"the catalogue has {len(KNOWN)} of its 250 features so far")
def test_every_name_leads_to_a_feature() -> None:
    assert missing(KNOWN) == ()


def test_missing_lists_features_once() -> None:
    assert missing(()) == tuple(dict.fromkeys((*ALIASES.values(), *missing(ALIASES.values()))))
    assert missing((*ALIASES.values(), *(canonical(n) for group in GROUPS.values() for n in group))) == ()


def test_no_alias_hides_a_feature_or_a_set() -> None:
    assert not set(ALIASES) & set(KNOWN)
    assert not set(ALIASES) & set(ALIASES.values())
    assert not set(features.set_names()) & (set(ALIASES) | set(KNOWN))
    assert len(features.set_names()) == len(set(features.set_names()))
    assert all(len(group) > 1 for group in GROUPS.values())


def test_order_flow_imbalance_is_that_of_trades() -> None:
    assert canonical("order_flow_imbalance") == "flow_ofi_1m"
    assert aliases_of("flow_ofi_1m") == ("hmarl_ofi_1m", "order_flow_imbalance")
    assert canonical("book_ofi_1m") == "book_ofi_1m"
    assert features.info("cumulative_delta") is features.info("cvd_session")


def test_short_names_of_the_design_documents() -> None:
    """``momentum`` is that of the flow, not of prices (``mom_10``); ``skew`` that of the profile, not of sizes."""
    assert canonical("momentum") == "flow_momentum"
    assert canonical("skew") == "profile_skew"
    assert features.resolve("divergence") == features.resolve("delta_divergence")


def test_a_column_keeps_the_name_that_was_asked_for(events: Events) -> None:
    names = ["hmarl_ofi_1m", "cvd_session", "order_flow_imbalance", "flow_ofi_1m", "cumulative_delta"]
    engine = FeatureEngine(names, WDO, clock="1s", warmup="partial")
    frame = engine.run(events)
    plain = FeatureEngine(["flow_ofi_1m", "cvd_session"], WDO, clock="1s", warmup="partial").run(events)
    assert frame.names == engine.names == tuple(names)
    for name, own in zip(names, (0, 1, 0, 0, 1), strict=True):
        assert frame[name].tobytes() == plain.values[:, own].tobytes()
    assert np.isfinite(frame["hmarl_ofi_1m"]).any()
    np.testing.assert_array_equal(engine.snapshot()[[0, 1]], engine.snapshot()[[3, 4]])


def test_each_feature_is_computed_once() -> None:
    engine = FeatureEngine(["hmarl_ofi_1m", "order_flow_imbalance", "cvd_session"], WDO)
    assert list(engine._engine.names) == ["flow_ofi_1m", "cvd_session"]
    with pytest.raises(ConfigError, match='feature "hmarl_ofi_1m" is given twice'):
        FeatureEngine(["hmarl_ofi_1m", "hmarl_ofi_1m"], WDO)


def test_a_set_in_a_list_is_called_a_set() -> None:
    with pytest.raises(UnknownFeatureError, match=r'"hmarl" is a set, not a feature: .*\*resolve\("hmarl"\)'):
        features.resolve(["cvd_session", "hmarl"])
    assert "hmarl_ofi_1m" in features.resolve(["cvd_session", *features.resolve("hmarl")])
    with pytest.raises(
        UnknownFeatureError, match=r"in the catalogue\. All names: quantumtrader features list"
    ):
        features.resolve(["nope"])


def test_a_feature_that_is_not_there_yet_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from quantumtrader.features import aliases

    monkeypatch.setattr(aliases, "ALIASES", {"hmarl_new": "not_there"})
    monkeypatch.setattr(sets, "GROUPS", {"both": ("cvd_session", "hmarl_new")})
    with pytest.raises(UnknownFeatureError, match=r'no feature "not_there" \(which "hmarl_new" stands for\)'):
        features.info("hmarl_new")
    with pytest.raises(UnknownFeatureError, match="not_there"):
        features.resolve("both")


def test_sets_of_every_family_and_rule() -> None:
    by_name = {f.name: f for f in features.catalogue()}
    assert {f.family for f in by_name.values()} <= set(features.FAMILIES)
    for family in features.FAMILIES:
        mine = tuple(name for name, f in by_name.items() if f.family == family)
        if mine:
            assert features.resolve(family) == mine
    assert features.resolve("book_enhanced") == features.resolve("all") == KNOWN
    tick_only = features.resolve("tick_only")
    book = {name for name, f in by_name.items() if {"L1", "L2", "L3"} & set(f.inputs)}
    assert set(tick_only) == set(KNOWN) - book
    assert book


def test_a_group_is_a_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert features.resolve("delta_divergence") == ("delta_divergence_5m", "delta_divergence_15m")
    assert features.resolve("volume_profile") == ("poc_distance", "va_position", "profile_skew")
    monkeypatch.setitem(features.SETS, "none", lambda f: False)
    with pytest.raises(ConfigError, match='the set "none" is empty'):
        features.resolve("none")
