"""The debugger: what is odd in a table of features, and how far it is from another one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from quantumtrader._protocols import Float64
from quantumtrader.exceptions import ConfigError, ManifestError
from quantumtrader.features.aliases import canonical
from quantumtrader.features.catalogue import FeatureInfo, info
from quantumtrader.features.files import read_features
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.types import FeatureFrame

__all__ = [
    "Correlation",
    "DebugReport",
    "Drift",
    "FeatureDebugger",
    "FeatureSummary",
    "Finding",
    "correlations",
    "kolmogorov_smirnov",
    "population_stability",
]

Severity = Literal["error", "warning", "info"]

_SHARE_FLOOR = 1e-4
_TOLERANCE = 1e-9
_WEAK = 1e-4
"""Share of a sum of squares that must be left as variance for the quick way to keep 12 digits of it."""


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """One column in figures; times are ns UTC, figures are over finite values and NaN without any.

    Parameters
    ----------
    name : str
        The column.
    missing : int
        Rows without a value (NaN).
    missing_share : float
        The same as a share of all rows.
    first_valid : int or None
        First row with a value.
    first_valid_ns : int or None
        Its time.
    gaps : int
        Rows without a value after that.
    infinite : int
        Rows with plus or minus infinity.
    below, above : int
        Rows under and over the catalogue's range.
    constant : bool
        Whether all of at least two values are the same.
    distinct : int
        Different values.
    least, greatest, mean, sd : float
        Of the finite values; ``sd`` divides by their count.
    """

    name: str
    missing: int
    missing_share: float
    first_valid: int | None
    first_valid_ns: int | None
    gaps: int
    infinite: int
    below: int
    above: int
    constant: bool
    distinct: int
    least: float
    greatest: float
    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pearson's coefficient of two columns, over the rows in which both are finite."""

    first: str
    second: str
    value: float
    rows: int


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a column is from the reference: see :func:`population_stability`, :func:`kolmogorov_smirnov`."""

    name: str
    psi: float
    ks: float
    missing_share: float
    reference_missing_share: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd: errors make a table invalid, warnings may be as they should be."""

    severity: Severity
    check: str
    feature: str
    count: int
    message: str


