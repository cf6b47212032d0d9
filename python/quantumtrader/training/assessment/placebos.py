"""What the same procedure finds where there is nothing to find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantumtrader.models.gate import MIN_DSR
from quantumtrader.training.assessment.selection import Trials, deflated
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.dataset import LEAST_EFFECTIVE, LEAST_SESSIONS
from quantumtrader.training.evaluation import Interval, sharpe

__all__ = ["Placebo", "placebo"]


@dataclass(frozen=True, slots=True)
class Placebo:
    """One placebo.

    Parameters
    ----------
    name : str
        What was done to the data.
    skill : float
        Mean over the paths.
    edge, net : Interval or None
        As of the model; None where insufficient.
    trades : float
        Per path.
    dsr : float or None
        Deflated Sharpe ratio, by the trials of the model; None where its results do not vary.
    clean : bool
        It predicts nothing (the interval of the edge reaches to 0 or below), loses money or does not trade, and would
        not pass as skill (DSR).
    """

    name: str
    skill: float
    edge: Interval | None
    net: Interval | None
    trades: float
    dsr: float | None
    clean: bool


def placebo(name: str, evaluation: Evaluation, trials: Trials) -> Placebo:
    """Judge an evaluation of data in which there is nothing."""
    money = evaluation.net is not None
    found = deflated(sharpe(np.array(evaluation.trial.results)), trials) if money else float("nan")
    dsr = found if np.isfinite(found) else None
    pays = evaluation.net is not None and evaluation.trades > 0 and not evaluation.net.mean < 0
    knows = evaluation.edge.low > 0
    return Placebo(
        name,
        float(evaluation.skill.mean()),
        _said(evaluation.edge),
        None if evaluation.net is None else _said(evaluation.net),
        evaluation.trades,
        dsr,
        not (pays or knows or (dsr is not None and dsr >= MIN_DSR)),
    )


def _said(found: Interval) -> Interval | None:
    return found if found.sufficient(LEAST_SESSIONS, LEAST_EFFECTIVE) else None
