"""What a reader must know before believing a figure: how orders were filled, and what went wrong or is not known."""

from __future__ import annotations

from quantumtrader.backtest.harness import BacktestResult
from quantumtrader.backtest.report.labels import labels

__all__ = ["fidelity_note", "remarks"]


def fidelity_note(result: BacktestResult, lang: str = "en") -> str:
    """Say what the fills rest on, and in which direction that errs."""
    venue = result.settings.venue
    return labels(lang)[f"fidelity_{result.fidelity}"].format(queue=venue.queue, adverse=venue.adverse_ticks)


def remarks(result: BacktestResult, lang: str = "en") -> list[str]:
    """Return the remarks that the outcome itself calls for, in the language of the report."""
    words = labels(lang)
    out = []
    if result.halted:
        out.append(words["halted"].format(why=result.halted))
    if not result.fees_known:
        out.append(words["fees_unknown_note"])
    if result.path.rolls:
        out.append(words["rolls"].format(n=len(result.path.rolls)))
    if left := result.ledger.position + result.left_open:
        out.append(words["open_position"].format(n=f"{left:+d}"))
    return out
