"""What a command showed of sessions that trainings hold out: written into their studies, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantumtrader.cli import output

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from quantumtrader.app import ReplayResult

__all__ = ["tell_read", "tell_replay"]

_JUDGED = ("model", "hybrid")
"""Strategies whose result judges models."""


def tell_read(
    product: str,
    sessions: npt.NDArray[np.int64],
    *,
    synthetic: bool,
    how: str,
    why: str,
    label: str | None = None,
) -> None:
    """Log a read of sessions (days since 1970) that trainings hold out, and say so on standard error."""
    from rich.markup import escape

    from quantumtrader.cli.train_options import user_name
    from quantumtrader.training.study import log_read

    found = log_read(product, sessions, synthetic=synthetic, how=how, who=user_name(), why=why, label=label)
    for study, days in found.items():
        text = (
            f"{len(days)} sessions that trainings of {study} were not trained on ({days[0]} to {days[-1]}) were {how}: "
            "written into the study, no vault counts them as unseen any more"
        )
        output.note(f"[yellow]{escape(text)}[/]")


def tell_replay(result: ReplayResult, command: str) -> None:
    """Log the sessions that a model's strategy was replayed on."""
    import numpy as np

    from quantumtrader.data.sessions import session_days

    backtest = result.backtest
    if backtest.strategy.name in _JUDGED and len(backtest.frame.times):
        days = np.unique(session_days(backtest.frame.times, backtest.instrument))
        why = f"{command} --strategy {backtest.strategy.name}"
        tell_read(
            backtest.instrument.product, days, synthetic=backtest.path.synthetic, how="replayed", why=why
        )
