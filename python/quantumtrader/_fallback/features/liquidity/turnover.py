"""What joins and leaves the first five levels: replenishment and cancellation."""

from __future__ import annotations

from quantumtrader._fallback.features.cancellations import Cancellations
from quantumtrader._fallback.features.depth import LEVELS
from quantumtrader._fallback.features.feed import RowChange
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, SECOND, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.windows import TimeSum


class Turnover(Feature):
    """Sums what is added, and hands on what is removed, at the best five rows of each side.

    An increase counts when its row is among them after the packet, a decrease when it was before.
    """

    window_ns = 0

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._depth = flow.depth
        self._added = TimeSum(self.window_ns)
        flow.depth.wanted = True
        flow.depth.addition_listeners.append(self._added.add)
        flow.row_listeners.append(self._on_rows)

    def restart(self) -> None:
        """Forget the session."""
        self._added.restart()

    def _on_rows(self, t: int, changes: list[RowChange], voided: bool) -> None:
        before = self._depth.previous
        if voided or before is None:
            return
        shown = {(1, level.bid_px) for level in before[:LEVELS]} | {
            (-1, level.ask_px) for level in before[:LEVELS]
        }
        for change in changes:
            if change.after < change.before and (change.side, change.px) in shown:
                self._remove(t, change.side, change.px, change.before - change.after)

    def _remove(self, t: int, side: int, px: int, size: int) -> None:
        raise NotImplementedError


@feature("depth_replenish_10s")
class DepthReplenish(Turnover):
    """Added over removed volume, whether traded or cancelled (resilience, Large, 2007)."""

    window_ns = 10 * SECOND

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._removed = TimeSum(self.window_ns)

    def restart(self) -> None:
        """Forget the session."""
        super().restart()
        self._removed.restart()

    def _remove(self, t: int, side: int, px: int, size: int) -> None:
        self._removed.add(t, size)

    def value(self, t: int) -> float:
        """Return the ratio; NaN when nothing was removed."""
        return quotient(self._added.at(t)[0], self._removed.at(t)[0])


@feature("cancel_ratio_1m")
class CancelRatio(Turnover):
    """Cancelled over added volume; what prints explain was traded."""

    window_ns = MINUTE

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._cancelled = Cancellations(self.window_ns)
        flow.tape.listeners.append(self._cancelled.on_print)

    def restart(self) -> None:
        """Forget the session."""
        super().restart()
        self._cancelled.restart()

    def _remove(self, t: int, side: int, px: int, size: int) -> None:
        self._cancelled.remove(t, side, px, size)

    def value(self, t: int) -> float:
        """Return the ratio; NaN when nothing was added."""
        return quotient(sum(self._cancelled.at(t)), self._added.at(t)[0])
