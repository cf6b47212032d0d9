"""Event streams whose truth is known."""

from __future__ import annotations

import numpy as np

from quantumtrader.types import EVENT, Events, Instrument, Kind, Phase

S = 10**9
DAY = 86_400 * S
X = Instrument("X", "X", tick_size=0.5, point_value=10.0, timezone="UTC", free=True)


def quote_session(day: int, seed: int, response: float, n: int = 300, jump: int = 4) -> Events:
    """One session of quotes, one a second, with a spread of one tick.

    The touch's imbalance is drawn anew each second, and held three seconds; the mid then moves by ``jump`` ticks,
    upwards with probability ½ + ½·response·imbalance. With response 0 nothing can be known.
    """
    rng = np.random.default_rng([day, seed])
    held = 3
    blocks = n // held
    imbalance = rng.uniform(-1, 1, blocks)
    up = rng.random(blocks) < 0.5 + 0.5 * response * imbalance
    bid = 10_000 + np.concatenate(([0], np.cumsum(np.where(up, jump, -jump))))[:-1]
    out = np.zeros(blocks * held + 2, EVENT)
    out["sequence"] = np.arange(len(out))
    start = 20_000 * DAY + day * DAY + 12 * 3_600 * S
    out["ts_event"] = start + np.concatenate(([0], np.arange(blocks * held), [blocks * held - 1])) * S
    # Closes before the move that the last block would have made: every label of three seconds holds one move.
    out["ts_event"][-1] += S // 2
    out["ts_recv"] = out["ts_event"]
    out["kind"] = Kind.QUOTE
    out["kind"][[0, -1]] = Kind.SESSION
    out["action"][0], out["action"][-1] = Phase.OPEN, Phase.CLOSED
    body = out[1:-1]
    body["px"] = np.repeat(bid, held)
    body["px_ask"] = body["px"] + 1
    size = np.repeat(np.round(50 * (1 + imbalance)).astype(int) + 1, held)
    body["size"], body["size_ask"] = size, 102 - size
    return out


def sessions(count: int, seed: int, response: float, **shape: int) -> list[Events]:
    """Sessions on consecutive days, numbered as one stream."""
    parts = [quote_session(day, seed, response, **shape) for day in range(count)]
    first = 0
    for part in parts:
        part["sequence"] += first
        first += len(part)
    return parts
