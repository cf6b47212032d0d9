"""Limit orders and cancellations at the touch, with trades netted out (Cont, Kukanov and Stoikov, 2014)."""

from __future__ import annotations

from quantumtrader._fallback.features.cancellations import Cancellations
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.touch import Touch
from quantumtrader._fallback.features.windows import TimeSum


@feature("limit_flow_imb_1m")
class LimitFlowImbalance(Feature):
    """Net share of limit-order flow that supports the bid."""

    needs_sizes = True

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._added = TimeSum(MINUTE, 2)
        self._cancelled = Cancellations(MINUTE)
        flow.touch.listeners.append(self._on_touch)
        flow.tape.listeners.append(self._cancelled.on_print)

    def restart(self) -> None:
        """Forget the session."""
        self._added.restart()
        self._cancelled.restart()

    def _on_touch(self, t: int, before: Touch, after: Touch) -> None:
        self._on_side(t, 1, before.bid_px, before.bid_sz, after.bid_px, after.bid_sz)
        self._on_side(t, -1, before.ask_px, before.ask_sz, after.ask_px, after.ask_sz)

    def _on_side(self, t: int, side: int, px: int, size: int, new_px: int, new_size: int) -> None:
        better = side * (new_px - px)
        if better > 0:
            self._add(t, side, new_size)
        elif better < 0:
            self._cancelled.remove(t, side, px, size)
        elif new_size > size:
            self._add(t, side, new_size - size)
        elif new_size < size:
            self._cancelled.remove(t, side, px, size - new_size)

    def _add(self, t: int, side: int, size: int) -> None:
        self._added.add(t, *((size, 0) if side > 0 else (0, size)))

    def value(self, t: int) -> float:
        """Return N/G; 0 when nothing was added or cancelled."""
        added_bid, added_ask = self._added.at(t)
        cancelled_bid, cancelled_ask = self._cancelled.at(t)
        net = (added_bid - cancelled_bid) - (added_ask - cancelled_ask)
        return ratio(net, added_bid + cancelled_bid + added_ask + cancelled_ask)
