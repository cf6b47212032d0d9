"""Pictures of feature tables, as PNG, SVG or PDF. matplotlib comes with the extra ``plot``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quantumtrader._protocols import Float64, Int64
from quantumtrader.exceptions import ConfigError
from quantumtrader.features.pictures import new_figure
from quantumtrader.types import FeatureFrame

if TYPE_CHECKING:
    from quantumtrader.features.debugger import FeatureDebugger

__all__ = [
    "drawn_features",
    "plot_correlations",
    "plot_microprice",
    "plot_overview",
    "plot_series",
    "select",
]

_OURS, _THEIRS = "#1f4e79", "#c0504d"
_MOST_POINTS = 20_000
_MOST_FEATURES = 24
_CELL = (2.6, 1.9)
"""Width and height of a distribution, inches."""
_LEAST_HEIGHT = 9.5
_LABEL, _LABELS = 0.14, 2.5
"""Inches of a row of the matrix, in which 7 points are readable, and of the names beside it."""
_MOST_SIDE = 40.0
_SCALE = 0.8
"""Width of the scale of colours, inches."""
_BREAK_NS = 3_600 * 10**9
"""Rows that are further apart belong to different sessions, as for a guard."""


def plot_correlations(debugger: FeatureDebugger, path: Path | str) -> Path:
    """Draw the matrix of correlations of all columns as a heat map.

    Parameters
    ----------
    debugger : FeatureDebugger
        Holds the table.
    path : path
        The picture; its ending says which kind.

    Raises
    ------
    ConfigError
        If the ending is not known.
    DataAccessError
        If the file cannot be written.
    MissingExtraError
        Without matplotlib.
    """
    side = _side(len(debugger.frame.names))
    figure, save = new_figure(path, (side + _SCALE, side))
    _heatmap(figure.add_subplot(), debugger, side)
    return save()


def plot_overview(debugger: FeatureDebugger, path: Path | str, features: Sequence[str] | None = None) -> Path:
    """Draw the matrix of correlations, and the distribution of each feature beside that of the reference.

    Parameters
    ----------
    debugger : FeatureDebugger
        Holds the table, and the reference if there is one.
    path : path
        The picture.
    features : sequence of str, optional
        Whose distributions to draw, at most 24; the first ones that have values by default.

    Errors are those of :func:`plot_correlations`; ``ConfigError`` also names a column that the table does not have.
    """
    every = debugger.frame.names
    names = _chosen(debugger.frame, drawn_features(debugger.frame, features, distributions=True))
    side = _side(len(every))
    # Matrix and distributions stand side by side and are equally high, so that neither leaves a blank band.
    columns = math.ceil(len(names) / max(int(max(side, _LEAST_HEIGHT) / _CELL[1]), 1))
    rows = math.ceil(len(names) / columns)
    height = max(side, _CELL[1] * rows)
    figure, save = new_figure(path, (height + _SCALE + _CELL[0] * columns, height))
    left, right = figure.subfigures(1, 2, width_ratios=[height + _SCALE, _CELL[0] * columns])
    _heatmap(left.add_subplot(), debugger, height)
    grid = right.add_gridspec(rows, columns)
    reference = debugger.reference
    for k, name in enumerate(names):
        axes = right.add_subplot(grid[k // columns, k % columns])
        other = reference[name] if reference is not None and name in reference.names else None
        _histogram(axes, name + _infinite(debugger.frame[name]), debugger.frame[name], other)
    if len(names) < len(every):
        right.suptitle(f"distributions of {len(names)} of {len(every)} features", fontsize=9)
    if reference is not None:
        patch = import_module("matplotlib.patches").Patch
        handles = [patch(color=c, alpha=0.55, label=n) for n, c in (("table", _OURS), ("reference", _THEIRS))]
        right.legend(handles=handles, loc="outside lower right", ncols=2, fontsize=8)
    return save()


def plot_series(frame: FeatureFrame, features: Sequence[str] | None, path: Path | str) -> Path:
    """Draw features over time, each with its distribution beside it; missing values are gaps.

    Parameters
    ----------
    frame : FeatureFrame
        The table.
    features : sequence of str or None
        At most 24; None draws the first ones.
    path : path
        The picture.

    Errors are those of :func:`plot_overview`.
    """
    names = _chosen(frame, features)
    figure, save = new_figure(path, (13.0, 1.9 * len(names) + 0.6))
    grid = figure.add_gridspec(len(names), 2, width_ratios=[4, 1])
    breaks = _breaks(frame.times)
    shared: Any = None
    for k, name in enumerate(names):
        shared = axes = figure.add_subplot(grid[k, 0], sharex=shared)
        column = np.where(np.isfinite(frame[name]), frame[name], np.nan)
        times, values = _with_breaks(frame.times, column, _envelope(column), breaks)
        axes.plot(times.view("datetime64[ns]"), values, linewidth=0.6, color=_OURS, drawstyle="steps-post")
        axes.set_title(name + _infinite(frame[name]), loc="left", fontsize=9)
        axes.tick_params(labelsize=7, labelbottom=k == len(names) - 1)
        axes.grid(alpha=0.25)
        if np.isnan(column).all():
            axes.set_yticks([])
            axes.text(0.5, 0.5, "no values", ha="center", va="center", transform=axes.transAxes, fontsize=8)
        _histogram(figure.add_subplot(grid[k, 1]), "", frame[name], None)
    if len(frame):
        _label_time(shared, frame.times)
    else:
        shared.set_xticks([])
    return save()


def plot_microprice(adjustment: Float64, observations: Int64, path: Path | str) -> Path:
    """Draw a micro-price table: G* over the imbalance for each spread, and how often each state was seen.

    Parameters
    ----------
    adjustment : ndarray of float64, shape (30,)
        G* in ticks, by spread - 1 and tenth of q_b/(q_b + q_a).
    observations : ndarray of int64, shape (30,)
        Steps from each state.
    path : path
        The picture.

    Errors are those of :func:`plot_correlations`.
    """
    figure, save = new_figure(path, (8.0, 6.5))
    grid = figure.add_gridspec(2, 1, height_ratios=[3, 1])
    above = figure.add_subplot(grid[0])
    below = figure.add_subplot(grid[1], sharex=above)
    middle = (np.arange(10) + 0.5) / 10
    for spread, colour in enumerate((_OURS, _THEIRS, "#6b8e23")):
        part = slice(10 * spread, 10 * spread + 10)
        label = f"spread of {spread + 1} tick{'s' * (spread > 0)}"
        above.plot(middle, adjustment[part], marker="o", markersize=4, color=colour, label=label)
        # The imbalance-weighted mid, for comparison.
        above.plot(middle, (spread + 1) * (middle - 0.5), linewidth=0.8, linestyle=":", color=colour)
        below.bar(middle + (spread - 1) * 0.025, observations[part], width=0.025, color=colour)
    above.set_ylabel("G* in ticks (dotted: weighted mid)", fontsize=8)
    above.legend(fontsize=8)
    above.grid(alpha=0.25)
    below.set_yscale("symlog")
    below.set_ylabel("observations", fontsize=8)
    below.set_xlabel("q_b / (q_b + q_a)", fontsize=8)
    return save()


def drawn_features(
    frame: FeatureFrame, features: Sequence[str] | None, *, distributions: bool = False
) -> list[str]:
    """Return the columns that a picture shows: those asked for, or the first 24.

    Parameters
    ----------
    frame : FeatureFrame
        The table.
    features : sequence of str or None
        Those asked for.
    distributions : bool
        Whether it is :func:`plot_overview`, which passes over columns without values, and not :func:`plot_series`.
    """
    if features is not None:
        return list(features)
    some = np.isfinite(frame.values).any(axis=0)
    if not distributions or not some.any():
        return list(frame.names[:_MOST_FEATURES])
    return [frame.names[k] for k in np.flatnonzero(some)[:_MOST_FEATURES]]


def _breaks(times: Int64) -> Int64:
    """Return the last row before each hole in time: rows of another session do not go on where these ended."""
    steps = np.diff(times)
    usual = float(np.median(steps)) if len(steps) else 0.0
    return np.flatnonzero(steps > max(_BREAK_NS, 3 * usual))


def _with_breaks(times: Int64, column: Float64, shown: Int64, breaks: Int64) -> tuple[Int64, Float64]:
    """Return the points to draw, with a value that is missing after each break: the line ends there."""
    places = np.searchsorted(shown, breaks, side="right")
    return np.insert(times[shown], places, times[breaks]), np.insert(column[shown], places, np.nan)


def _label_time(axes: Any, times: Int64) -> None:
    """Label an axis of time: it ends with the rows, and their days stand below it."""
    first, last = times[[0, -1]].view("datetime64[ns]")
    if last > first:
        axes.set_xlim(first, last)
    dates = import_module("matplotlib.dates")
    locator = axes.xaxis.get_major_locator()
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, show_offset=False))
    days = [str(day.astype("datetime64[D]")) for day in (first, last)]
    axes.set_xlabel(f"UTC, {days[0]}" + (f" to {days[1]}" if days[1] != days[0] else ""), fontsize=8)


def _infinite(column: Float64) -> str:
    """Say in a title what cannot be drawn."""
    n = int(np.isinf(column).sum())
    return f" ({n:,} infinite, not drawn)" if n else ""


def _envelope(column: Float64) -> Int64:
    """Return the rows to draw: all, or the least and the greatest of each stretch, so that no spike is lost."""
    step = math.ceil(2 * len(column) / _MOST_POINTS)
    if step <= 2:
        return np.arange(len(column))
    whole = len(column) // step * step
    parts = column[:whole].reshape(-1, step)
    starts = np.arange(0, whole, step)
    least = np.where(np.isnan(parts), np.inf, parts).argmin(axis=1) + starts
    greatest = np.where(np.isnan(parts), -np.inf, parts).argmax(axis=1) + starts
    # A stretch that begins without a value keeps its first row: that is where the gap is seen.
    holes = starts[np.isnan(parts[:, 0])]
    return np.unique(np.concatenate((least, greatest, holes, np.arange(whole, len(column)))))


def select(frame: FeatureFrame, features: Sequence[str]) -> FeatureFrame:
    """Return some columns of a table; without its manifest, which is of all of them.

    Raises
    ------
    ConfigError
        If it does not have one.
    """
    _require(frame, features)
    values = np.column_stack([frame[name] for name in features])
    about = {key: value for key, value in frame.metadata.items() if key != "manifest"}
    return FeatureFrame(tuple(features), frame.times, values, about)


def _require(frame: FeatureFrame, features: Sequence[str]) -> None:
    absent = [name for name in features if name not in frame.names]
    if absent:
        raise ConfigError(f"the table has no {', '.join(absent)}; it has {', '.join(frame.names)}")


def _chosen(frame: FeatureFrame, features: Sequence[str] | None) -> tuple[str, ...]:
    names = frame.names[:_MOST_FEATURES] if features is None else tuple(features)
    if len(names) > _MOST_FEATURES:
        raise ConfigError(
            f"{len(names)} features are too many for one picture; choose at most {_MOST_FEATURES}"
        )
    _require(frame, names)
    if not names:
        raise ConfigError("there is no feature to draw")
    return names


def _side(n: int) -> float:
    """Inches of a matrix of ``n`` names, the names beside it included."""
    return min(max(4.0, _LABEL * n + _LABELS), _MOST_SIDE)


def _heatmap(axes: Any, debugger: FeatureDebugger, side: float) -> None:
    names = debugger.frame.names
    matrix = np.ma.masked_invalid(debugger.correlations()[0])
    image = axes.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r", interpolation="nearest", aspect="equal")
    axes.set_facecolor("#d9d9d9")  # a pair without a coefficient
    step = math.ceil(len(names) * _LABEL / (_MOST_SIDE - _LABELS))
    places = range(0, len(names), step)
    axes.set_xticks(places, [names[k] for k in places], rotation=90, fontsize=7)
    axes.set_yticks(places, [names[k] for k in places], fontsize=7)
    some = "" if step == 1 else f", one name of {step}"
    what = f"{len(names)} feature{'s' * (len(names) > 1)}"
    axes.set_title(f"correlations of {what} (grey: none{some})", loc="left", fontsize=9)
    scale = axes.inset_axes((1 + 0.05 / side, 0, 0.2 / side, 1))  # exactly as high as the matrix
    axes.figure.colorbar(image, cax=scale).ax.tick_params(labelsize=7)


def _histogram(axes: Any, title: str, values: Any, reference: Any) -> None:
    x = values[np.isfinite(values)]
    other = np.zeros(0) if reference is None else reference[np.isfinite(reference)]
    both = np.concatenate((x, other))
    axes.set_title(title, loc="left", fontsize=8)
    axes.tick_params(labelsize=6)
    axes.locator_params(axis="x", nbins=5)
    axes.set_yticks([])
    if not len(both):
        axes.set_xticks([])
        axes.text(0.5, 0.5, "no values", ha="center", va="center", transform=axes.transAxes, fontsize=8)
        return
    low, high = float(both.min()), float(both.max())
    width = high - low
    if not (np.isfinite(width) and width > 1e-9 * max(abs(low), abs(high))):
        low, high = low - 0.5 * max(abs(low), 1), high + 0.5 * max(abs(high), 1)
    edges = np.linspace(low, high, 41)
    for sample, colour in ((other, _THEIRS), (x, _OURS)):
        if len(sample):
            counts = np.histogram(sample, edges)[0] / len(sample)
            axes.stairs(counts, edges, fill=True, alpha=0.55, color=colour)
    axes.set_xlim(low, high)
