"""Streams in which a pattern is there by chance only: what is told there is false."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quantumtrader.types import Events, Kind, Phase


def shuffled_sides(events: Events, rng: np.random.Generator) -> Events:
    """Give signed trades each other's sides."""
    out = events.copy()
    signed = np.flatnonzero((out["kind"] == Kind.TRADE) & (out["side"] != 0))
    out["side"][signed] = out["side"][rng.permutation(signed)]
    return out


def shuffled_times(events: Events, rng: np.random.Generator) -> Events:
    """Give the trades of a session each other's times: the book, and when something trades, stay as they were."""
    out = events.copy()
    begins = np.cumsum(
        (out["kind"] == Kind.SESSION) & np.isin(out["action"], (int(Phase.OPEN), int(Phase.ROLL)))
    )
    trade = out["kind"] == Kind.TRADE
    for session in np.unique(begins[trade]):
        here = np.flatnonzero(trade & (begins == session))
        there = rng.permutation(here)
        for name in ("id", "px", "size", "side", "ref_a", "ref_b"):
            out[name][here] = events[name][there]
    return out


CONTROLS: dict[str, Callable[[Events, np.random.Generator], Events]] = {
    "shuffled sides": shuffled_sides,
    "shuffled times": shuffled_times,
}
