"""Numbers on the page, each tied to its place in the assessment: none is typed in or computed here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from quantumtrader.pages.html import escape
from quantumtrader.pages.numbers import money, number
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.evaluation import Interval

__all__ = ["Figures"]


class Figures:
    """Writes numbers of an assessment as ``<data>`` elements that carry place and full value.

    A place is a path through the assessment, ``money/net_ticks/0``. Where there is no number, ``none`` (None) and
    ``undefined`` (NaN) are the keys of the words that stand there instead.
    """

    def __init__(self, assessment: Assessment, words: Mapping[str, str], lang: str) -> None:
        self.assessment, self.words, self.lang = assessment, words, lang

    def get(self, place: str) -> Any:
        """Return what stands at a place."""
        found: Any = self.assessment
        for step in place.split("/"):
            if isinstance(found, Mapping):
                found = found[step]
            elif step.isdigit():
                found = found[int(step)]
            else:
                found = getattr(found, step)
        return found

    def none(self, why: str = "insufficient") -> str:
        """Say why there is no number."""
        return f'<span class="none">{self.words[why]}</span>'

    def plain(
        self, place: str, decimals: int = 0, none: str = "insufficient", undefined: str = "undefined"
    ) -> str:
        """Write a number."""
        return self._data(place, lambda v: number(v, self.lang, decimals), none, undefined)

    def share(self, place: str, decimals: int = 1, none: str = "insufficient") -> str:
        """Write a share in percent."""
        return self._data(place, lambda v: f"{number(100 * v, self.lang, decimals)}\u00a0%", none)

    def signed(
        self, place: str, decimals: int = 1, none: str = "insufficient", undefined: str = "undefined"
    ) -> str:
        """Write a number in the colour of its sign."""
        return self._coloured(place, self.plain(place, decimals, none, undefined))

    def money(self, place: str, none: str = "insufficient") -> str:
        """Write an amount in the instrument's currency, in the colour of its sign."""
        paid = self.assessment.money
        currency = "" if paid is None else paid.currency
        return self._coloured(place, self._data(place, lambda v: money(v, currency, self.lang), none))

    def interval(self, place: str, decimals: int, none: str = "insufficient") -> str:
        """Write a mean with its interval."""
        found: Interval | None = self.get(place)
        if found is None:
            return self.none(none)
        mean, low, high = (self.plain(f"{place}/{part}", decimals) for part in ("mean", "low", "high"))
        css = "up" if found.low > 0 else "down" if found.high < 0 else ""
        return f'<span class="{css}">{mean}</span> <small>({low} {self.words["to"]} {high})</small>'

    def _data(self, place: str, write: Any, none: str, undefined: str = "undefined") -> str:
        value = self.get(place)
        if value is None:
            return self.none(none)
        if isinstance(value, float) and math.isnan(value):
            return self.none(undefined)
        text = "∞" if value == math.inf else write(float(value))
        return f'<data value="{float(value)!r}" data-at="{escape(place)}">{escape(text)}</data>'

    def _coloured(self, place: str, text: str) -> str:
        value = self.get(place)
        if value is None or not value or math.isnan(value):
            return text
        return f'<span class="{"up" if value > 0 else "down"}">{text}</span>'
