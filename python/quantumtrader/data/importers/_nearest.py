"""Which format a table of text comes closest to, by the names in its header."""

from __future__ import annotations

from collections.abc import Sequence

from quantumtrader.data.importers import _bars, mt5_bars, mt5_ticks

_HEADERS = {
    "mt5-ticks": tuple(f"<{name}>" for name in mt5_ticks.NEEDED),
    "mt5-bars": tuple(f"<{name}>" for name in mt5_bars.NEEDED),
    "bars": ("timestamp", *_bars.PRICES),
    "b3-trades": (
        "CodigoInstrumento",
        "PrecoNegocio",
        "QuantidadeNegociada",
        "HoraFechamento",
        "CodigoIdentificadorNegocio",
        "DataNegocio",
    ),
}
"""Format to the names that it cannot do without, as its files write them; the other formats of text have no header."""


def nearest(line: str) -> str:
    """Return what a header has and what it lacks of the format that it fits best.

    Parameters
    ----------
    line : str
        First line of a file.

    Returns
    -------
    str
        Empty when the line has fewer than half of the names of any format.

    Examples
    --------
    >>> nearest("timestamp,open,high,low")
    'its header has timestamp, open, high, low; that is nearest to bars, without close'
    """
    names = [cell.strip().strip('"') for cell in line.split(max(",;\t", key=line.count))]
    format, lacking = min(
        ((format, _lacking(needed, names)) for format, needed in _HEADERS.items()),
        key=lambda found: len(found[1]) / len(_HEADERS[found[0]]),
    )
    if 2 * len(lacking) > len(_HEADERS[format]):
        return ""
    without = f", without {', '.join(lacking)}" if lacking else ", in another form"
    return f"its header has {', '.join(names)}; that is nearest to {format}{without}"


def _lacking(needed: Sequence[str], names: Sequence[str]) -> list[str]:
    bare = {name.strip("<>").casefold() for name in names}
    return [name for name in needed if name.strip("<>").casefold() not in bare]
