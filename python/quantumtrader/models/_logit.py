"""Penalised logistic regression by Newton's method: small, exact, the same bits every time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import DataError

__all__ = ["fit_binary", "fit_multinomial", "log_odds", "sigmoid", "softmax"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_STEPS = 100
_TOLERANCE = 1e-10
_FLOOR = 1e-10  # keeps directions that nothing determines (a shift of all intercepts) where they began


def sigmoid(z: Float64) -> Float64:
    """Return 1/(1 + exp(−z)) without overflow."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def softmax(z: Float64) -> Float64:
    """Return the softmax of each row."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def log_odds(p: npt.ArrayLike, least: float = 1e-6) -> Float64:
    """Return ln(p/(1 − p)), p kept ``least`` away from 0 and 1."""
    q = np.minimum(np.maximum(np.asarray(p, np.float64), least), 1 - least)  # one row: half the time of clip
    return np.asarray(np.log(q) - np.log1p(-q))


def fit_binary(
    X: Float64,
    target: Float64,
    weights: Float64,
    penalty: Float64,
    centre: Float64 | None = None,
    offset: Float64 | None = None,
) -> Float64:
    """Minimise ``Σ w·(log loss) + ½ Σ penalty·(b − centre)²``.

    Parameters
    ----------
    X : ndarray of float64, shape (n, k)
        Design, a column of ones included where an intercept is wanted.
    target : ndarray of float64, shape (n,)
        In [0, 1].
    weights : ndarray of float64, shape (n,)
    penalty, centre : ndarray of float64, shape (k,)
        Strength per coefficient, and the value it is drawn to (0 by default).
    offset : ndarray of float64, shape (n,), optional
        Added to every score.

    Returns
    -------
    ndarray of float64, shape (k,)
    """
    aim = np.zeros(X.shape[1]) if centre is None else centre
    shift = np.zeros(len(X)) if offset is None else offset
    ridge = penalty + _FLOOR

    def loss(b: Float64) -> float:
        z = X @ b + shift
        return float((weights * (np.logaddexp(0, z) - target * z)).sum() + (ridge * (b - aim) ** 2).sum() / 2)

    b = aim.copy()
    now = loss(b)
    for _ in range(_STEPS):
        p = sigmoid(X @ b + shift)
        gradient = X.T @ (weights * (p - target)) + ridge * (b - aim)
        hessian = (X.T * (weights * p * (1 - p))) @ X + np.diag(ridge)
        b, now, done = _step(loss, b, now, gradient, hessian)
        if done:
            return b
    raise DataError(f"logistic fit: no convergence in {_STEPS} steps; strengthen the penalty")


def fit_multinomial(X: Float64, y: Int64, classes: int, weights: Float64, penalty: Float64) -> Float64:
    """Minimise the weighted multinomial log loss with a ridge on every class' coefficients.

    Returns
    -------
    ndarray of float64, shape (k, classes)
    """
    k = X.shape[1]
    target = np.eye(classes)[y]
    ridge = np.tile(penalty + _FLOOR, classes)

    def loss(flat: Float64) -> float:
        z = X @ flat.reshape(classes, k).T
        top = z.max(axis=1)
        log_sum = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
        return float((weights * (log_sum - z[np.arange(len(y)), y])).sum() + (ridge * flat**2).sum() / 2)

    b = np.zeros(classes * k)
    now = loss(b)
    for _ in range(_STEPS):
        p = softmax(X @ b.reshape(classes, k).T)
        gradient = ((p - target) * weights[:, None]).T @ X
        hessian = np.empty((classes, k, classes, k))
        for c in range(classes):
            for d in range(c, classes):
                h = weights * p[:, c] * ((c == d) - p[:, d])
                hessian[c, :, d] = (X.T * h) @ X
                hessian[d, :, c] = hessian[c, :, d].T
        b, now, done = _step(
            loss, b, now, gradient.ravel() + ridge * b, hessian.reshape(len(b), len(b)) + np.diag(ridge)
        )
        if done:
            return b.reshape(classes, k).T.copy()
    raise DataError(f"logistic fit: no convergence in {_STEPS} steps; strengthen the penalty")


def _step(
    loss: Callable[[Float64], float], b: Float64, now: float, gradient: Float64, hessian: Float64
) -> tuple[Float64, float, bool]:
    """Take one damped Newton step; returns the new point, its loss, and whether this was the end."""
    direction = np.linalg.solve(hessian, gradient)
    slope = float(gradient @ direction)
    if slope <= _TOLERANCE * max(1.0, abs(now)):
        return b, now, True
    size = 1.0
    while size > 1e-10:
        trial = b - size * direction
        after = loss(trial)
        if after <= now - 1e-4 * size * slope:
            return trial, after, False
        size /= 2
    return b, now, True  # rounding is all that is left
