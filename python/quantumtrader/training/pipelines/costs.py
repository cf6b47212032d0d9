"""What trading costs beyond the spread."""

from __future__ import annotations

from typing import Any

from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.types import Instrument

__all__ = ["cost_ticks", "fee_request"]


def cost_ticks(recording: Recording, slippage_ticks: float) -> float:
    """Return what a round trip costs beyond the spread, in ticks of the recording: slippage and the fees of both sides.

    Fees that are not known (``Instrument.fee_known``) count as zero; whoever shows a result after them says so.

    Parameters
    ----------
    recording : Recording
    slippage_ticks : float
        In ticks of the exchange.
    """
    instrument = recording.instrument
    fees = 2 * instrument.fee / (instrument.tick_size * instrument.point_value)
    return slippage_ticks * instrument.ticks_per_exchange_tick + fees


def fee_request(instrument: Instrument) -> dict[str, Any]:
    """Return what a training's request holds of the fee: another fee, or 0 that is meant, is another training."""
    return {"fee": instrument.fee, **({"free": True} if instrument.free else {})}
