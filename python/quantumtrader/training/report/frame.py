"""What every section of the page writes with."""

from __future__ import annotations

from collections.abc import Sequence

from quantumtrader.training.assessment import Assessment
from quantumtrader.training.report.figures import Figures
from quantumtrader.training.report.words import words_of

__all__ = ["Frame", "listed"]


class Frame:
    """An assessment with the words and the figures of one language.

    Parameters
    ----------
    assessment : Assessment
    lang : str
        ``en`` or ``pt``.
    """

    def __init__(self, assessment: Assessment, lang: str) -> None:
        self.a, self.lang, self.words = assessment, lang, words_of(lang)
        self.f = Figures(assessment, self.words, lang)

    def section(self, name: str, body: str, *, hint: bool = True) -> str:
        """Return a section with its heading, and its hint where asked."""
        told = self.words.get(f"{name}_hint", "")
        words = f'<p class="hint">{told}</p>' if hint and told else ""
        return f'<section id="{name}"><h2>{self.words[name]}</h2>{words}{body}</section>'

    def wide(self, shown: str) -> str:
        """Let a table scroll by itself where it is wider than the screen."""
        return f'<div class="wide">{shown}</div>'

    def mean(self, name: str, *, share: bool = False) -> str:
        """Write a mean over trades, where there are enough of them."""
        if self.a.money is None or self.a.money.means is None:
            return self.f.none()
        place = f"money/means/{name}"
        return self.f.share(place) if share else self.f.plain(place, 2)

    def after_costs(self, key: str) -> str:
        """Return words about costs; others where the fees in them are not known."""
        return self.words[f"{key}_free" if self.a.fees_known is False else key]

    def maybe(self, place: str, trades: float) -> str:
        """Write net per trade; a baseline without a trade has none, which is no lack of data."""
        return "–" if not trades > 0 else self.f.interval(place, 2)

    def date(self, text: str) -> str:
        """Write a date as the language does."""
        return "/".join(reversed(text.split("-"))) if self.lang == "pt" else text


def listed(rows: Sequence[tuple[str, str]]) -> str:
    """Return names with their values, as a list that folds on a phone."""
    return f"<dl>{''.join(f'<dt>{n}</dt><dd>{v}</dd>' for n, v in rows)}</dl>" if rows else ""
