"""Every feature as its definition reads, over the facts known at one row."""

from __future__ import annotations

from collections.abc import Container

from quantumtrader.types import Fitted

# Imported for their definitions, which register themselves.
from reference import (  # noqa: F401
    detectors,
    fitted,
    footprint,
    liquidity,
    microstructure,
    order_flow,
    tape_reading,
    technical,
    technical_trend,
    technical_volume,
)
from reference.recording import Recording
from reference.rules import DEFINITIONS, FITTED, Row

__all__ = ["DEFINITIONS", "reference"]


def reference(
    recording: Recording,
    t: int,
    seen: int,
    partial: bool = False,
    at_close: bool = False,
    inputs: Fitted = FITTED,
    without: Container[str] = (),
) -> dict[str, float]:
    """Every feature, but for those of ``without``, at time ``t`` after the first ``seen`` events.

    ``at_close``: the row is due to a bar's close, so a marker that closed one at ``t`` has done so already.
    """
    row = Row(recording, t, seen, partial, at_close)
    row.fitted = inputs
    return {name: definition(row) for name, definition in DEFINITIONS.items() if name not in without}
