"""A recurrent network with a memory cell (Hochreiter and Schmidhuber, 1997)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantumtrader.exceptions import ConfigError
from quantumtrader.models._network import Arrays, Network, Weights
from quantumtrader.models.base import register_model

__all__ = ["LSTM"]


@register_model("lstm")
@dataclass
class LSTM(Network):
    """One layer, read out after the newest row; rows of which nothing is known leave the memory as it is.

    Needs the extra ``deep`` to be fitted, and nothing to predict. Further parameters are those of ``Network``.

    Parameters
    ----------
    hidden : int
        Memory cells.
    """

    hidden: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden < 1:
            raise ConfigError(f"lstm: hidden is {self.hidden}, expected at least 1")

    def _first(self, rng: np.random.Generator, steps: int, inputs: int, classes: int) -> Weights:
        h = self.hidden
        bias = np.zeros(4 * h)
        bias[h : 2 * h] = 1.0  # remember to begin with
        orthogonal = [np.linalg.qr(rng.normal(size=(h, h)))[0] for _ in range(4)]
        drawn = {
            "input": rng.normal(0, np.sqrt(2 / (inputs + h)), (inputs, 4 * h)),
            "recurrent": np.concatenate(orthogonal, axis=1),
            "bias": bias,
            "out": rng.normal(0, np.sqrt(1 / h), (h, classes)),
            "out_bias": np.zeros(classes),
        }
        return {name: w.astype(np.float32) for name, w in drawn.items()}

    @staticmethod
    def forward(a: Arrays, w: Mapping[str, Any], x: Any) -> Any:
        """See ``Network.forward``."""
        xp, h = a.np, w["recurrent"].shape[0]
        known = x[:, :, x.shape[2] // 2 :].any(axis=2)
        driven = xp.swapaxes(x @ w["input"] + w["bias"], 0, 1)

        def step(carry: Any, over: Any) -> tuple[Any, None]:
            short, memory = carry
            z = over[0] + short @ w["recurrent"]
            keep, forget, show = (0.5 * (xp.tanh(0.5 * z[:, k * h : (k + 1) * h]) + 1) for k in (0, 1, 3))
            later = forget * memory + keep * xp.tanh(z[:, 2 * h : 3 * h])
            there = over[1][:, None]
            return (xp.where(there, show * xp.tanh(later), short), xp.where(there, later, memory)), None

        nothing = xp.zeros((x.shape[0], h), x.dtype)
        short, _ = a.scan(step, (nothing, nothing), (driven, xp.swapaxes(known, 0, 1)))
        return short @ w["out"] + w["out_bias"]
