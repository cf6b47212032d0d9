"""What trading costs beyond the spread."""

from __future__ import annotations

from quantumtrader.training.pipelines.recording import Recording

__all__ = ["cost_ticks"]


def cost_ticks(recording: Recording, slippage_ticks: float) -> float:
    """Return what a round trip costs beyond the spread, in ticks of the recording: slippage and the fees of both sides.

    Parameters
    ----------
    recording : Recording
    slippage_ticks : float
        In ticks of the exchange.
    """
    instrument = recording.instrument
    fees = 2 * instrument.fee / (instrument.tick_size * instrument.point_value)
    return slippage_ticks * instrument.ticks_per_exchange_tick + fees
