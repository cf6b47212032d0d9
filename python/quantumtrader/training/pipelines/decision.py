"""Which models of a dual training decide: both only where their join was found to be better than the book model alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quantumtrader.exceptions import ConfigError, DataFormatError, ModelError
from quantumtrader.training.pipelines.result import TrainingResult

__all__ = ["JOIN", "SUMMARY", "decided", "read_summary", "ticks_only"]

SUMMARY = "dual.json"
"""What a dual training leaves in its folder."""

JOIN = "stacked"
"""The join that the strategy ``hybrid`` trades: the weighted mean of both log-odds."""


def ticks_only(tick: TrainingResult, why: str) -> dict[str, Any]:
    """Return the summary of a training without entry timing: the tick model decides alone."""
    return {
        "tick": tick.summary["verdict"],
        "decision": "ticks_only",
        "decides": ["tick"],
        "strategy": {"name": "model", "parameters": {"folder": str(tick.model)}},
        "hybrid": None,
        "notice": why,
    }


def decided(
    tick: TrainingResult, timing: TrainingResult, joined: Mapping[str, Any], weight: float
) -> dict[str, Any]:
    """Return the summary of a training of both.

    Parameters
    ----------
    tick, timing : TrainingResult
        Of the side, and of the moment.
    joined : mapping
        What the comparison of both with the book alone brought.
    weight : float
        Of the book model in their join.

    Returns
    -------
    dict
        ``decides`` names the parts, ``strategy`` what trades them with its parameters; ``decision`` is ``better``,
        ``not_better``, ``insufficient`` or ``refused``, and ``notice`` says why the join is not used, or None. ``hybrid``
        holds the parameters of that strategy where it is used.
    """
    hybrid = {"tick": str(tick.model), "book": str(timing.model), "weight": float(weight)}
    code, why = _judged(joined)
    if code == "better" and (refused := _refusal(hybrid)) is not None:
        code, why = "refused", f"the strategy hybrid does not take these models: {refused}"
    better = code == "better"
    alone = {"name": "model", "parameters": {"folder": str(timing.model)}}
    return {
        "tick": tick.summary["verdict"],
        "joined": dict(joined),
        "decision": code,
        "decides": ["tick", "book"] if better else ["book"],
        "strategy": {"name": "hybrid", "parameters": hybrid} if better else alone,
        "hybrid": hybrid if better else None,
        "notice": None if better else f"no hybrid strategy, the book model decides alone: {why}",
    }


def read_summary(file: Path) -> dict[str, Any]:
    """Return what a dual training left.

    Raises
    ------
    DataFormatError
        It does not say which models decide.
    """
    try:
        summary: dict[str, Any] = json.loads(file.read_bytes())
        if not {"decision", "decides", "strategy", "notice"} <= summary.keys():
            raise ValueError("it says not which models decide")
    except (ValueError, AttributeError, OSError) as error:
        raise DataFormatError(
            f"this is no summary of a dual training of this version ({error})",
            path=file,
            remedy="Train again in its folder: what is there is not computed again",
        ) from error
    return summary


def _judged(joined: Mapping[str, Any]) -> tuple[str, str]:
    if "insufficient" in joined:
        return "insufficient", str(joined["insufficient"])
    test = joined["better_than_book_alone"][JOIN]
    if test is None:
        return "insufficient", "the data are insufficient to tell whether the join is better"
    if test["better"]:
        return "better", ""
    return "not_better", (
        f"the join is not better (p = {test['p_value']:.3g}; below {test['level']:g} and ahead on most paths is needed)"
    )


def _refusal(hybrid: Mapping[str, Any]) -> str | None:
    """Say why the hybrid strategy does not take these models; None where it does."""
    from quantumtrader.models.hybrid import HybridStrategy

    try:
        HybridStrategy(**hybrid)
    except (ConfigError, ModelError) as error:
        return str(error)
    return None
