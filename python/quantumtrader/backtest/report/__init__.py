"""One offline HTML file that shows a replay: nothing in it loads anything from anywhere."""

from __future__ import annotations

from quantumtrader.backtest.report.html import render_report

__all__ = ["render_report"]
