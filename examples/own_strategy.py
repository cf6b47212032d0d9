"""A strategy of your own, from a feature row to R$.

A strategy sees one row and the touch, and answers with a signal. Orders, stops and money are not its business:
the risk manager, the bracket and the ledger take it from there, in replay as anywhere else.

python examples/own_strategy.py
quantumtrader demo --strategy examples/own_strategy.py:FadeTheStretch
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader import Instrument, core
from quantumtrader.backtest import Backtest, BacktestSettings, VenueSettings
from quantumtrader.execution import MarketState, Signal, SignalAction, register_strategy

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0, fee=0.5)


@register_strategy("fade_the_stretch")
@dataclass(frozen=True, slots=True)
class FadeTheStretch:
    """Sell far above the session's VWAP once aggressors turn to selling; buy on the mirror image."""

    z_min: float = 1.5
    stop_ticks: int = 10
    target_ticks: int = 6

    name = "fade_the_stretch"
    features = ("vwap_z", "flow_ofi_1m")
    clock = "1s"

    @property
    def rule(self) -> str:
        """The rule in words, for the report."""
        return f"Fade |vwap_z| >= {self.z_min:g} when flow_ofi_1m points back to the VWAP."

    def evaluate(self, row: npt.NDArray[np.float64], market: MarketState) -> Signal:
        """Decide on one sample; a hold carries its reason."""
        z, flow = float(row[0]), float(row[1])
        if market.busy:
            return Signal(market.ts, SignalAction.HOLD, "in_position")
        if math.isnan(z) or math.isnan(flow):
            return Signal(market.ts, SignalAction.HOLD, "not_ready")
        if abs(z) < self.z_min or z * flow >= 0:
            return Signal(market.ts, SignalAction.HOLD, "no_setup")
        action = SignalAction.SELL if z > 0 else SignalAction.BUY
        return Signal(
            market.ts,
            action,
            "stretched_and_turning",
            market.lot,
            self.stop_ticks,
            self.target_ticks,
            120 * 10**9,
        )


def main() -> None:
    events = core().generate_session(seed=11, duration_ns=12 * 60 * 10**9)
    settings = BacktestSettings(venue=VenueSettings(latency_ns=20_000_000, queue="pessimistic"))
    result = Backtest(events, WDO, FadeTheStretch(), settings).run()
    print(f"{len(events):,} synthetic events, fills rest on: {result.fidelity}")
    for trade in result.trades:
        side = "long" if trade.side > 0 else "short"
        entry = WDO.price(trade.entry_px)
        print(
            f"{side:5} {trade.size} {WDO.symbol} at {entry:.1f}: {trade.exit_tag:10} net R$ {trade.net:8.2f}"
        )
    net = result.equity.net[-1] if len(result.equity.net) else 0.0
    print(f"{len(result.trades)} trades, {len(result.refusals)} refused by risk, net R$ {net:.2f}")


if __name__ == "__main__":
    main()
