"""What the features say on real data: published forms measured, detectors scored.

Nothing here is on the path of a trade. Every figure comes with the command that reproduces it.
"""

from __future__ import annotations

from quantumtrader.evaluation.detectors import DetectorReport, evaluate_detectors
from quantumtrader.evaluation.forms import Forms, ImpactFit, measure_forms
from quantumtrader.evaluation.plots import plot_forms

__all__ = ["DetectorReport", "Forms", "ImpactFit", "evaluate_detectors", "measure_forms", "plot_forms"]
