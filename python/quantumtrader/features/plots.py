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
    "plot_correlations",
    "plot_microprice",
    "plot_overview",
    "plot_series",
    "select",
]

_OURS, _THEIRS = "#1f4e79", "#c0504d"
_MOST_POINTS = 20_000
_MOST_LABELS = 80
_MOST_FEATURES = 24


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
    names = debugger.frame.names
    side = min(max(4.0, 0.22 * len(names) + 2.5), 40.0)
    figure, save = new_figure(path, (side + 1.0, side))
    _heatmap(figure.add_subplot(), debugger)
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
    if features is None:
        some = np.isfinite(debugger.frame.values).any(axis=0)
        features = [debugger.frame.names[k] for k in np.flatnonzero(some)[:_MOST_FEATURES]]
    names = _chosen(debugger.frame, features or None)
    columns = 4
    rows = math.ceil(len(names) / columns)
    side = min(max(5.0, 0.16 * len(debugger.frame.names) + 2.0), 24.0)
    figure, save = new_figure(path, (14.0, side + 2.2 * rows))
    grid = figure.add_gridspec(1 + rows, columns, height_ratios=[side, *([2.2] * rows)])
    _heatmap(figure.add_subplot(grid[0, :]), debugger)
    for k, name in enumerate(names):
        axes = figure.add_subplot(grid[1 + k // columns, k % columns])
        reference = debugger.reference
        other = reference[name] if reference is not None and name in reference.names else None
        _histogram(axes, name, debugger.frame[name], other)
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
    shared: Any = None
    for k, name in enumerate(names):
        shared = axes = figure.add_subplot(grid[k, 0], sharex=shared)
        column = np.where(np.isfinite(frame[name]), frame[name], np.nan)
        shown = _envelope(column)
        times = frame.times[shown].view("datetime64[ns]")
        axes.plot(times, column[shown], linewidth=0.6, color=_OURS, drawstyle="steps-post")
        axes.set_title(name, loc="left", fontsize=9)
        axes.tick_params(labelsize=7, labelbottom=k == len(names) - 1)
        axes.grid(alpha=0.25)
        if np.isnan(column).all():
            axes.text(0.5, 0.5, "no values", ha="center", va="center", transform=axes.transAxes, fontsize=8)
        _histogram(figure.add_subplot(grid[k, 1]), "", frame[name], None)
    if shared is not None:
        dates = import_module("matplotlib.dates")
        shared.xaxis.set_major_formatter(dates.ConciseDateFormatter(shared.xaxis.get_major_locator()))
        shared.set_xlabel("UTC", fontsize=8)
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


def _heatmap(axes: Any, debugger: FeatureDebugger) -> None:
    names = debugger.frame.names
    matrix = np.ma.masked_invalid(debugger.correlations()[0])
    image = axes.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r", interpolation="nearest", aspect="equal")
    axes.set_facecolor("#d9d9d9")  # a pair without a coefficient
    step = math.ceil(len(names) / _MOST_LABELS)
    places = range(0, len(names), step)
    size = 7 if len(names) <= 40 else 5
    axes.set_xticks(places, [names[k] for k in places], rotation=90, fontsize=size)
    axes.set_yticks(places, [names[k] for k in places], fontsize=size)
    axes.set_title(f"correlations of {len(names)} features (grey: none)", loc="left", fontsize=9)
    axes.figure.colorbar(image, ax=axes, fraction=0.03, pad=0.01)


def _histogram(axes: Any, title: str, values: Any, reference: Any) -> None:
    x = values[np.isfinite(values)]
    other = np.zeros(0) if reference is None else reference[np.isfinite(reference)]
    both = np.concatenate((x, other))
    axes.set_title(title, loc="left", fontsize=8)
    axes.tick_params(labelsize=6)
    axes.locator_params(axis="x", nbins=5)
    axes.set_yticks([])
    if not len(both):
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
