"""What every room of the twin asks of an event array."""

from __future__ import annotations

import numpy as np

from quantumtrader.types import EVENT, Events

__all__ = ["checked"]


def checked(events: Events) -> Events:
    """Return ``events``.

    Raises
    ------
    ValueError
        It is not a one-dimensional contiguous array of ``EVENT``.
    """
    if not isinstance(events, np.ndarray) or events.dtype != EVENT or events.ndim != 1:
        got = getattr(events, "dtype", None) or type(events)
        raise ValueError(
            f"events must be a one-dimensional array of quantumtrader.EVENT (64-byte records), got {got}"
        )
    if not events.flags.c_contiguous:
        raise ValueError("events must be contiguous: pass np.ascontiguousarray(events), or slice with step 1")
    return events
