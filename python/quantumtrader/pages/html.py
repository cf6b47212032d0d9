"""One HTML file that loads nothing: its skeleton, its style, its tables."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from importlib import resources

__all__ = ["base_style", "document", "escape", "static", "table"]

escape = html.escape


def static(package: str, name: str) -> str:
    """Return a text file out of the folder ``static`` of a package."""
    return resources.files(package).joinpath("static", *name.split("/")).read_text("utf-8")


def base_style() -> str:
    """Return the style that all pages share."""
    return static("quantumtrader.pages", "base.css")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], css: str = "") -> str:
    """Return an HTML table; cells are HTML already, all columns but the first are right-aligned."""
    top = "".join(f"<th>{h}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f'<table class="{css}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def document(title: str, lang: str, style: str, body: str, scripts: Sequence[str] = ()) -> str:
    """Return the whole page.

    Parameters
    ----------
    title : str
        Plain text.
    lang : str
        ``en`` or ``pt``.
    style, body : str
        CSS and HTML.
    scripts : sequence of str
        JavaScript, without an end tag in it.
    """
    return (
        f'<!doctype html><html lang="{"pt-BR" if lang == "pt" else "en"}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>{body}</main>"
        + "".join(f"<script>{script}</script>" for script in scripts)
        + "</body></html>\n"
    )
