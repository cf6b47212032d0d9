"""What networks share: training with JAX, everything else with numpy alone.

A network writes its forward pass once, for either array library. JAX differentiates it when the model is fitted;
predictions, also those of the fitting process, come from numpy in double precision, so serving needs no JAX and gives
what was evaluated.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataError, MissingExtraError
from quantumtrader.models._logit import softmax
from quantumtrader.models.arrays import pack_arrays, unpack_arrays
from quantumtrader.models.base import Model
from quantumtrader.models.sequences import Stretch, later_sessions

if TYPE_CHECKING:
    from quantumtrader.training.spans import Spans

__all__ = ["Arrays", "Network", "Weights"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Weights = dict[str, Float32]

WEIGHTS_FILE = "weights.npz"
_CHUNK = 256  # rows predicted at a time: bounds memory


@dataclass(frozen=True, slots=True)
class Arrays:
    """An array library: its module, and a loop over the first axis that it can differentiate."""

    np: Any
    scan: Callable[[Callable[[Any, Any], tuple[Any, None]], Any, Any], Any]


Forward = Callable[[Arrays, Mapping[str, Any], Any], Any]


def _loop(step: Callable[[Any, Any], tuple[Any, None]], carry: Any, over: Any) -> Any:
    for k in range(len(over[0])):
        carry, _ = step(carry, tuple(x[k] for x in over))
    return carry


_NUMPY = Arrays(np, _loop)


@dataclass
class Network(Model):
    """A network over the stretch of rows that the columns hold.

    Parameters
    ----------
    epochs : int
        Passes over the training rows, at most.
    patience : int
        Passes without a better loss on the sessions set aside, after which training stops.
    stop_share : float
        Share of the training sessions set aside for that, the latest ones, purged; 0 for none. Where spans are not
        given or there are fewer than five sessions, all passes are made.
    batch : int
        Rows per step.
    rate, decay : float
        Of AdamW: step size and weight decay.
    clip : float
        Scaled values are cut off here, in standard deviations.
    seed : int
        Of the first weights and of the order of rows.
    """

    epochs: int = 40
    patience: int = 5
    stop_share: float = 0.2
    batch: int = 256
    rate: float = 1e-3
    decay: float = 1e-4
    clip: float = 6.0
    seed: int = 7

    def __post_init__(self) -> None:
        good = min(self.epochs, self.patience, self.batch) >= 1 and 0 <= self.stop_share < 1
        if not (good and self.rate > 0 and self.decay >= 0 and self.clip > 0):
            raise ConfigError(
                f"{self.kind}: epochs {self.epochs}, patience {self.patience}, batch {self.batch}, stop_share "
                f"{self.stop_share}, rate {self.rate}, decay {self.decay}, clip {self.clip}: expected at least 1 of the "
                "first three, a share from 0 to below 1, rate and clip above 0, decay not negative"
            )

    @staticmethod
    @abstractmethod
    def forward(a: Arrays, w: Mapping[str, Any], x: Any) -> Any:
        """Return scores (n, classes) from an array library, weights and a tensor (n, steps, inputs)."""

    @abstractmethod
    def _first(self, rng: np.random.Generator, steps: int, inputs: int, classes: int) -> Weights:
        """Draw the weights to begin with."""

    def _fit(self, X: Float64, y: Int64, weights: Float64, spans: Spans | None) -> None:
        _libraries()
        split = later_sessions(spans, self.stop_share) if spans is not None and self.stop_share else None
        train, stop = split or (np.arange(len(X)), np.arange(0))
        rng = np.random.default_rng(self.seed)
        # The sessions set aside are not part of the scale: they are to judge the fit.
        stretch = Stretch.fit(self.names_, X[train], weights[train], self.clip)
        now = self._first(rng, stretch.steps, 2 * stretch.features, len(self.classes_))
        step, start, loss = _compiled(type(self).forward)
        state, pace = start(now), (np.float32(self.rate), np.float32(self.decay))
        best, least, waited, made = now, np.inf, 0, 0
        for epoch in range(self.epochs):
            for rows, share in _batches(rng.permutation(train), self.batch):
                now, state = step(now, state, pace, stretch.tensor(X[rows]), y[rows], weights[rows] * share)
            if len(stop):
                after = sum(
                    float(loss(now, stretch.tensor(X[rows]), y[rows], weights[rows] * share))
                    for rows, share in _batches(stop, self.batch)
                )
                if not after < least:
                    waited += 1
                    if waited >= self.patience:
                        break
                    continue
                least, waited = after, 0
            best, made = now, epoch + 1
        found = {name: np.array(w, np.float32) for name, w in best.items()}
        if not all(np.isfinite(w).all() for w in found.values()):
            raise DataError(
                f"{self.kind}: the weights became infinite",
                remedy="Use a smaller rate, or look at the features",
            )
        self._take(stretch, found, made)

    def _take(self, stretch: Stretch, weights: Weights, epochs: int) -> None:
        self.stretch_, self.weights_, self.epochs_ = stretch, weights, epochs
        self._double = {name: w.astype(np.float64) for name, w in weights.items()}

    def _proba(self, X: Float64) -> Float64:
        forward = type(self).forward
        parts = [
            forward(_NUMPY, self._double, self.stretch_.tensor(X[k : k + _CHUNK]).astype(np.float64))
            for k in range(0, len(X), _CHUNK)
        ]
        return softmax(np.concatenate(parts))

    def _state(self, folder: Path) -> dict[str, Any]:
        (folder / WEIGHTS_FILE).write_bytes(pack_arrays(self.weights_))
        return {"weights": WEIGHTS_FILE, "epochs": self.epochs_, **self.stretch_.state}

    def _restore(self, state: Mapping[str, Any], folder: Path) -> None:
        stretch = Stretch.of(self.names_, state, self.clip)
        weights = unpack_arrays((folder / str(state["weights"])).read_bytes(), WEIGHTS_FILE)
        wanted = self._first(
            np.random.default_rng(0), stretch.steps, 2 * stretch.features, len(self.classes_)
        )
        fits = weights.keys() == wanted.keys() and all(
            weights[k].shape == w.shape and weights[k].dtype == np.float32 and np.isfinite(weights[k]).all()
            for k, w in wanted.items()
        )
        if not fits:
            raise ValueError(f"{WEIGHTS_FILE} does not hold the weights of a {self.kind} of these columns")
        self._take(stretch, weights, int(state["epochs"]))


def _batches(rows: Int64, size: int) -> Iterator[tuple[Int64, Float64]]:
    """Yield rows and their share, all of one size, so that one compiled step serves: the last is filled up with 0."""
    for k in range(0, len(rows), size):
        part = rows[k : k + size]
        filled = np.concatenate((part, np.repeat(part[:1], size - len(part))))
        yield filled, (np.arange(size) < len(part)).astype(np.float64)


def _libraries() -> tuple[Any, Any]:
    try:
        import jax
        import optax
    except ImportError as error:
        raise MissingExtraError("jax and optax", "deep", "fitting a network") from error
    return jax, optax


@lru_cache(maxsize=32)
def _compiled(
    forward: Forward,
) -> tuple[Callable[..., tuple[Any, Any]], Callable[[Weights], Any], Callable[..., Any]]:
    """Return one training step, the optimiser's first state, and the sum of losses; compiled once per shape."""
    jax, optax = _libraries()
    arrays = Arrays(jax.numpy, lambda step, carry, over: jax.lax.scan(step, carry, over)[0])
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam())

    def loss(weights: Any, x: Any, y: Any, w: Any) -> Any:
        z = forward(arrays, weights, x)
        picked = jax.numpy.take_along_axis(z, y[:, None], axis=1)[:, 0]
        return ((jax.nn.logsumexp(z, axis=1) - picked) * w).sum()

    def step(weights: Any, state: Any, pace: Any, x: Any, y: Any, w: Any) -> tuple[Any, Any]:
        # Rate and decay (AdamW: Loshchilov and Hutter, 2019) are arguments: a search would compile for each anew.
        slope = jax.grad(lambda v: loss(v, x, y, w) / len(y))(weights)
        change, state = optimiser.update(slope, state)
        rate, decay = pace
        return jax.tree.map(lambda v, u: v - rate * (u + decay * v), weights, change), state

    return jax.jit(step), optimiser.init, jax.jit(loss)
