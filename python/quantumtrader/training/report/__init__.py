"""One offline HTML file that shows a training: nothing in it loads anything from anywhere."""

from __future__ import annotations

from pathlib import Path

from quantumtrader.exceptions import DataAccessError
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.report.page import render_page

__all__ = ["render_page", "write_report"]


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
    text = render_page(assessment, lang)
    partial = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise DataAccessError(f"the report cannot be written: {error}", path=path) from error
