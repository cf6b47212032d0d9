"""Puts the numbers of an assessment on one page."""

from __future__ import annotations

from quantumtrader.pages.html import base_style, document, static
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.report import knowledge, luck, overview, returns
from quantumtrader.training.report.frame import Frame

__all__ = ["render_page"]

_HERE = "quantumtrader.training.report"
_SECTIONS = (
    overview.head,
    overview.verdict,
    overview.tiles,
    overview.gate,
    overview.data,
    overview.splits,
    knowledge.paths,
    knowledge.slices,
    knowledge.calibration,
    knowledge.importance,
    returns.money,
    returns.capacity,
    returns.baselines,
    luck.choice,
    luck.selection,
    luck.placebos,
    overview.notes,
    overview.end,
)


def render_page(assessment: Assessment, lang: str = "en") -> str:
    """Return the report as one self-contained HTML document.

    Parameters
    ----------
    assessment : Assessment
    lang : str
        ``en`` or ``pt``.

    Raises
    ------
    ConfigError
        If the language is not known.
    """
    page = Frame(assessment, lang)
    body = "".join(section(page) for section in _SECTIONS)
    title = f"{page.words['title']} · {assessment.data.symbol} · {assessment.study}"
    if assessment.synthetic:
        title += " · SYNTHETIC"
    return document(title, lang, base_style() + static(_HERE, "report.css"), body)