@dataclass(frozen=True, slots=True)
class DebugReport:
    """What the debugger has found.

    Parameters
    ----------
    rows : int
        Rows of the table.
    first_ns, last_ns : int or None
        Times of the first and the last, ns UTC.
    features : tuple of FeatureSummary
        One per column.
    duplicates : tuple of tuple of str
        Columns that are the same to the bit, each group once; other names of one feature do not count.
    strongest : tuple of Correlation
        Pairs of greatest absolute correlation, strongest first.
    drift : tuple of Drift
        Against the reference; empty without one.
    findings : tuple of Finding
        Errors first.
    """

    rows: int
    first_ns: int | None
    last_ns: int | None
    features: tuple[FeatureSummary, ...]
    duplicates: tuple[tuple[str, ...], ...]
    strongest: tuple[Correlation, ...]
    drift: tuple[Drift, ...]
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        """Whether there is no error among the findings."""
        return all(finding.severity != "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python types; figures that do not exist are NaN."""
        return {"valid": self.valid, **asdict(self)}


class FeatureDebugger:
    """Looks for what is odd in a table of features.

    Parameters
    ----------
    frame : FeatureFrame or path, optional
        The table, or its file; :meth:`check_features` takes a file as well.
    reference : FeatureFrame or path, optional
        A table of the same features to measure drift against, such as the one that a model was trained on.
    bins : int
        Quantile bins of the stability index; at least 2.
    drifted : float
        Stability index from which a feature is reported as drifted. 0.25 is the usual rule (Siddiqi, 2006).
    missing_more : float
        Difference of the shares of rows without a value, file and reference, from which it is reported as drift;
        0.1 is ten rows of a hundred.
    alike : float
        Absolute correlation from which a pair is reported as saying the same.
    strongest : int
        Pairs that the report lists.
    max_rows : int
        Rows that correlations are computed on, evenly spaced, where there are more; at least 2.

    Examples
    --------
    >>> import numpy as np
    >>> from quantumtrader import FeatureFrame
    >>> frame = FeatureFrame(("flow_ofi_1m",), np.arange(3), np.array([[np.nan], [0.5], [1.5]]))
    >>> report = FeatureDebugger(frame).report()
    >>> report.valid, report.findings[0].check, report.features[0].first_valid
    (False, 'range', 1)
    """

    def __init__(
        self,
        frame: FeatureFrame | Path | str | None = None,
        reference: FeatureFrame | Path | str | None = None,
        *,
        bins: int = 10,
        drifted: float = 0.25,
        missing_more: float = 0.1,
        alike: float = 0.999,
        strongest: int = 20,
        max_rows: int = 50_000,
    ) -> None:
        for name, value, least in (("bins", bins, 2), ("strongest", strongest, 0), ("max_rows", max_rows, 2)):
            if value < least:
                raise ConfigError(f"{name} is {value}; expected {least} or more")
        for name, limit in (("drifted", drifted), ("missing_more", missing_more), ("alike", alike)):
            if not limit > 0:
                raise ConfigError(f"{name} is {limit}; expected a positive number")
        self._frame = None if frame is None else _frame(frame)
        self._reference = None if reference is None else _frame(reference)
        self._bins, self._drifted, self._missing_more = bins, drifted, missing_more
        self._alike, self._strongest, self._max_rows = alike, strongest, max_rows

    @property
    def frame(self) -> FeatureFrame:
        """The table.

        Raises
        ------
        ConfigError
            If there is none yet.
        """
        if self._frame is None:
            raise ConfigError(
                "the debugger has no features yet: give it a frame, or call check_features(path)"
            )
        return self._frame

    def check_features(self, path: FeatureFrame | Path | str | None = None) -> DebugReport:
        """Check a table, or a file of one, and return the report.

        Raises
        ------
        DataError
            If the file cannot be used.
        """
        if path is not None:
            self._frame = _frame(path)
        return self.report()

    def find_missing_values(self) -> dict[str, float]:
        """Return the share of rows without a value of each column that has such rows, the worst first."""
        shares = np.isnan(self.frame.values).mean(axis=0) if len(self.frame) else np.zeros(0)
        order = np.argsort(-shares, kind="stable")
        return {self.frame.names[k]: float(shares[k]) for k in order if shares[k] > 0}

    def correlations(self) -> tuple[Float64, npt.NDArray[np.int64]]:
        """Return the matrix of correlations and of the rows behind each; see :func:`correlations`.

        Returns
        -------
        matrix : ndarray of float64, shape (n_features, n_features)
            NaN where a column is constant, or fewer than two rows have both.
        rows : ndarray of int64, shape (n_features, n_features)
            Rows in which both are finite.
        """
        values = self.frame.values
        if len(values) > self._max_rows:
            values = values[np.linspace(0, len(values) - 1, self._max_rows).astype(np.int64)]
        return correlations(values)

    def strongest_pairs(self) -> tuple[Correlation, ...]:
        """Return the pairs of greatest absolute correlation, strongest first.

        Other names of one feature do not count, nor do pairs with fewer than three common rows: two points always
        lie on a line.
        """
        matrix, rows = self.correlations()
        names = self.frame.names
        upper = np.triu_indices(len(names), 1)
        strength = np.abs(matrix[upper])
        # Rounded, so that the last bits do not decide between pairs that are equally strong.
        order = np.argsort(-np.nan_to_num(strength.round(12), nan=-1.0), kind="stable")
        out: list[Correlation] = []
        for k in order:
            if len(out) == self._strongest or np.isnan(strength[k]):
                break
            i, j = int(upper[0][k]), int(upper[1][k])
            if rows[i, j] > 2 and canonical(names[i]) != canonical(names[j]):
                out.append(Correlation(names[i], names[j], float(matrix[i, j]), int(rows[i, j])))
        return tuple(out)

    def drift(self) -> tuple[Drift, ...]:
        """Compare each column that the reference has as well; empty without a reference."""
        if self._reference is None:
            return ()
        out = []
        for name in self.frame.names:
            if name not in self._reference.names:
                continue
            ours, theirs = self.frame[name], self._reference[name]
            out.append(
                Drift(
                    name,
                    population_stability(theirs, ours, self._bins),
                    kolmogorov_smirnov(theirs, ours),
                    _share(np.isnan(ours)),
                    _share(np.isnan(theirs)),
                )
            )
        return tuple(out)

    def report(self) -> DebugReport:
        """Check everything."""
        frame = self.frame
        summaries = tuple(
            _summary(name, frame.times, frame.values[:, k]) for k, name in enumerate(frame.names)
        )
        duplicates, strongest, drift = _duplicates(frame), self.strongest_pairs(), self.drift()
        findings = [finding for summary in summaries for finding in _about(summary, len(frame))]
        findings += [
            Finding("warning", "duplicate", group[0], len(group), "the same to the bit: " + ", ".join(group))
            for group in duplicates
        ]
        same = {frozenset((a, b)) for group in duplicates for a in group for b in group}
        findings += [
            Finding("info", "correlation", p.first, p.rows, f"correlation {p.value:.4f} with {p.second}")
            for p in strongest
            if abs(p.value) >= self._alike and frozenset((p.first, p.second)) not in same
        ]
        findings += self._about_reference(drift)
        rank = {"error": 0, "warning": 1, "info": 2}
        times = frame.times
        return DebugReport(
            len(frame),
            int(times[0]) if len(times) else None,
            int(times[-1]) if len(times) else None,
            summaries,
            duplicates,
            strongest,
            drift,
            tuple(sorted(findings, key=lambda finding: rank[finding.severity])),
        )

    def _about_reference(self, drift: tuple[Drift, ...]) -> list[Finding]:
        if self._reference is None:
            return []
        out = self._about_drift(self._reference, drift)
        try:
            expected, found = FeatureManifest.of_frame(self._reference), FeatureManifest.of_frame(self.frame)
        except ManifestError:
            if "manifest" in self.frame.metadata and "manifest" not in self._reference.metadata:
                text = "the reference carries no manifest: only the names of the columns were compared"
                out.append(Finding("warning", "manifest", "", 1, text))
            absent = [name for name in self._reference.names if name not in self.frame.names]
            return out + [
                Finding("error", "manifest", n, 1, "the reference has it, the table has not") for n in absent
            ]
        return out + [Finding("error", "manifest", "", 1, text) for text in expected.differences(found)]

    def _about_drift(self, reference: FeatureFrame, drift: tuple[Drift, ...]) -> list[Finding]:
        """Judge each distance, and say where there is none because one side has no values."""
        if len(self.frame) and drift and not any(np.isfinite(reference[d.name]).any() for d in drift):
            text = "no drift measured: the reference has no " + ("values" if len(reference) else "rows")
            return [Finding("error", "drift", "", len(drift), text)]
        out = []
        for d in drift:
            if d.psi >= self._drifted:
                text = f"stability index {d.psi:.3f}, KS {d.ks:.3f} against the reference"
                out.append(Finding("warning", "drift", d.name, 1, text))
            if not np.isfinite(reference[d.name]).any():
                text = "no drift measured: the reference has no values"
                out.append(Finding("warning", "drift", d.name, 1, text))
            elif abs(d.missing_share - d.reference_missing_share) >= self._missing_more:
                text = (
                    f"{d.missing_share:.1%} of the rows have no value, {d.reference_missing_share:.1%} of those of "
                    "the reference"
                )
                out.append(Finding("warning", "drift", d.name, 1, text))
        return out

    def plot(self, path: Path | str, features: tuple[str, ...] | list[str] | None = None) -> Path:
        """Draw distributions and the matrix of correlations into one file; see :func:`plot_overview`.

        Raises
        ------
        MissingExtraError
            Without matplotlib, which the extra ``plot`` installs.
        """
        from quantumtrader.features.plots import plot_overview

        return plot_overview(self, path, features)

    def plot_correlations(self, path: Path | str = "correlations.png") -> Path:
        """Draw the matrix of correlations; errors as in :meth:`plot`."""
        from quantumtrader.features.plots import plot_correlations

        return plot_correlations(self, path)

    @property
    def reference(self) -> FeatureFrame | None:
        """The table that drift is measured against."""
        return self._reference


def correlations(values: Float64) -> tuple[Float64, npt.NDArray[np.int64]]:
    """Return Pearson's coefficient of each pair of columns, over the rows in which both are finite.

    r = Σ(x−x̄)(y−ȳ) / √(Σ(x−x̄)² Σ(y−ȳ)²), the means being those of the common rows (Pearson, 1895).

    Parameters
    ----------
    values : ndarray of float64, shape (n_rows, n_features)
        NaN and infinities are left out.

    Returns
    -------
    matrix : ndarray of float64, shape (n_features, n_features)
        NaN where one of the two does not vary over the common rows.
    rows : ndarray of int64, shape (n_features, n_features)
        Common rows.
    """
    there = np.isfinite(values)
    count = there.sum(axis=0)
    x = _per_unit(np.where(there, values, 0.0))
    # Moments are sums of powers: moved to the column's mean and to its spread, they do not cancel.
    mean = np.divide(x.sum(axis=0), count, out=np.zeros(values.shape[1]), where=count > 0)
    x = _per_unit(np.where(there, x - mean, 0.0))
    mask = there.astype(np.float64)
    rows = mask.T @ mask
    n = np.where(rows > 0, rows, 1.0)
    sums, squares = x.T @ mask, (x * x).T @ mask  # of the row's column over the rows that both have
    covariance = x.T @ x - sums * sums.T / n
    variance = squares - sums * sums / n
    scale = np.sqrt(np.maximum(variance, 0.0)) * np.sqrt(np.maximum(variance.T, 0.0))
    matrix = np.divide(covariance, scale, out=np.full_like(scale, np.nan), where=(scale > 0) & (rows >= 2))
    # Where the common rows lie far from the column's mean, the difference of sums has lost its digits.
    weak = (variance < _WEAK * squares) | (variance.T < _WEAK * squares.T)
    for i, j in zip(*np.nonzero(np.triu(weak & (rows >= 2))), strict=True):
        matrix[i, j] = matrix[j, i] = _pair(x[:, [i, j]][there[:, i] & there[:, j]])
    return np.clip(matrix, -1.0, 1.0), rows.astype(np.int64)


def _pair(both: Float64) -> float:
    """Return the coefficient of two columns without holes, from deviations from their own means."""
    if (both == both[0]).all(axis=0).any():
        return float("nan")
    x, y = _per_unit(both - both.mean(axis=0)).T
    return float((x @ y) / np.sqrt((x @ x) * (y @ y)))


def _per_unit(x: Float64) -> Float64:
    """Return columns in units of their greatest value, so that no sum of squares overflows or vanishes."""
    unit = np.abs(x).max(axis=0, initial=0.0)
    out = np.zeros(x.shape)
    np.divide(x, unit, out=out, where=unit > 0)
    return out


def population_stability(reference: Float64, values: Float64, bins: int = 10) -> float:
    """Return the population stability index of ``values`` against ``reference``.

    PSI = Σ_k (a_k − e_k)·ln(a_k / e_k), with e_k and a_k the shares of the reference and of the values in bin k
    (Siddiqi, *Credit Risk Scorecards*, 2006; it is the symmetric divergence of Jeffreys, 1946, over bins). Bins
    are (−∞, c_1], (c_1, c_2], …, (c_m, ∞): the cuts are the k/bins quantiles of the reference, k = 1 … bins − 1,
    each being the least value with at least that share of the reference at or below it. Equal cuts count once,
    and so does a cut at the greatest value, so that no bin of the reference is empty. A share of 0 counts as 0.0001.

    Parameters
    ----------
    reference, values : ndarray of float64, shape (n,), (m,)
        NaN and infinities are left out.
    bins : int
        Quantile bins.

    Returns
    -------
    float
        0 for equal shares; under 0.1 counts as stable, 0.25 and more as drifted. NaN when either is empty.
    """
    e, a = _finite(reference), _finite(values)
    if not (len(e) and len(a)):
        return float("nan")
    ordered = np.sort(e)
    places = np.ceil(np.arange(1, bins) / bins * len(e) - 1e-9).astype(np.int64) - 1
    cuts = np.unique(ordered[np.maximum(places, 0)])
    cuts = cuts[cuts < ordered[-1]]
    shares = []
    for x in (e, a):
        counts = np.bincount(np.searchsorted(cuts, x, side="left"), minlength=len(cuts) + 1)
        shares.append(np.maximum(counts / len(x), _SHARE_FLOOR))
    expected, actual = shares
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def kolmogorov_smirnov(reference: Float64, values: Float64) -> float:
    """Return the two-sample Kolmogorov-Smirnov statistic, D = sup_x |F(x) − G(x)|.

    F and G are the empirical distribution functions, right-continuous (Smirnov, 1939). Rows of features depend on
    each other, so no p-value goes with it.

    Parameters
    ----------
    reference, values : ndarray of float64, shape (n,), (m,)
        NaN and infinities are left out.

    Returns
    -------
    float
        In [0, 1]; NaN when either is empty.
    """
    e, a = np.sort(_finite(reference)), np.sort(_finite(values))
    if not (len(e) and len(a)):
        return float("nan")
    at = np.concatenate((e, a))
    f = np.searchsorted(e, at, side="right") / len(e)
    g = np.searchsorted(a, at, side="right") / len(a)
    return float(np.abs(f - g).max())


def _frame(source: FeatureFrame | Path | str) -> FeatureFrame:
    if isinstance(source, FeatureFrame):
        return source
    if isinstance(source, (str, Path)):
        return read_features(source)
    raise ConfigError(
        f"expected a FeatureFrame or the path of a feature file, got {type(source).__name__}; of a table of pandas make "
        "FeatureFrame(names, times, values), with times in ns UTC"
    )


def _finite(x: Float64) -> Float64:
    x = np.asarray(x, np.float64)
    return x[np.isfinite(x)]


def _share(mask: npt.NDArray[np.bool_]) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def _entry(name: str) -> FeatureInfo | None:
    try:
        return info(name)
    except KeyError:
        return None


def _summary(name: str, times: npt.NDArray[np.int64], column: Float64) -> FeatureSummary:
    absent = np.isnan(column)
    valid = np.flatnonzero(~absent)
    first = int(valid[0]) if len(valid) else None
    x = column[np.isfinite(column)]
    entry = _entry(name)
    low, high = (None, None) if entry is None else entry.range
    distinct = len(np.unique(x))
    nan = float("nan")
    # A column may hold any finite float; sums of great ones are taken in units of the greatest.
    unit = max(float(np.abs(x).max()), 1e-300) if len(x) else 1.0
    return FeatureSummary(
        name=name,
        missing=int(absent.sum()),
        missing_share=_share(absent),
        first_valid=first,
        first_valid_ns=None if first is None else int(times[first]),
        gaps=0 if first is None else int(absent[first:].sum()),
        infinite=int(np.isinf(column).sum()),
        below=0 if low is None else int((x < low - _TOLERANCE * max(abs(low), 1)).sum()),
        above=0 if high is None else int((x > high + _TOLERANCE * max(abs(high), 1)).sum()),
        constant=len(x) > 1 and distinct == 1,
        distinct=distinct,
        least=float(x.min()) if len(x) else nan,
        greatest=float(x.max()) if len(x) else nan,
        mean=float((x / unit).mean() * unit) if len(x) else nan,
        sd=float((x / unit).std() * unit) if len(x) else nan,
    )


def _about(summary: FeatureSummary, rows: int) -> list[Finding]:
    name, entry = summary.name, _entry(summary.name)
    out = []
    if summary.infinite:
        out.append(Finding("error", "infinite", name, summary.infinite, "infinite values"))
    if entry is not None and summary.below + summary.above:
        low, high = (("−∞" if entry.range[0] is None else f"{entry.range[0]:g}"), entry.range[1])
        text = f"outside [{low}, {'∞' if high is None else f'{high:g}'}]: from {summary.least:g} to {summary.greatest:g}"
        out.append(Finding("error", "range", name, summary.below + summary.above, text))
    if entry is None:
        out.append(Finding("info", "unknown", name, rows, "not in the catalogue: no range is checked"))
    if rows and summary.first_valid is None:
        out.append(Finding("warning", "missing", name, summary.missing, "no value at all"))
    elif summary.gaps:
        out.append(Finding("info", "missing", name, summary.gaps, "rows without a value after the first one"))
    if summary.constant:
        severity: Severity = "info" if entry is not None and entry.kind == "flag" else "warning"
        out.append(Finding(severity, "constant", name, rows - summary.missing, f"always {summary.least:g}"))
    return out


def _duplicates(frame: FeatureFrame) -> tuple[tuple[str, ...], ...]:
    """Return groups of columns that are the same to the bit and have a value."""
    groups: dict[bytes, list[str]] = {}
    for k, name in enumerate(frame.names):
        column = frame.values[:, k]
        if np.isfinite(column).any():
            # One bit pattern for every NaN; the bytes themselves are the key, so that equal means equal.
            groups.setdefault(np.where(np.isnan(column), np.nan, column).tobytes(), []).append(name)
    return tuple(tuple(group) for group in groups.values() if len({canonical(name) for name in group}) > 1)
