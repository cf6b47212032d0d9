"""One picture of the published forms: impact, depth, memory of signs, next move."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader.evaluation.forms import Forms
from quantumtrader.exceptions import ConfigError
from quantumtrader.features.pictures import new_figure

__all__ = ["plot_forms"]

_LOWEST = -1.0
"""R² below it is drawn at the edge."""

_IMPACT = (
    ("r2_ofi", "order flow", "#1f4e79"),
    ("r2_trades", "trades", "#c0504d"),
    ("r2_next", "next interval", "#7f9f3f"),
    ("r2_placebo", "random order", "#9e9e9e"),
)


def plot_forms(forms: Mapping[str, Forms], path: Path | str) -> Path:
    """Draw four panels, streams side by side; a panel for which the data have nothing says "not measured".

    Parameters
    ----------
    forms : mapping of str to Forms
        Name of each stream, at most ten, and what it gave.
    path : path
        The picture: .png, .svg or .pdf.

    Raises
    ------
    ConfigError
        If the ending is not known, or there are no streams or more than ten.
    DataAccessError
        If the file cannot be written.
    MissingExtraError
        Without matplotlib.
    """
    if not 1 <= len(forms) <= 10:
        raise ConfigError(f"{len(forms)} streams cannot be drawn; give 1 to 10")
    figure, save = new_figure(path, (12.0, 8.5), purpose="drawing published forms", text=True)
    panels = figure.subplots(2, 2)
    named = {name + (" · SYNTHETIC" if one.synthetic else ""): one for name, one in forms.items()}
    _draw_impact(panels[0, 0], named)
    _draw_depth(panels[0, 1], named)
    _draw_memory(panels[1, 0], named)
    _draw_next_move(panels[1, 1], named)
    for axes in panels.flat:
        axes.grid(alpha=0.25)
        axes.tick_params(labelsize=8)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize=7)
        else:  # nothing in it has a name: lines of orientation alone
            axes.set_xticks([])
            axes.set_yticks([])
            axes.text(
                0.5, 0.5, "not measured", ha="center", va="bottom", transform=axes.transAxes, fontsize=9
            )
    return save()


def _draw_impact(axes: Any, forms: Mapping[str, Forms]) -> None:
    width = 0.8 / len(_IMPACT)
    for j, (field, label, colour) in enumerate(_IMPACT):
        at, means = [], []
        for k, one in enumerate(forms.values()):
            values = np.array([getattr(fit, field) for fit in one.windows])
            values = values[np.isfinite(values)]
            if len(values) == 0:
                continue
            x = k + (j - (len(_IMPACT) - 1) / 2) * width
            at.append(x)
            means.append(values.mean())
            axes.plot(np.full(len(values), x), values, ".", color="black", markersize=3, zorder=3)
        if at:
            axes.bar(at, means, width, color=colour, label=label)
    axes.set_xticks(range(len(forms)), [name.replace(" ", "\n") for name in forms], fontsize=7)
    axes.set_ylabel("R²", fontsize=8)
    axes.set_title("Mid change on imbalance: mean of the windows, each a dot", loc="left", fontsize=9)


def _draw_depth(axes: Any, forms: Mapping[str, Forms]) -> None:
    for k, (name, one) in enumerate(forms.items()):
        levels = np.arange(1, len(one.r2_by_depth) + 1)
        if len(levels) == 0:
            continue
        axes.plot(levels, one.adjusted_r2_by_depth, "-", color=f"C{k}", label=name)
        if one.r2_unseen_by_depth:
            unseen = np.maximum(one.r2_unseen_by_depth, _LOWEST)
            axes.plot(levels, unseen, "--", color=f"C{k}", linewidth=0.9)
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xlabel("levels of the book", fontsize=8)
    axes.set_ylabel("R²", fontsize=8)
    axes.set_title(
        f"Depth: adjusted (full), coefficients of the window before (dashed, cut at {_LOWEST:.0f})",
        loc="left",
        fontsize=9,
    )


def _draw_memory(axes: Any, forms: Mapping[str, Forms]) -> None:
    drawn = False
    for k, (name, one) in enumerate(forms.items()):
        acf = np.array(one.sign_acf)
        lags = np.unique(np.geomspace(1, max(len(acf), 1), 30).astype(np.int64)) - 1
        lags = lags[lags < len(acf)]
        lags = lags[acf[lags] > 0]
        if len(lags) == 0:
            continue
        drawn = True
        label = f"{name}: γ = {one.sign_exponent:.2f}" if np.isfinite(one.sign_exponent) else name
        axes.plot(lags + 1, acf[lags], ".-", color=f"C{k}", linewidth=0.7, markersize=3, label=label)
    if drawn:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_xlabel("lag, parent orders", fontsize=8)
    axes.set_title("Autocorrelation of signs (some of the lags where it is positive)", loc="left", fontsize=9)


def _draw_next_move(axes: Any, forms: Mapping[str, Forms]) -> None:
    tenths = np.arange(10) / 10 + 0.05
    for k, (name, one) in enumerate(forms.items()):
        if np.isfinite(one.auc):
            label = f"{name}: AUC = {one.auc:.2f}"
            axes.plot(tenths, one.up_by_imbalance, ".-", color=f"C{k}", linewidth=0.9, label=label)
    axes.axhline(0.5, color="black", linewidth=0.6)
    axes.set_ylim(0, 1)
    axes.set_xlabel("queue imbalance, bid size / (bid size + ask size)", fontsize=8)
    axes.set_title("Share of touch updates whose next mid move is up", loc="left", fontsize=9)
