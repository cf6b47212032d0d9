"""Parent orders that walk several rows, and quick runs of growing prints."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, NAN, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("sweep_detected", "sweep_levels_1m", "sweep_volume_ratio_5m")
class Sweep(Feature):
    """What the sweep detector has seen of ended parents."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._detectors = flow.want_detector("sweep")
        self._tape = flow.tape
        self._window = flow.tape.window(5 * MINUTE)

    def value(self, t: int) -> float:
        """Return the side of the last sweep, the signed levels of the longest parent, or the share of sweeps."""
        sweep = self._detectors.sweep
        assert sweep is not None
        if self.spec.name == "sweep_levels_1m":
            return float(sweep.levels(t))
        if self.spec.name == "sweep_volume_ratio_5m":
            return ratio(sweep.volume(t), self._window.slide(t).volume)
        if not self._tape.prints:
            return NAN
        return sweep.held.live(t, self._detectors.settings.sweep_hold_ns) or 0.0


@feature("sweep_run_detected")
class SweepRun(Feature):
    """Side of the run that the last print belongs to, if it sweeps."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._detectors, self._tape = flow.want_detector("sweep_run"), flow.tape

    def value(self, t: int) -> float:
        """Return its side, else 0."""
        assert self._detectors.run is not None
        return self._detectors.run.signal() if self._tape.prints else NAN


@feature("iceberg_tape_signal")
class IcebergTape(Feature):
    """Resting side behind equal prints at one price."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._detectors, self._tape = flow.want_detector("iceberg_tape"), flow.tape

    def value(self, t: int) -> float:
        """Return the side, else 0."""
        assert self._detectors.tape is not None
        return self._detectors.tape.signal(t) if self._tape.prints else NAN
