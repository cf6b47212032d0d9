"""Mean size of parent orders."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import quotient
from quantumtrader._fallback.features.parents import Parent
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.windows import TimeSum


@feature("parent_size_mean_1m")
class ParentSize(Feature):
    """Contracts per parent order that has ended and whose last print lies in the window."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = TimeSum(spec.window_ns, 2)
        flow.parents.listeners.append(self._add)

    def restart(self) -> None:
        """Forget the session."""
        self._window.restart()

    def _add(self, parent: Parent) -> None:
        self._window.add(parent.last, parent.volume, 1)

    def value(self, t: int) -> float:
        """Return the mean volume; NaN without such a parent."""
        return quotient(*self._window.at(t))
