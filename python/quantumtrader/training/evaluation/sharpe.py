"""Sharpe ratios and how much of one is luck.

All ratios are per period (per session, usually); multiply by ``sqrt(252)`` only to show them. The
probabilistic ratio corrects for length, skewness and tails (Bailey and López de Prado, 2012, "The Sharpe
ratio efficient frontier"), the deflated one for the number of trials behind the winner (Bailey and López de
Prado, 2014, "The deflated Sharpe ratio").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError

__all__ = [
    "Sharpe",
    "annualised",
    "deflated_sharpe",
    "expected_best_sharpe",
    "probabilistic_sharpe",
    "sharpe",
    "track_record_length",
]

_NORMAL = NormalDist()
_EULER = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class Sharpe:
    """A Sharpe ratio with the moments that its uncertainty depends on.

    Parameters
    ----------
    ratio : float
        Mean over standard deviation (``n - 1``) per period; NaN when there is no variation.
    n : int
        Periods.
    skewness : float
        Third standardised moment.
    kurtosis : float
        Fourth standardised moment; 3 for a normal distribution.
    """

    ratio: float
    n: int
    skewness: float = 0.0
    kurtosis: float = 3.0

    @property
    def error(self) -> float:
        """Standard error of the ratio (Mertens, 2002); NaN below two periods."""
        if self.n < 2:
            return math.nan
        variance = 1 - self.skewness * self.ratio + (self.kurtosis - 1) / 4 * self.ratio**2
        return math.sqrt(variance / (self.n - 1)) if variance > 0 else math.nan


def sharpe(returns: npt.ArrayLike) -> Sharpe:
    """Measure the Sharpe ratio of a series.

    Parameters
    ----------
    returns : array_like, shape (n,)
        Result per period, in any unit; a period without a position counts as 0.

    Raises
    ------
    ConfigError
        A value is not finite: a missing period must be decided about, not skipped.
    """
    x = _finite(returns, "returns")
    n = len(x)
    if n < 2:
        return Sharpe(math.nan, n, math.nan, math.nan)
    mean = float(x.mean())
    central = x - mean
    m2 = float((central**2).mean())
    # Numbers that differ by rounding alone have no variation.
    if m2 <= (1e-12 * max(abs(mean), float(np.abs(x).max()))) ** 2:
        return Sharpe(math.nan, n, math.nan, math.nan)
    ratio = mean / math.sqrt(m2 * n / (n - 1))
    return Sharpe(ratio, n, float((central**3).mean()) / m2**1.5, float((central**4).mean()) / m2**2)


def annualised(ratio: float, periods: float = 252.0) -> float:
    """Scale a ratio per period to a year of ``periods`` periods, as if periods were independent."""
    return ratio * math.sqrt(periods)


def probabilistic_sharpe(observed: Sharpe, benchmark: float = 0.0) -> float:
    """Probability that the true ratio exceeds ``benchmark`` (per period); NaN where the ratio or its error
    is.
    """
    z = (observed.ratio - benchmark) / observed.error if observed.error else math.nan
    return _NORMAL.cdf(z) if math.isfinite(z) else math.nan


def expected_best_sharpe(trial_ratios: npt.ArrayLike, trials: int | None = None) -> float:
    """Ratio per period that the best of several skill-less trials is expected to show.

    Parameters
    ----------
    trial_ratios : array_like, shape (m,)
        Ratios per period of everything that was tried: their spread measures how different the trials are.
    trials : int, optional
        Number of independent trials; ``m`` by default. Clusters of near-equal trials count once.

    Returns
    -------
    float
        0 for a single trial; NaN when the spread of fewer than two ratios is asked for.
    """
    ratios = _finite(trial_ratios, "trial ratios")
    count = len(ratios) if trials is None else trials
    if count < 1:
        raise ConfigError(
            f"expected best Sharpe ratio: {count} trials; there is at least the one that is judged"
        )
    if count == 1:
        return 0.0
    if len(ratios) < 2:
        return math.nan
    best = (1 - _EULER) * _NORMAL.inv_cdf(1 - 1 / count) + _EULER * _NORMAL.inv_cdf(1 - 1 / (count * math.e))
    return float(ratios.std(ddof=1)) * best


def deflated_sharpe(observed: Sharpe, trial_ratios: npt.ArrayLike, trials: int | None = None) -> float:
    """Probability that the true ratio is positive, given how many trials it is the best of.

    Parameters are those of :func:`probabilistic_sharpe` and :func:`expected_best_sharpe`.
    """
    return probabilistic_sharpe(observed, expected_best_sharpe(trial_ratios, trials))


def track_record_length(observed: Sharpe, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Periods needed until a ratio like the observed one exceeds ``benchmark`` with this confidence.

    Infinite where it does not exceed the benchmark at all (Bailey and López de Prado, 2012).
    """
    if not observed.ratio > benchmark:
        return math.nan if math.isnan(observed.ratio) else math.inf
    variance = 1 - observed.skewness * observed.ratio + (observed.kurtosis - 1) / 4 * observed.ratio**2
    return 1 + variance * (_NORMAL.inv_cdf(confidence) / (observed.ratio - benchmark)) ** 2


def _finite(values: npt.ArrayLike, what: str) -> npt.NDArray[np.float64]:
    x = np.asarray(values, np.float64)
    if x.ndim != 1:
        raise ConfigError(f"{what}: expected one dimension, got shape {x.shape}")
    bad = np.flatnonzero(~np.isfinite(x))
    if len(bad):
        raise ConfigError(
            f"{what}: value {int(bad[0])} is {x[bad[0]]}; a missing period must be decided about first"
        )
    return x
