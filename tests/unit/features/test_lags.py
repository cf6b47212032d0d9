"""Columns of earlier rows: what they hold, and that everything that reads columns takes them."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader import FeatureEngine
from quantumtrader.exceptions import ConfigError, UnknownFeatureError
from quantumtrader.features import FeatureManifest, canonical, definition_hash, info, lagged
from quantumtrader.features.guards import FeatureGuard, GuardLimits
from quantumtrader.features.lags import split_lag
from quantumtrader.training.dataset import build_dataset
from quantumtrader.training.labels import direction
from reference.planted import S, X, sessions

BASE = ("book_imbalance_1", "mid_return_1s")
NAMES = ("book_imbalance_1@2", *BASE, "mid_return_1s@1", "book_imbalance_1@300")


def events(count: int = 3) -> np.ndarray:
    return np.concatenate(sessions(count, 4, 0.5, n=120))


def by_hand(names: tuple[str, ...]) -> np.ndarray:
    frame = FeatureEngine(BASE, X, clock="1s").run(events())
    day = frame.times // (86_400 * S)
    out = np.full((len(frame), len(names)), np.nan)
    for j, name in enumerate(names):
        feature, lag = split_lag(name)
        for k in range(lag, len(frame)):
            if day[k] == day[k - lag]:
                out[k, j] = frame[feature][k - lag]
    return out


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_earlier_rows_of_the_same_session(chunk: int) -> None:
    stream, engine = events(), FeatureEngine(NAMES, X, clock="1s")
    parts = []
    for start in range(0, len(stream), chunk):
        engine.update_many(stream[start : start + chunk])
        parts.append(engine.take().values)
    found = np.concatenate(parts)
    np.testing.assert_array_equal(found, by_hand(NAMES))
    # Nothing is remembered across sessions of 120 rows.
    assert np.isnan(found[:, 4]).all()
    assert np.isfinite(found[:, 0]).sum() > 300
    np.testing.assert_array_equal(engine.run(stream).values, found)  # run begins anew


def test_a_snapshot_looks_back_over_the_rows() -> None:
    engine = FeatureEngine(("book_imbalance_1", "book_imbalance_1@1"), X, clock="1s")
    assert np.isnan(engine.snapshot()).all()
    plain = FeatureEngine(("book_imbalance_1",), X, clock="1s")
    for one in (engine, plain):
        one.update_many(events()[:60])
    last = engine.take().values[-1, 0]
    for _ in range(2):
        assert engine.snapshot().tolist() == [*plain.snapshot().tolist(), last]


def test_what_a_column_is() -> None:
    assert split_lag("a@12") == ("a", 12)
    assert split_lag("a@0") == ("a@0", 0)
    assert lagged(BASE, (0, 4)) == (*BASE, "book_imbalance_1@4", "mid_return_1s@4")
    assert canonical("order_flow_imbalance@2") == f"{canonical('order_flow_imbalance')}@2"
    entry = info("book_imbalance_1@2")
    assert (entry.name, entry.family) == ("book_imbalance_1@2", info("book_imbalance_1").family)
    assert entry.definition.endswith("; 2 rows before, within the session")
    assert (
        len({definition_hash(n) for n in ("book_imbalance_1", "book_imbalance_1@1", "book_imbalance_1@2")})
        == 3
    )
    for wrong in ("nothing@2", "book_imbalance_1@0", "book_imbalance_1@-1", "book_imbalance_1@x"):
        with pytest.raises(UnknownFeatureError):
            FeatureEngine([wrong], X)
    with pytest.raises(ConfigError, match="rows back"):
        FeatureEngine(["ret_1@20000"], X)
    for rows in (0, (), (1, 1), (-1,), (10_001,)):
        with pytest.raises(ConfigError, match="rows"):
            lagged(BASE, rows)


def test_the_manifest_carries_it() -> None:
    manifest = FeatureEngine(NAMES, X, clock="1s").manifest
    again = FeatureManifest.from_json(manifest.to_json())
    assert again == manifest
    built = FeatureEngine.for_manifest(again, X)
    np.testing.assert_array_equal(built.run(events()).values, by_hand(NAMES))
    other = FeatureEngine(("book_imbalance_1@3", *NAMES[1:]), X, clock="1s").manifest
    assert manifest.differences(other)[0].startswith("missing book_imbalance_1@2")


def test_guards_know_it() -> None:
    guard = FeatureGuard(["book_imbalance_1@2"])
    assert guard.observe(0, [7.0]).blocked
    limits = GuardLimits(unchanged_of=(("book_imbalance_1", 5.0),))
    assert limits.unchanged(info("book_imbalance_1@2")) == 5.0


def test_data_sets_of_a_stretch_of_rows() -> None:
    """Rows are computed from their past alone, as those of any other columns."""
    data = build_dataset(
        sessions(3, 4, 0.5, n=120),
        FeatureEngine(lagged(BASE, 5), X, clock="1s"),
        lambda path, rows: direction(path, rows.times, 3 * S, 0.5),
    )
    assert data.X.shape[1] == 10
    assert data.names[2:4] == ("book_imbalance_1@1", "mid_return_1s@1")
    first = np.flatnonzero(np.diff(data.spans.session, prepend=-1))
    assert np.isnan(data.X[first, 2]).all()
    np.testing.assert_array_equal(data.X[first + 1, 2], data.X[first, 0])
