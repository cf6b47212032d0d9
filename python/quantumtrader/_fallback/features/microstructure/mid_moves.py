"""Moves of the mid: how far, how many, in which direction, how often back."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.windows import TimeSum


@feature("mid_return_1s", "mid_return_10s")
class MidReturn(Feature):
    """Mid now minus mid at t − W, in ticks."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._mids = flow.mids

    def value(self, t: int) -> float:
        """Return the move; NaN where there is or was no mid."""
        now, then = self._mids.current, self._mids.at(t - self.spec.window_ns)
        return NAN if now is None or then is None else (now - then) / 2


class _Changes(Feature):
    """Hears of changes from one mid to another."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.mids.listeners.append(self._watch)
        self.restart()

    def _watch(self, t: int, before: int | None, after: int | None) -> None:
        if before is not None and after is not None:
            self._change(t, 1 if after > before else -1)

    def _change(self, t: int, direction: int) -> None:
        raise NotImplementedError


@feature("tick_run")
class TickRun(_Changes):
    """Signed number of mid changes in one direction up to the last one."""

    def restart(self) -> None:
        """Forget the session."""
        self._run = 0

    def _change(self, t: int, direction: int) -> None:
        self._run = self._run + direction if self._run * direction > 0 else direction

    def value(self, t: int) -> float:
        """Return the run; NaN before the first change."""
        return float(self._run) if self._run else NAN


@feature("mid_changes_1m")
class MidChanges(_Changes):
    """Number of mid changes."""

    def restart(self) -> None:
        """Forget the session."""
        self._window = TimeSum(self.spec.window_ns)

    def _change(self, t: int, direction: int) -> None:
        self._window.add(t, 1)

    def value(self, t: int) -> float:
        """Return the number."""
        return float(self._window.at(t)[0])


@feature("reversal_ratio_5m")
class ReversalRatio(_Changes):
    """Share of mid changes against the change before them."""

    def restart(self) -> None:
        """Forget the session."""
        self._last = 0
        self._window = TimeSum(self.spec.window_ns, 2)

    def _change(self, t: int, direction: int) -> None:
        if self._last:
            self._window.add(t, 1, int(direction != self._last))
        self._last = direction

    def value(self, t: int) -> float:
        """Return the share; NaN without a change that has one before it."""
        changes, reversals = self._window.at(t)
        return quotient(reversals, changes)
