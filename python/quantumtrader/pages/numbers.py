"""Numbers and money as people write them, in English and Portuguese."""

from __future__ import annotations

import math

from quantumtrader.exceptions import ConfigError

__all__ = ["LANGUAGES", "count", "language", "money", "number"]

LANGUAGES = ("en", "pt")

_SIGNS = {"BRL": "R$", "USD": "US$", "EUR": "€"}


def language(lang: str) -> int:
    """Return the place of a language in ``LANGUAGES``.

    Raises
    ------
    ConfigError
        If it is not one of them.
    """
    if lang not in LANGUAGES:
        raise ConfigError(f"language {lang!r} is not known; there are {', '.join(LANGUAGES)}")
    return LANGUAGES.index(lang)


def number(value: float, lang: str, decimals: int = 2) -> str:
    """``1,234.50`` (en) or ``1.234,50`` (pt); a dash for NaN."""
    if math.isnan(value):
        return "–"
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")  # what rounds to zero has no sign
    return text.translate(str.maketrans(",.", ".,")) if lang == "pt" else text


def count(n: float, lang: str) -> str:
    """A whole number with its thousands."""
    return number(n, lang, 0)


def money(amount: float, currency: str, lang: str) -> str:
    """Write an amount with two decimals, for example ``-R$ 1.234,50`` (pt) or ``-R$ 1,234.50`` (en)."""
    if math.isnan(amount):
        return "–"
    text = number(abs(amount), lang)
    return f"{'-' if round(amount, 2) < 0 else ''}{_SIGNS.get(currency, currency)} {text}"
