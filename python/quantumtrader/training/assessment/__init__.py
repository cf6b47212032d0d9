"""What may be said about a training, and what may not: every number of its report."""

from quantumtrader.training.assessment.assessment import Assessment, assess
from quantumtrader.training.assessment.size import Books, Liquidity

__all__ = ["Assessment", "Books", "Liquidity", "assess"]
