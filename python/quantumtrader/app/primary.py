"""Sides of a strategy on a recording: the trades that its meta-labels judge."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

import numpy as np

from quantumtrader.app.replay import Stage, choose_strategy
from quantumtrader.backtest import Backtest, BacktestSettings
from quantumtrader.exceptions import EmptyDataError
from quantumtrader.features import DetectorSettings
from quantumtrader.training.pipelines import Recording
from quantumtrader.training.pipelines.sides import Sides
from quantumtrader.types import Fitted

__all__ = ["primary_sides"]


def primary_sides(
    recording: Recording,
    strategy: str,
    parameters: Mapping[str, str],
    *,
    fitted: Fitted | None = None,
    detectors: DetectorSettings | None = None,
    stage: Stage | None = None,
) -> Sides:
    """Replay a recording through a strategy, and return the entries that it asked for.

    Those that the risk manager refused are among them: the question is what the side is worth. While a trade is open a
    strategy asks for no other one.

    Parameters
    ----------
    recording : Recording
        Held in memory as a whole, as in ``replay``.
    strategy : str
        Name, or ``path/to/file.py:Class``; a model's sides must come from sessions after its training.
    parameters : mapping of str to str
        Overrides of the strategy's parameters.
    fitted, detectors
        As of ``BacktestSettings``.
    stage : callable, optional
        Shows progress.

    Raises
    ------
    EmptyDataError
        It asked for no entry.
    """
    settings = BacktestSettings(fitted=fitted, detectors=detectors)
    events = np.concatenate(list(recording.sessions()))
    chosen = choose_strategy(events, recording.instrument, strategy, parameters, [])
    shown = nullcontext(lambda _: None) if stage is None else stage("replaying", float(len(events)))
    with shown as advance:
        found = Backtest(events, recording.instrument, chosen, settings, on_progress=advance).run()
    if not found.decisions:
        raise EmptyDataError(
            f"{strategy} asked for no entry in {len(found.actions)} rows of {recording.origin}",
            remedy="Give more sessions, or other parameters (-p)",
        )
    given = [(decision.ts, decision.side) for decision in found.decisions]
    columns = np.array(given, np.int64).T
    text = ", ".join(f"{k}={v}" for k, v in parameters.items())
    return Sides(columns[0].copy(), columns[1].copy(), f"{strategy}({text})")
