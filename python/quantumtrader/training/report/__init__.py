"""One offline HTML file that shows a training: nothing in it loads anything from anywhere."""

from __future__ import annotations

from pathlib import Path

from quantumtrader.models.folder import write_whole
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.report.join import render_join, write_join
from quantumtrader.training.report.page import render_page

__all__ = ["render_join", "render_page", "write_join", "write_report"]


def write_report(assessment: Assessment, path: Path, lang: str = "en") -> None:
    """Write the report of an assessment.

    Parameters
    ----------
    assessment : Assessment
    path : Path
        Replaced where it is there, once the whole page is written.
    lang : str
        ``en`` or ``pt``.

    Raises
    ------
    ConfigError
        If the language is not known.
    DataAccessError
        If the file cannot be written.
    """
    write_whole(path, render_page(assessment, lang).encode())
