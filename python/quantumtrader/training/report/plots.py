"""The pictures of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from quantumtrader.pages.numbers import number
from quantumtrader.training.assessment.money import Money
from quantumtrader.training.assessment.picture import PARTS, SplitPicture
from quantumtrader.training.assessment.quality import ClassQuality
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.report.svg import Plot

__all__ = ["calibration_plot", "equity_plot", "importance_plot", "paths_plot", "rank_plot", "split_plot"]

Float64 = npt.NDArray[np.float64]


def day_text(day: int, lang: str) -> str:
    """Write a date given as days since 1970."""
    text = str(np.datetime64(day, "D"))
    return "/".join(reversed(text.split("-"))) if lang == "pt" else text


def split_plot(picture: SplitPicture, lang: str, title: str, axis: str) -> str:
    """One row per split, sessions from left to right, each cell divided by its parts."""
    splits, sessions, _ = picture.rows.shape
    tall = min(12.0, max(4.0, 420 / max(splits, 1)))
    plot = Plot(
        (0, sessions), (splits, 0), lang, title,
        width=760, height=int(44 + splits * tall), left=40, top=8, bottom=30,
    )  # fmt: skip
    for row in range(splits):
        for first, last, part, begin, end in _runs(picture.rows[row]):
            plot.box(first + begin, row + 0.12, last + end, row + 0.88, PARTS[part])
    plot.x_words(_dates(picture.sessions, lang))
    for row in {0, splits - 1}:
        plot.text(plot.left - 6, plot.py(row + 0.5) + 4, str(row + 1), "end")
    plot.text(10, plot.top + (plot.height - plot.top - plot.bottom) / 2, axis, "middle")
    plot.marks[-1] = plot.marks[-1].replace(
        "<text ",
        f'<text transform="rotate(-90 10 {plot.top + (plot.height - plot.top - plot.bottom) / 2:.1f})" ',
    )
    return plot.svg()


def _runs(rows: npt.NDArray[np.int64]) -> list[tuple[int, int, int, float, float]]:
    """Join sessions that belong wholly to one part: first and last session, part, and where in them it begins and ends."""
    out: list[tuple[int, int, int, float, float]] = []
    for session, counts in enumerate(rows.tolist()):
        total, at = sum(counts), 0.0
        for part, count in enumerate(counts):
            if not count:
                continue
            share = count / total
            whole = share == 1
            if whole and out and out[-1][1:3] == (session - 1, part) and out[-1][4] == 1:
                out[-1] = (out[-1][0], session, part, out[-1][3], 1)
            else:
                out.append((session, session, part, at, at + share))
            at += share
    return out


def _dates(sessions: npt.NDArray[np.int64], lang: str) -> list[tuple[float, str]]:
    """First, middle and last date, at the ends and the middle of an axis from 0 to the number of sessions."""
    n = len(sessions)
    places = (0, n // 2, n - 1) if n > 2 else range(n)
    ends = (0.0, n / 2, float(n)) if n > 2 else (0.0, float(n))
    return [(at, day_text(int(sessions[k]), lang)) for at, k in zip(ends, places, strict=False)]


def equity_plot(money: Money, lang: str, title: str) -> str:
    """Ticks over the sessions, gross and at each cost."""
    n = len(money.sessions)
    curves = [np.concatenate(([0.0], np.cumsum(v))) for v in (money.gross, *money.net)]
    low, high = min(float(c.min()) for c in curves), max(float(c.max()) for c in curves)
    pad = 0.04 * (high - low or 1)
    plot = Plot((0, n), (low - pad, high + pad), lang, title, width=760, height=320, left=76)
    plot.y_axis()
    plot.x_words(_dates(money.sessions, lang))
    for k, curve in enumerate(curves):
        plot.line(list(range(n + 1)), curve.tolist(), f"c{k}" + (" thin" if k != 1 else ""))
    return plot.svg()


def calibration_plot(quality: ClassQuality, lang: str, title: str, x: str, y: str) -> str:
    """Observed share over predicted probability; dots as large as the weight of their bin."""
    bins = quality.bins
    plot = Plot((0, 1), (0, 1), lang, title, width=420, height=330, bottom=44)
    plot.y_axis(1)
    plot.x_axis(1)
    plot.line([0, 1], [0, 1], "c0 thin")
    plot.line(bins.predicted.tolist(), bins.observed.tolist(), "c1")
    total = float(bins.weight.sum()) or 1.0
    for p, o, w in zip(bins.predicted.tolist(), bins.observed.tolist(), bins.weight.tolist(), strict=True):
        if w > 0:
            told = f"{number(p, lang, 3)} → {number(o, lang, 3)} (n_eff {number(w, lang, 0)})"
            plot.dot(p, o, "f1", told, 3 + 9 * math.sqrt(w / total))
    plot.text((plot.left + plot.width - plot.right) / 2, plot.height - 6, x)
    plot.text(plot.left + 6, plot.top + 12, y, "start")
    return plot.svg()


def importance_plot(families: Mapping[str, Interval | None], lang: str, title: str) -> str:
    """Bars with their intervals, the greatest first."""
    shown = sorted(((n, i) for n, i in families.items() if i is not None), key=lambda p: -p[1].mean)
    low = min(0.0, *(i.low for _, i in shown))
    high = max(1e-12, *(i.high for _, i in shown))
    plot = Plot(
        (low, high), (len(shown), 0), lang, title,
        width=520, height=36 + 26 * len(shown), left=120, top=4, bottom=28, right=16,
    )  # fmt: skip
    plot.x_axis()
    plot.rule(plot.px(0), plot.top, plot.px(0), plot.height - plot.bottom, "zero")
    for k, (name, found) in enumerate(shown):
        told = f"{name}: {number(found.mean, lang, 5)} ({number(found.low, lang, 5)} … {number(found.high, lang, 5)})"
        plot.box(0, k + 0.2, found.mean, k + 0.8, "f1 soft", told)
        y = plot.py(k + 0.5)
        plot.rule(plot.px(found.low), y, plot.px(found.high), y, "line c1")
        plot.text(plot.left - 8, y + 4, name, "end")
    return plot.svg()


def paths_plot(values: Sequence[float], lang: str, title: str, decimals: int) -> str:
    """One dot per path, sorted, with zero as a rule."""
    order = sorted(range(len(values)), key=lambda k: values[k])
    low, high = min(0.0, *values), max(0.0, *values)
    pad = 0.08 * (high - low or 1)
    plot = Plot((0, len(values)), (low - pad, high + pad), lang, title, width=420, height=220)
    plot.y_axis()
    for place, k in enumerate(order):
        css = "f4" if values[k] > 0 else "f3"
        plot.dot(place + 0.5, values[k], css, f"{k + 1}: {number(values[k], lang, decimals)}", 5)
        plot.text(plot.px(place + 0.5), plot.height - plot.bottom + 17, str(k + 1))
    return plot.svg()


def rank_plot(ranks: Float64, lang: str, title: str) -> str:
    """Histogram of the future rank of past winners; what lies left of the middle is overfitting."""
    # The median itself is on the side of overfitting, so bins hold their right end.
    place = np.clip(np.ceil(ranks * 20 - 1e-9).astype(np.int64) - 1, 0, 19)
    counts = np.bincount(place, minlength=20)
    plot = Plot((0, 1), (0, float(counts.max()) or 1), lang, title, width=420, height=200)
    plot.y_axis(0)
    plot.x_axis(1)
    for k, count in enumerate(counts.tolist()):
        if count:
            plot.box(k / 20, 0, (k + 1) / 20, count, "f3 soft" if k < 10 else "f4 soft", str(count))
    middle = plot.px(0.5)
    plot.rule(middle, plot.top, middle, plot.height - plot.bottom, "zero")
    return plot.svg()
