"""Limit orders and cancellations at the touch, with trades netted out (Cont, Kukanov and Stoikov, 2014)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.touch import Touch

_MATCH_NS = 50_000_000


@dataclass(slots=True)
class _Change:
    """Size that appeared (``added``) or went for no trade that is known (``cancelled``) on one side."""

    t: int
    side: int
    px: int
    added: int
    cancelled: int


@dataclass(slots=True)
class _Execution:
    """What is left of a print that no removal has been explained with."""

    t: int
    side: int
    px: int
    left: int


@feature("limit_flow_imb_1m")
class LimitFlowImbalance(Feature):
    """Net share of limit-order flow that supports the bid.

    A removal is explained by prints at its price that hit its side, up to 50 ms before or after; oldest first.
    """

    needs_sizes = True

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.touch.listeners.append(self._on_touch)
        flow.tape.listeners.append(self._on_print)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._changes: deque[_Change] = deque()
        self._executions: deque[_Execution] = deque()
        self._removals: deque[_Change] = deque()
        self._net = self._gross = 0

    def _on_touch(self, t: int, before: Touch, after: Touch) -> None:
        self._on_side(t, 1, before.bid_px, before.bid_sz, after.bid_px, after.bid_sz)
        self._on_side(t, -1, before.ask_px, before.ask_sz, after.ask_px, after.ask_sz)

    def _on_side(self, t: int, side: int, px: int, size: int, new_px: int, new_size: int) -> None:
        better = side * (new_px - px)
        if better > 0:
            self._add(t, side, new_px, new_size)
        elif better < 0:
            self._remove(t, side, px, size)
        elif new_size > size:
            self._add(t, side, px, new_size - size)
        elif new_size < size:
            self._remove(t, side, px, size - new_size)

    def _add(self, t: int, side: int, px: int, size: int) -> None:
        self._store(_Change(t, side, px, size, 0))

    def _remove(self, t: int, side: int, px: int, size: int) -> None:
        self._forget_unmatched(t)
        for execution in self._executions:
            if execution.px == px and execution.side in (-side, 0):
                matched = min(size, execution.left)
                execution.left -= matched
                size -= matched
        if size:
            change = _Change(t, side, px, 0, size)
            self._store(change)
            self._removals.append(change)

    def _on_print(self, trade: Print) -> None:
        self._forget_unmatched(trade.t)
        left = trade.size
        for change in self._removals:
            if change.px == trade.px and trade.side in (-change.side, 0):
                matched = min(left, change.cancelled)
                change.cancelled -= matched
                left -= matched
                self._count(change.side, 0, -matched)
        if left:
            self._executions.append(_Execution(trade.t, trade.side, trade.px, left))

    def _forget_unmatched(self, t: int) -> None:
        executions, removals = self._executions, self._removals
        while executions and (executions[0].t < t - _MATCH_NS or not executions[0].left):
            executions.popleft()
        while removals and (removals[0].t < t - _MATCH_NS or not removals[0].cancelled):
            removals.popleft()

    def _store(self, change: _Change) -> None:
        self._changes.append(change)
        self._count(change.side, change.added, change.cancelled)
        self._slide(change.t)

    def _count(self, side: int, added: int, cancelled: int) -> None:
        self._net += side * (added - cancelled)
        self._gross += added + cancelled

    def _slide(self, t: int) -> None:
        changes, edge = self._changes, t - MINUTE
        while changes and changes[0].t <= edge:
            old = changes.popleft()
            self._count(old.side, -old.added, -old.cancelled)

    def value(self, t: int) -> float:
        """Return N/G; 0 when nothing was added or cancelled."""
        self._slide(t)
        return ratio(self._net, self._gross)
