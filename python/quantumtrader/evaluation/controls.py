"""Streams in which a pattern is there by chance only: what is told there is false."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quantumtrader.types import Events, Flag, Kind, Phase

_OF_THE_PLACE = np.uint16(Flag.MORE)
_OF_THE_SIDE = np.uint16(Flag.SIDE_INFERRED)


def shuffled_sides(events: Events, rng: np.random.Generator) -> Events:
    """Give signed trades each other's sides, and whether a rule inferred them."""
    out = events.copy()
    signed = np.flatnonzero((out["kind"] == Kind.TRADE) & (out["side"] != 0))
    there = rng.permutation(signed)
    out["side"][signed] = events["side"][there]
    place, moved = events["flags"][signed], events["flags"][there]
    out["flags"][signed] = (place & ~_OF_THE_SIDE) | (moved & _OF_THE_SIDE)
    return out


def shuffled_times(events: Events, rng: np.random.Generator) -> Events:
    """Give the trades of a session each other's times: the book, and when something trades, stay as they were.

    A trade takes its flags along (auction, retail, hidden, …); whether more of the packet follows belongs to the place.
    """
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
        place, moved = events["flags"][here], events["flags"][there]
        out["flags"][here] = (place & _OF_THE_PLACE) | (moved & ~_OF_THE_PLACE)
    return out


CONTROLS: dict[str, Callable[[Events, np.random.Generator], Events]] = {
    "shuffled sides": shuffled_sides,
    "shuffled times": shuffled_times,
}
