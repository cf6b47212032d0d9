"""What somebody who gave fits should know of them: which nobody reads, from when on they count, where a series ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from quantumtrader.backtest.report.labels import labels, number
from quantumtrader.features.aliases import canonical
from quantumtrader.features.fit.artifact import FEATURES, Fits
from quantumtrader.features.lags import split_lag

__all__ = ["fit_notes"]


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
    words = labels(lang)
    read = fits.read_by(split_lag(canonical(name))[0] for name in columns)
    joined = {"en": " or ", "pt": " ou "}[lang]
    found = []
    for artifact in fits.artifacts:
        kind, values = artifact.kind, artifact.values
        if read.of_kind(kind) is None:
            found.append(words["fit_unused"].format(kind=kind, features=joined.join(FEATURES[kind])))
        elif kind == "pin":
            last, value = values["pin"][-1]
            if span is None or last < span[1]:
                text = words["pin_stale" if stale else "pin_until"]
                found.append(text.format(when=_time(last), value=number(value, lang, 3)))
        elif span is None:
            found.append(words["fit_from"].format(kind=kind, when=_time(values["usable_from_ns"])))
        elif span[0] < values["usable_from_ns"]:
            found.append(words["fit_later"].format(kind=kind, when=_time(values["usable_from_ns"])))
    return found


def _time(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // 10**9, UTC):%Y-%m-%d %H:%M:%S}"
