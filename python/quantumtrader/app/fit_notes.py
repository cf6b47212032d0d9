"""What somebody who gave fits should know of them: which nobody reads, from when on they count, where a series ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from quantumtrader.backtest.report.labels import labels, number
from quantumtrader.features.fit.artifact import FEATURES, Fits

__all__ = ["fit_notes", "unused_notes"]


def fit_notes(
    fits: Fits,
    columns: Iterable[str],
    *,
    span: tuple[int, int] | None = None,
    stale: bool = False,
    lang: str = "en",
) -> list[str]:
    """Say what is worth knowing of some fits.

    Parameters
    ----------
    fits : Fits
        That were given.
    columns : iterable of str
        Columns of the engine.
    span : (int, int), optional
        Start of the last session, and last event, ns UTC; None where they lie in the future.
    stale : bool
        Whether the PIN series ended before the session before.
    lang : str
        ``en`` or ``pt``.
    """
    words, columns = labels(lang), tuple(columns)
    found = unused_notes(fits, columns, lang)
    for artifact in fits.read_by(columns).artifacts:
        kind, values = artifact.kind, artifact.values
        if kind == "pin":
            last, value = values["pin"][-1]
            if span is None or last < span[1]:
                text = words["pin_stale" if stale else "pin_until"]
                found.append(text.format(when=_time(last), value=number(value, lang, 3)))
        elif span is None:
            found.append(words["fit_from"].format(kind=kind, when=_time(values["usable_from_ns"])))
        elif span[0] < values["usable_from_ns"]:
            found.append(words["fit_later"].format(kind=kind, when=_time(values["usable_from_ns"])))
    return found


def unused_notes(fits: Fits, columns: Iterable[str], lang: str = "en") -> list[str]:
    """Say which fits no column reads."""
    words, read = labels(lang), fits.read_by(columns)
    return [
        words["fit_unused"].format(kind=a.kind, features=words["or"].join(FEATURES[a.kind]))
        for a in fits.artifacts
        if read.of_kind(a.kind) is None
    ]


def _time(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // 10**9, UTC):%Y-%m-%d %H:%M:%S}"
