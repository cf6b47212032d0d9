"""The parts of a plot: scales, axes, marks. Colours are classes, so that the page's light and dark style apply."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from quantumtrader.pages.html import escape
from quantumtrader.pages.numbers import number

__all__ = ["Plot", "round_steps"]


def round_steps(low: float, high: float, most: int = 5) -> list[float]:
    """Return at most ``most + 1`` round numbers (1, 2, 5 times a power of ten) inside ``[low, high]``."""
    span = high - low
    if not span > 0:
        return [low]
    raw = span / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass
class Plot:
    """A plot of numbers over numbers; sizes in SVG units.

    Parameters
    ----------
    x, y : (float, float)
        Smallest and greatest value of each axis.
    lang : str
        How numbers are written.
    title : str
        What it shows, for readers that do not see it.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    lang: str
    title: str
    width: int = 520
    height: int = 280
    left: int = 56
    right: int = 12
    top: int = 10
    bottom: int = 30
    marks: list[str] = field(default_factory=list)

    def px(self, value: float) -> float:
        """Place on the horizontal axis."""
        return self.left + _share(value, self.x) * (self.width - self.left - self.right)

    def py(self, value: float) -> float:
        """Place on the vertical axis."""
        return self.height - self.bottom - _share(value, self.y) * (self.height - self.top - self.bottom)

    def line(self, xs: Sequence[float], ys: Sequence[float], css: str) -> None:
        """Draw a line; NaN breaks it."""
        path, pen = [], "M"
        for a, b in zip(xs, ys, strict=True):
            if math.isnan(a) or math.isnan(b):
                pen = "M"
                continue
            path.append(f"{pen}{self.px(a):.1f} {self.py(b):.1f}")
            pen = "L"
        self.marks.append(f'<path class="line {css}" d="{"".join(path)}"/>')

    def dot(self, a: float, b: float, css: str, told: str = "", radius: float = 4) -> None:
        """Draw a dot; ``told`` appears when it is pointed at."""
        self.marks.append(
            f'<circle class="{css}" cx="{self.px(a):.1f}" cy="{self.py(b):.1f}" r="{radius:.1f}">{_told(told)}</circle>'
        )

    def box(self, a: float, b: float, c: float, d: float, css: str, told: str = "") -> None:
        """Draw a rectangle from ``(a, b)`` to ``(c, d)``."""
        left, right = sorted((self.px(a), self.px(c)))
        top, bottom = sorted((self.py(b), self.py(d)))
        self.marks.append(
            f'<rect class="{css}" x="{left:.2f}" y="{top:.2f}" width="{max(right - left, 0.3):.2f}" '
            f'height="{max(bottom - top, 0.3):.2f}">{_told(told)}</rect>'
        )

    def text(self, x: float, y: float, words: str, anchor: str = "middle") -> None:
        """Write at a place in SVG units."""
        self.marks.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>')

    def rule(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """Draw a straight line between places in SVG units."""
        self.marks.append(f'<line class="{css}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def y_axis(self, decimals: int | None = None) -> None:
        """Draw horizontal rules at round values."""
        steps = round_steps(*self.y)
        places = _decimals(steps) if decimals is None else decimals
        for value in steps:
            y = self.py(value)
            zero = abs(value) < 1e-12
            self.rule(self.left, y, self.width - self.right, y, "zero" if zero else "axis")
            self.text(self.left - 6, y + 4, number(value + 0.0, self.lang, places), "end")

    def x_axis(self, decimals: int | None = None) -> None:
        """Write round values below."""
        steps = round_steps(*self.x)
        places = _decimals(steps) if decimals is None else decimals
        for value in steps:
            self.text(self.px(value), self.height - self.bottom + 17, number(value + 0.0, self.lang, places))

    def x_words(self, places: Sequence[tuple[float, str]]) -> None:
        """Write words below, the first and the last inside the plot."""
        for k, (at, words) in enumerate(places):
            anchor = "start" if k == 0 else "end" if k == len(places) - 1 else "middle"
            self.text(self.px(at), self.height - self.bottom + 17, words, anchor)

    def svg(self) -> str:
        """Return the picture."""
        return (
            f'<figure><svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(self.title)}">'
            f"<title>{escape(self.title)}</title>{''.join(self.marks)}</svg></figure>"
        )


def _share(value: float, ends: tuple[float, float]) -> float:
    low, high = ends
    return 0.5 if high == low else (value - low) / (high - low)


def _decimals(steps: Sequence[float]) -> int:
    if len(steps) < 2:
        return 0
    return max(0, -math.floor(math.log10(steps[1] - steps[0]) + 1e-9))


def _told(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""
