"""The debugger: by hand, against pandas, and against scipy where it is installed."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantumtrader import FeatureEngine, FeatureFrame, Instrument, core
from quantumtrader.exceptions import ConfigError
from quantumtrader.features import FeatureDebugger, compute_to_file
from quantumtrader.features.debugger import correlations, kolmogorov_smirnov, population_stability

NAN, INF = math.nan, math.inf
WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)


def table(**columns: list[float]) -> FeatureFrame:
    values = np.column_stack([np.array(column, np.float64) for column in columns.values()])
    return FeatureFrame(tuple(columns), np.arange(len(values)) * 10**9, values)


def checks(frame: FeatureFrame, **options: float) -> list[tuple[str, str, str, int]]:
    found = FeatureDebugger(frame, **options).report().findings  # type: ignore[arg-type]
    return [(f.severity, f.check, f.feature, f.count) for f in found]


def test_missing_values() -> None:
    frame = table(flow_ofi_1m=[NAN, NAN, 0.5, NAN], cvd_session=[1, 2, 3, 4], rsi_14=[NAN] * 4)
    debugger = FeatureDebugger(frame)
    assert debugger.find_missing_values() == {"rsi_14": 1.0, "flow_ofi_1m": 0.75}
    report = debugger.report()
    first = report.features[0]
    assert (first.missing, first.missing_share, first.first_valid, first.first_valid_ns) == (
        3,
        0.75,
        2,
        2 * 10**9,
    )
    assert first.gaps == 1
    assert (report.features[2].first_valid, report.features[2].first_valid_ns) == (None, None)
    assert math.isnan(report.features[2].mean)
    assert checks(frame) == [("warning", "missing", "rsi_14", 4), ("info", "missing", "flow_ofi_1m", 1)]
    assert report.valid


def test_values_that_cannot_be() -> None:
    frame = table(flow_ofi_1m=[0.5, 1.5, -2, 1.0], spread_ticks=[1, INF, -INF, 2], rsi_14=[50, 101, 7, 8])
    report = FeatureDebugger(frame).report()
    assert not report.valid
    assert (report.features[0].below, report.features[0].above) == (1, 1)
    assert report.features[1].infinite == 2
    assert (report.features[1].least, report.features[1].greatest) == (1, 2)
    assert checks(frame) == [
        ("error", "range", "flow_ofi_1m", 2),
        ("error", "infinite", "spread_ticks", 2),
        ("error", "range", "rsi_14", 1),
    ]
    assert "outside [-1, 1]: from -2 to 1.5" in report.findings[0].message


def test_constants_and_copies() -> None:
    frame = table(
        flow_ofi_1m=[NAN, 0.5, 0.5], flow_ofi_5m=[NAN, 0.1, 0.2], cvd_session=[NAN, 0.1, 0.2],
        delta_divergence_5m=[1, 1, 1], hmarl_ofi_5m=[NAN, 0.1, 0.2], mine=[1, 2, NAN], rsi_14=[NAN, NAN, 7],
    )  # fmt: skip
    report = FeatureDebugger(frame).report()
    assert report.duplicates == (("flow_ofi_5m", "cvd_session", "hmarl_ofi_5m"),)
    assert [f.constant for f in report.features] == [True, False, False, True, False, False, False]
    assert checks(frame) == [
        ("warning", "constant", "flow_ofi_1m", 2),
        ("warning", "duplicate", "flow_ofi_5m", 3),
        ("info", "constant", "delta_divergence_5m", 3),  # a flag may be
        ("info", "unknown", "mine", 3),
        ("info", "missing", "mine", 1),
    ]
    only_names = table(flow_ofi_5m=[0.1, 0.2], hmarl_ofi_5m=[0.1, 0.2])
    assert FeatureDebugger(only_names).report().duplicates == ()
    assert FeatureDebugger(only_names).report().strongest == ()


def test_the_strongest_pairs() -> None:
    x = np.arange(10.0)
    frame = table(a=x.tolist(), b=(-2 * x + 1).tolist(), c=(x**2).tolist(), d=[1.0] * 10)
    pairs = FeatureDebugger(frame, strongest=2).strongest_pairs()
    assert [(p.first, p.second, p.rows) for p in pairs] == [("a", "b", 10), ("a", "c", 10)]
    assert pairs[0].value == pytest.approx(-1, abs=1e-12)
    # Σ(x−4.5)(x²−28.5) = 742.5, Σ(x−4.5)² = 82.5, Σ(x²−28.5)² = 7 210.5
    assert pairs[1].value == pytest.approx(742.5 / math.sqrt(82.5 * 7210.5))
    assert ("info", "correlation", "a", 10) in checks(frame)


@settings(max_examples=50)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(2, 30), st.integers(2, 5)),
        elements=st.one_of(
            st.sampled_from((NAN, INF, 0.0, 1.0)), st.integers(-1000, 1000).map(lambda k: k / 8 + 1e6)
        ),
    )
)
def test_correlations_are_those_of_pandas(values: np.ndarray) -> None:
    matrix, rows = correlations(values)
    frame = pd.DataFrame(np.where(np.isfinite(values), values, NAN))
    there = frame.notna().to_numpy().astype(int)
    np.testing.assert_array_equal(rows, there.T @ there)
    np.testing.assert_array_equal(matrix, matrix.T)
    for i in range(values.shape[1]):
        for j in range(values.shape[1]):
            both = frame[[i]].join(frame[[j]].rename(columns={j: "other"})).dropna().to_numpy()
            if len(both) < 2 or (both == both[0]).all(axis=0).any():
                assert math.isnan(matrix[i, j])
            else:
                x, y = (both - both.mean(axis=0)).T
                expected = (x @ y) / math.sqrt((x @ x) * (y @ y))
                assert matrix[i, j] == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_correlations_of_great_and_small_values() -> None:
    x = np.array([1.0, 2.0, 4.0, -1.5])
    values = np.column_stack((x * 3e307, x * 1e-300, x))
    with np.errstate(all="raise", under="ignore"):
        matrix, _ = correlations(values)
    assert matrix == pytest.approx(np.ones((3, 3)))


def test_many_rows_are_thinned() -> None:
    rng = np.random.default_rng(0)
    frame = FeatureFrame(("a", "b"), np.arange(1_000), rng.normal(size=(1_000, 2)))
    assert FeatureDebugger(frame, max_rows=100).correlations()[1].tolist() == [[100, 100], [100, 100]]


def test_stability_by_hand() -> None:
    # Reference 1…10 in two bins: the cut is 5. Shares ½, ½ against ⅕, ⅘.
    reference = np.arange(1.0, 11.0)
    values = np.array([5.0, 6.0, 7.0, 8.0, 9.0])
    expected = (0.2 - 0.5) * math.log(0.2 / 0.5) + (0.8 - 0.5) * math.log(0.8 / 0.5)
    assert population_stability(reference, values, bins=2) == pytest.approx(expected, rel=1e-12)
    assert population_stability(reference, reference, bins=10) == 0
    # An empty bin counts as 0.0001.
    far = (0.0001 - 0.5) * math.log(0.0001 / 0.5) + (1 - 0.5) * math.log(1 / 0.5)
    assert population_stability(reference, values + 10, bins=2) == pytest.approx(far, rel=1e-12)
    # Ties: the deciles of a coin are one cut; all of one value is one bin, which nothing can leave.
    coin = np.array([0.0, 1.0] * 50)
    assert population_stability(coin, np.array([0.0, 1.0, 1.0, 1.0])) == pytest.approx(
        (0.25 - 0.5) * math.log(0.25 / 0.5) + (0.75 - 0.5) * math.log(0.75 / 0.5)
    )
    assert population_stability(np.ones(5), np.zeros(5)) == 0
    assert math.isnan(population_stability(reference, np.array([NAN])))
    with_holes = np.concatenate((values, [NAN, INF]))
    assert population_stability(reference, with_holes, bins=2) == pytest.approx(expected)


@given(st.integers(0, 10_000), st.integers(2, 20))
def test_bins_of_distinct_values_are_equal(seed: int, bins: int) -> None:
    reference = np.random.default_rng(seed).normal(size=bins * 7)
    assert population_stability(reference, reference, bins) == pytest.approx(0)
    # Each bin holds 7 of the reference: values of one bin give (1−1/k)·ln k + (k−1)(1/k)·…, whichever it is.
    ordered = np.sort(reference)
    psi = [population_stability(reference, ordered[7 * k : 7 * k + 7], bins) for k in range(bins)]
    assert psi == pytest.approx([psi[0]] * bins)


def test_distance_by_hand() -> None:
    # F steps at 1, 2, 3; G at 2, 4: greatest distance is at 3: 1 − ½.
    assert kolmogorov_smirnov(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0])) == 0.5
    assert kolmogorov_smirnov(np.array([1.0, 2.0]), np.array([3.0, NAN])) == 1.0
    assert kolmogorov_smirnov(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.0
    assert math.isnan(kolmogorov_smirnov(np.array([]), np.array([1.0])))


@given(st.lists(st.integers(0, 9), min_size=1), st.lists(st.integers(0, 9), min_size=1))
def test_distance_is_the_definition(a: list[int], b: list[int]) -> None:
    expected = max(abs(sum(v <= x for v in a) / len(a) - sum(v <= x for v in b) / len(b)) for x in a + b)
    x, y = np.array(a, np.float64), np.array(b, np.float64)
    assert kolmogorov_smirnov(x, y) == pytest.approx(expected)
    assert kolmogorov_smirnov(y, x) == pytest.approx(expected)


def test_distance_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed; the hand cases remain")
    rng = np.random.default_rng(1)
    for _ in range(20):
        a, b = rng.normal(size=50).round(1), rng.normal(0.3, 2, size=80).round(1)
        assert kolmogorov_smirnov(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic)


def test_drift_against_a_reference() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=2_000)
    reference = table(a=x.tolist(), b=x.tolist(), c=x.tolist())
    frame = table(a=rng.normal(size=2_000).tolist(), b=(x + 1.5).tolist())
    report = FeatureDebugger(frame, reference).report()
    assert [d.name for d in report.drift] == ["a", "b"]
    assert report.drift[0].psi < 0.02
    assert report.drift[1].psi > 1
    assert [
        (f.severity, f.check, f.feature) for f in report.findings if f.check in ("drift", "manifest")
    ] == [
        ("error", "manifest", "c"),
        ("warning", "drift", "b"),
    ]
    assert not report.valid
    assert FeatureDebugger(frame).drift() == ()


def test_missing_values_drift_as_well() -> None:
    x = np.random.default_rng(3).normal(size=(1_000, 3))
    half = np.where(np.arange(1_000)[:, None] % 2 == 0, NAN, x)
    reference = table(a=x[:, 0].tolist(), b=x[:, 1].tolist(), c=[NAN] * 1_000)
    frame = table(a=half[:, 0].tolist(), b=[NAN] * 60 + x[60:, 1].tolist(), c=x[:, 2].tolist())
    found = FeatureDebugger(frame, reference).report().findings
    assert [(f.severity, f.feature, f.message) for f in found if f.check == "drift"] == [
        ("warning", "a", "50.0% of the rows have no value, 0.0% of those of the reference"),
        ("warning", "c", "no drift measured: the reference has no values"),
    ]
    found = FeatureDebugger(frame, reference, missing_more=0.06).report().findings
    assert [f.feature for f in found if f.check == "drift"] == ["a", "b", "c"]


@pytest.mark.parametrize(("column", "what"), [([], "no rows"), ([NAN, NAN], "no values")])
def test_a_reference_of_nothing_measures_nothing(column: list[float], what: str) -> None:
    report = FeatureDebugger(table(a=[1.0, 2.0], b=[2.0, 1.0]), table(a=column, b=column)).report()
    assert not report.valid
    assert [f.message for f in report.findings if f.check == "drift"] == [
        f"no drift measured: the reference has {what}"
    ]


def test_a_reference_of_other_features_is_an_error(tmp_path: Path) -> None:
    events = core().generate_session(seed=4, max_events=3_000)
    names = ["flow_ofi_1m", "cvd_session"]
    old = compute_to_file([events], FeatureEngine(names, WDO, "1s"), tmp_path / "a.parquet").path
    new = compute_to_file([events], FeatureEngine(names[::-1], WDO, "1s"), tmp_path / "b.parquet").path
    assert FeatureDebugger(old, old).report().valid
    report = FeatureDebugger(new, old).report()
    assert [f.message for f in report.findings if f.severity == "error"] == [
        "another order: column 0 is cvd_session, expected flow_ofi_1m"
    ]
    assert FeatureDebugger().check_features(old).valid


def test_the_report_as_a_dictionary() -> None:
    document = FeatureDebugger(table(flow_ofi_1m=[0.5, 1.5, 0], cvd_session=[1, 2, 3])).report().to_dict()
    assert document["valid"] is False
    assert document["features"][0]["above"] == 1
    assert document["strongest"][0]["first"] == "flow_ofi_1m"


def test_a_table_of_pandas_is_told_from_a_path() -> None:
    frame = FeatureFrame(("mine",), np.arange(3), np.ones((3, 1)))
    with pytest.raises(ConfigError, match=r"got DataFrame; .* make FeatureFrame"):
        FeatureDebugger(frame.to_pandas())


def test_an_empty_table() -> None:
    frame = FeatureFrame(("flow_ofi_1m",), np.zeros(0, np.int64), np.zeros((0, 1)))
    report = FeatureDebugger(frame).report()
    assert (report.rows, report.first_ns, report.valid) == (0, None, True)
    assert FeatureDebugger(frame).find_missing_values() == {}


@pytest.mark.parametrize(
    "wrong", [{"bins": 1}, {"max_rows": 1}, {"strongest": -1}, {"drifted": 0.0}, {"alike": NAN}]
)
def test_wrong_options(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        FeatureDebugger(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no features yet"):
        FeatureDebugger().report()


@given(hnp.arrays(np.float64, st.tuples(st.integers(0, 12), st.just(3)), elements=st.floats(width=64)))
def test_any_floats_are_survived(values: np.ndarray) -> None:
    frame = FeatureFrame(("flow_ofi_1m", "spread_ticks", "mine"), np.arange(len(values)), values)
    with np.errstate(all="raise", under="ignore"):
        report = FeatureDebugger(frame, frame).report()
    assert report.rows == len(values)
    assert all(not abs(c.value) > 1 for c in report.strongest)
