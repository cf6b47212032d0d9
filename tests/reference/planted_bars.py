"""Sessions of bars whose truth is known."""

from __future__ import annotations

import numpy as np

from quantumtrader.types import EVENT, Events, Flag, Instrument, Kind, Phase
from reference.planted import DAY, S

MINUTE = 60 * S
Y = Instrument("Y", "Y", tick_size=0.5, point_value=10.0, timezone="UTC", free=True)
FEATURES = (
    "ret_1",
    "ret_5",
    "rsi_14",
    "adx_14",
    "ema_alignment",
    "atr_14",
    "bb_pctb_20",
    "volume_z_20",
    "streak",
)


def bar_session(day: int, seed: int, persistence: float, n: int = 80, step: int = 6, run: int = 4) -> Events:
    """One session of bars of a minute, flagged synthetic.

    The direction of ``run`` bars in a row is that of those before if much was traded in these, else the opposite one,
    with probability ½ + ½·persistence. Whoever decides every four minutes stands at the end of a block of four: with
    persistence 0 nothing can be known then. Neither a direction nor a volume says anything alone, so no baseline sees
    what is planted. With ``run`` 1 and persistence 0 it is a random walk, whoever decides when.
    """
    rng = np.random.default_rng([day, seed])
    blocks = n // run
    much = rng.random(blocks) < 0.5
    obeys = rng.random(blocks) < 0.5 + 0.5 * persistence
    keep = np.concatenate(([1], np.where(much == obeys, 1, -1)[:-1]))
    way = np.repeat(np.cumprod(keep) * rng.choice((-1, 1)), run)
    moves = way * step + rng.integers(-1, 2, run * blocks)
    close = 10_000 + np.cumsum(moves)
    opened = close - moves
    out = np.zeros(run * blocks + 2, EVENT)
    start = 20_000 * DAY + day * DAY + 12 * 3_600 * S
    out["ts_event"] = out["ts_recv"] = (
        start + np.concatenate(([0], np.arange(1, run * blocks + 1), [run * blocks])) * MINUTE
    )
    out["sequence"] = np.arange(len(out)) + day * len(out)
    out["kind"] = Kind.BAR
    out["flags"] = int(Flag.SYNTHETIC)
    out["kind"][[0, -1]] = Kind.SESSION
    out["action"][0], out["action"][-1] = Phase.OPEN, Phase.CLOSED
    body = out[1:-1]
    body["id"] = body["ts_event"] - MINUTE
    body["px"], body["ref_b"] = opened, close
    wick = rng.integers(0, 2, (2, run * blocks))
    body["px_ask"], body["ref_a"] = np.maximum(opened, close) + wick[0], np.minimum(opened, close) - wick[1]
    body["size"] = rng.integers(50, 100, run * blocks) + 100 * np.repeat(much, run)
    return out


SMALL = {
    "features": FEATURES, "candidates": "quick", "every_s": 240.0, "horizon_s": 300.0, "groups": 4, "walk": (8, 3, 0),
}  # fmt: skip
"""A tick training of seconds."""


def bar_sessions(count: int, seed: int, persistence: float, **shape: int) -> list[Events]:
    """Sessions on consecutive days, numbered as one stream."""
    return [bar_session(day, seed, persistence, **shape) for day in range(count)]
