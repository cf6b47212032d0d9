"""``quantumtrader features``: the catalogue, as a table or as JSON."""

from __future__ import annotations

from quantumtrader.cli import output
from quantumtrader.exceptions import ConfigError


def show(family: str | None, *, as_json: bool) -> None:
    """Print the features of the catalogue.

    Raises
    ------
    ConfigError
        If no feature is of ``family``.
    """
    from quantumtrader.features import catalogue

    every = list(catalogue())
    chosen = [info for info in every if family in (None, info.family)]
    if not chosen:
        families = ", ".join(sorted({info.family for info in every}))
        raise ConfigError(f"no feature family {family!r}; there are {families}")
    if as_json:
        output.print_json(chosen)
        return
    rows = [
        (info.number, info.name, info.family, info.unit, " ".join(info.inputs), info.warmup)
        for info in chosen
    ]
    output.table(f"{len(rows)} features", ("#", "name", "family", "unit", "needs", "warm-up"), rows)
    output.line("needs: T trades, L1 best bid and ask, L2 book levels, B bars")
