"""A network of self-attention (Vaswani et al., 2017), normalised before each block (Xiong et al., 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantumtrader.exceptions import ConfigError
from quantumtrader.models._network import Arrays, Network, Weights
from quantumtrader.models.base import register_model

__all__ = ["Transformer"]

_NONE = -1e9  # score of a row of which nothing is known


@register_model("transformer")
@dataclass
class Transformer(Network):
    """A small encoder, read out at the newest row; rows of which nothing is known are not attended to.

    Needs the extra ``deep`` to be fitted, and nothing to predict. Further parameters are those of ``Network``.

    Parameters
    ----------
    width, layers, heads : int
        Numbers per row, blocks, and heads of each; ``heads`` divides ``width``.
    """

    width: int = 64
    layers: int = 2
    heads: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.width, self.layers, self.heads) < 1 or self.width % self.heads:
            raise ConfigError(
                f"transformer: width {self.width}, layers {self.layers}, heads {self.heads}: expected at least 1 of "
                "each, and heads that divide the width"
            )

    def _first(self, rng: np.random.Generator, steps: int, inputs: int, classes: int) -> Weights:
        d = self.width

        def dense(rows: int, columns: int, gain: float = 1.0) -> np.ndarray:
            return rng.normal(0, gain / np.sqrt(rows), (rows, columns))

        # The heads are in the shape: (width, heads, width of a head), and once more for query, key and value.
        drawn: dict[str, np.ndarray] = {"embed": dense(inputs, d), "position": rng.normal(0, 0.1, (steps, d))}
        small = 1 / np.sqrt(2 * self.layers)  # so that the sum over the blocks begins at the size of one
        for k in range(self.layers):
            drawn |= {
                f"{k}.attend": dense(d, 3 * d).reshape(d, 3, self.heads, d // self.heads),
                f"{k}.gather": dense(d, d, small),
                f"{k}.up": dense(d, 2 * d),
                f"{k}.up_bias": np.zeros(2 * d),
                f"{k}.down": dense(2 * d, d, small),
                f"{k}.down_bias": np.zeros(d),
                f"{k}.norm": np.ones((2, d)),
                f"{k}.norm_bias": np.zeros((2, d)),
            }
        drawn |= {
            "norm": np.ones(d),
            "norm_bias": np.zeros(d),
            "out": dense(d, classes),
            "out_bias": np.zeros(classes),
        }
        return {name: w.astype(np.float32) for name, w in drawn.items()}

    @staticmethod
    def forward(a: Arrays, w: Mapping[str, Any], x: Any) -> Any:
        """See ``Network.forward``."""
        xp = a.np
        known = x[:, :, x.shape[2] // 2 :].any(axis=2)
        newest = xp.arange(x.shape[1]) == x.shape[1] - 1  # something must be attended to
        mask = xp.where(known | newest, 0.0, _NONE).astype(x.dtype)[:, None, None, :]
        e = x @ w["embed"] + w["position"]
        for k in range(sum(name.endswith(".attend") for name in w)):
            e = (
                e
                + _attention(
                    xp, w[f"{k}.attend"], _norm(e, w[f"{k}.norm"][0], w[f"{k}.norm_bias"][0], xp), mask
                )
                @ w[f"{k}.gather"]
            )
            inner = _norm(e, w[f"{k}.norm"][1], w[f"{k}.norm_bias"][1], xp) @ w[f"{k}.up"] + w[f"{k}.up_bias"]
            e = e + xp.maximum(inner, 0) @ w[f"{k}.down"] + w[f"{k}.down_bias"]
        return _norm(e[:, -1], w["norm"], w["norm_bias"], xp) @ w["out"] + w["out_bias"]


def _norm(x: Any, gain: Any, bias: Any, xp: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / xp.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * gain + bias


def _attention(xp: Any, weights: Any, x: Any, mask: Any) -> Any:
    """Return what each row gathers from those that it attends to, heads side by side, shape (n, steps, width)."""
    d, _, heads, own = weights.shape
    n, steps, _ = x.shape
    parts = (x @ weights.reshape(d, 3 * d)).reshape(n, steps, 3, heads, own)
    query, key, value = (xp.swapaxes(parts[:, :, k], 1, 2) for k in range(3))
    scores = query @ xp.swapaxes(key, 2, 3) / own**0.5 + mask
    e = xp.exp(scores - scores.max(axis=-1, keepdims=True))
    gathered = (e / e.sum(axis=-1, keepdims=True)) @ value
    return xp.swapaxes(gathered, 1, 2).reshape(n, steps, d)
