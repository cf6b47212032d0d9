"""Makes probabilities mean what they say, from scores of rows that the model was not fitted on.

Platt: a logistic curve over the log-odds (Platt, 1999, with his smoothed targets). Beta: one over ln p and
−ln(1 − p), which bends each end by itself (Kull, Silva Filho and Flach, 2017). Isotonic: any rising curve
(Zadrozny and Elkan, 2002), which needs many samples. Several classes are calibrated one against the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataError, DataFormatError
from quantumtrader.models._logit import fit_binary, log_odds, sigmoid

__all__ = ["ISOTONIC_SAMPLES", "METHODS", "Calibration"]

Float64 = npt.NDArray[np.float64]

METHODS = ("platt", "beta", "isotonic")
ISOTONIC_SAMPLES = 5_000
"""Effective samples from which on a free curve is no overfit."""

_REGIME_PENALTY = 25.0  # rows; a regime with few of them keeps the common curve
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibration map.

    Parameters
    ----------
    method : str
        ``platt``, ``beta`` or ``isotonic``.
    classes : int
        Of the probabilities.
    curves : tuple of tuple of float
        One for two classes (of the second), else one per class. Platt: slope, intercept. Beta: a, b, intercept.
        Isotonic: the knots, then the values there.
    intercepts : mapping of str to tuple of float
        Per regime, what is added to the log-odds of each curve.
    """

    method: str
    classes: int
    curves: tuple[tuple[float, ...], ...]
    intercepts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        probabilities: npt.ArrayLike,
        outcomes: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        *,
        method: str = "platt",
        regimes: npt.NDArray[np.str_] | None = None,
    ) -> Calibration:
        """Fit a map to out-of-fold probabilities.

        Parameters
        ----------
        probabilities : array_like, shape (n, classes)
            Of rows that were in no training part of the model that gave them.
        outcomes : array_like of int, shape (n,)
            Index of the class that came.
        weights : array_like, shape (n,), optional
            Average uniqueness; their sum is the effective number of samples.
        method : str
            One of ``METHODS``.
        regimes : ndarray of str, shape (n,), optional
            With it each regime gets an intercept of its own, drawn to none.

        Raises
        ------
        DataError
            Isotonic with too few effective samples, or a class that never came.
        """
        if method not in METHODS:
            raise ConfigError(f"calibration {method!r} is not known; use one of {', '.join(METHODS)}")
        p = np.asarray(probabilities, np.float64)
        y = np.asarray(outcomes).astype(np.int64)
        w = np.ones(len(p)) if weights is None else np.asarray(weights, np.float64)
        if p.ndim != 2 or y.shape != (len(p),) or w.shape != y.shape or not np.isfinite(p).all():
            raise DataError(
                f"calibration: probabilities {p.shape}, outcomes {y.shape} and weights {w.shape} do not belong together, or "
                "are not finite"
            )
        effective = float(w.sum())
        if method == "isotonic" and effective < ISOTONIC_SAMPLES:
            raise DataError(
                f"isotonic calibration needs {ISOTONIC_SAMPLES} effective samples, there are {effective:.0f}",
                remedy="Use platt or beta",
            )
        targets = (1,) if p.shape[1] == 2 else tuple(range(p.shape[1]))
        for c in range(p.shape[1]):
            if not w[y == c].sum() > 0:
                raise DataError(f"calibration: class {c} never came", remedy="Use more sessions")
        curves = tuple(_fit_curve(method, p[:, c], (y == c).astype(float), w) for c in targets)
        found = cls(method, p.shape[1], curves)
        if regimes is None:
            return found
        scores = np.column_stack(
            [_score(method, curve, p[:, c]) for c, curve in zip(targets, curves, strict=True)]
        )
        intercepts = {}
        for name in np.unique(regimes):
            inside = regimes == name
            ones = np.ones((int(inside.sum()), 1))
            intercepts[str(name)] = tuple(
                float(
                    fit_binary(
                        ones,
                        (y[inside] == c).astype(float),
                        w[inside],
                        np.array([_REGIME_PENALTY / 4]),
                        offset=scores[inside, k],
                    )[0]
                )
                for k, c in enumerate(targets)
            )
        return cls(method, p.shape[1], curves, intercepts)

    def apply(self, probabilities: npt.ArrayLike, regimes: npt.NDArray[np.str_] | None = None) -> Float64:
        """Return calibrated probabilities, shape (n, classes); a regime that was never seen adds nothing."""
        p = np.asarray(probabilities, np.float64)
        if p.ndim != 2 or p.shape[1] != self.classes:
            raise DataError(f"calibration of {self.classes} classes: got probabilities of shape {p.shape}")
        targets = (1,) if self.classes == 2 else tuple(range(self.classes))
        z = np.empty((len(p), len(targets)))
        for k, (c, curve) in enumerate(zip(targets, self.curves, strict=True)):
            z[:, k] = _score(self.method, curve, p[:, c])
        if regimes is not None:
            for name, shift in self.intercepts.items():
                z[regimes == name] += shift
        q = sigmoid(z)
        if self.classes == 2:
            return np.concatenate((1 - q, q), axis=1)
        return np.asarray(q / q.sum(axis=1, keepdims=True))

    def to_document(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "method": self.method,
            "classes": self.classes,
            "curves": [list(c) for c in self.curves],
            "intercepts": {k: list(v) for k, v in self.intercepts.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Calibration:
        """Read what :meth:`to_document` gave.

        Raises
        ------
        DataFormatError
            It is no calibration.
        """
        try:
            method, classes = str(document["method"]), int(document["classes"])
            curves = tuple(tuple(float(v) for v in c) for c in document["curves"])
            intercepts = {str(k): tuple(float(x) for x in v) for k, v in document["intercepts"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataFormatError(f"not a calibration: {error}") from error
        width = {"platt": 2, "beta": 3}
        targets = 1 if classes == 2 else classes
        if (
            method not in METHODS
            or len(curves) != targets
            or any(len(c) != width.get(method, len(c)) or not all(map(math.isfinite, c)) for c in curves)
            or any(len(v) != targets for v in intercepts.values())
        ):
            raise DataFormatError(f"not a calibration of {classes} classes by {method!r}")
        return cls(method, classes, curves, intercepts)


def _fit_curve(method: str, p: Float64, target: Float64, w: Float64) -> tuple[float, ...]:
    if method == "isotonic":
        knots, values = _isotonic(p, target, w)
        return (*knots.tolist(), *values.tolist())
    if method == "platt":
        positive, negative = float(w[target == 1].sum()), float(w[target == 0].sum())
        smooth = np.where(target == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
        slope, intercept = fit_binary(np.column_stack((log_odds(p), np.ones(len(p)))), smooth, w, np.zeros(2))
        return (max(float(slope), 0.0), float(intercept))
    # A falling end would turn the order of the scores around: it is left out instead.
    q = np.clip(p, _EPSILON, 1 - _EPSILON)
    parts = np.column_stack((np.log(q), -np.log1p(-q), np.ones(len(q))))
    use = [0, 1, 2]
    while True:
        found = fit_binary(parts[:, use], target, w, np.full(len(use), 1e-9))
        if (found[:-1] >= 0).all():
            break
        del use[int(found[:-1].argmin())]
    out = np.zeros(3)
    out[use] = found
    return (float(out[0]), float(out[1]), float(out[2]))


def _score(method: str, curve: tuple[float, ...], p: Float64) -> Float64:
    """Return calibrated log-odds."""
    if method == "platt":
        return np.asarray(curve[0] * log_odds(p) + curve[1])
    if method == "beta":
        q = np.clip(p, _EPSILON, 1 - _EPSILON)
        return np.asarray(curve[0] * np.log(q) - curve[1] * np.log1p(-q) + curve[2])
    half = len(curve) // 2
    return log_odds(np.interp(p, curve[:half], curve[half:]), 1e-4)


def _isotonic(p: Float64, target: Float64, w: Float64) -> tuple[Float64, Float64]:
    """Pool adjacent violators; returns mean score and mean outcome of each pool, both rising."""
    order = np.argsort(p, kind="stable")
    pools: list[list[float]] = []  # weight, sum of scores, sum of outcomes
    for k in order[w[order] > 0].tolist():
        pools.append([w[k], w[k] * p[k], w[k] * target[k]])
        while len(pools) > 1 and pools[-2][2] * pools[-1][0] >= pools[-1][2] * pools[-2][0]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    table = np.array(pools)
    return table[:, 1] / table[:, 0], table[:, 2] / table[:, 0]
