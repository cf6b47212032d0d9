"""What the features say on real data: published forms measured, detectors scored.

Nothing here is on the path of a trade. Every figure comes with the command that reproduces it.
"""

from __future__ import annotations

from quantumtrader.evaluation.forms import Forms, ImpactFit, measure_forms
from quantumtrader.evaluation.plots import plot_forms
from quantumtrader.evaluation.quality import Quality, measure_quality
from quantumtrader.evaluation.scoring import Share

__all__ = ["Forms", "ImpactFit", "Quality", "Share", "measure_forms", "measure_quality", "plot_forms"]
