"""Bars of one minute from prints, as the feature engine makes them."""

from __future__ import annotations

import numpy as np

from quantumtrader.types import EVENT, Events, Flag, Kind, Phase

__all__ = ["bars_of"]

MINUTE = 60 * 10**9


def bars_of(events: Events) -> Events:
    """Return the one-minute bars of the prints of a session, between its markers."""
    prints = events[events["kind"] == Kind.TRADE]
    minute = prints["ts_event"] // MINUTE
    begins = np.flatnonzero(np.concatenate(([True], minute[1:] != minute[:-1])))
    ends = np.concatenate((begins[1:], [len(prints)]))
    out = np.zeros(len(begins) + 2, EVENT)
    body = out[1:-1]
    body["kind"] = Kind.BAR
    body["id"] = minute[begins] * MINUTE
    body["ts_event"] = body["ts_recv"] = (minute[begins] + 1) * MINUTE
    body["px"], body["ref_b"] = prints["px"][begins], prints["px"][ends - 1]
    body["px_ask"] = np.maximum.reduceat(prints["px"], begins)
    body["ref_a"] = np.minimum.reduceat(prints["px"], begins)
    body["size"] = np.add.reduceat(prints["size"].astype(np.int64), begins)
    out["flags"] = prints["flags"][0] & int(Flag.SYNTHETIC) if len(prints) else 0
    out["kind"][[0, -1]] = Kind.SESSION
    out["action"][0], out["action"][-1] = Phase.OPEN, Phase.CLOSED
    out["ts_event"][0] = out["ts_recv"][0] = body["id"][0]
    out["ts_event"][-1] = out["ts_recv"][-1] = body["ts_event"][-1]
    return out
