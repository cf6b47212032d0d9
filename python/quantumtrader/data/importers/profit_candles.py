"""Profit candles: nine columns, newest first, three dialects of numbers, adjusted continuous series."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from quantumtrader.data.importers import _bars, _profit
from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers._text import head, must_be_file
from quantumtrader.data.importers.base import Imported, Options
from quantumtrader.exceptions import DataFormatError
from quantumtrader.types import Instrument

_NAMES = ["symbol", "date", "time", "open", "high", "low", "close", "turnover", "volume"]


class ProfitCandles:
    """``Ativo;Data;Hora;Abertura;Máximo;Mínimo;Fechamento;Volume;Quantidade``.

    Columns are taken by position, because users edit the header; daily files have no Hora. ``Volume`` is the
    turnover in money and is not used; ``Quantidade`` is the volume. The time is the start of the bar.
    """

    name = "profit-candles"
    describes = "Profit candles (CSV, newest first)"
    sorts = True

    def sniff(self, path: Path) -> bool:
        """Look for a date in the second of eight or nine cells, and for numbers from the fourth on."""
        if not path.is_file():
            return False
        found = _profit.dialect(path)
        if found is None or found.width not in (8, 9) or found.delimiter != ";":
            return False
        cells = head(path, 2)[found.skip_lines].split(found.delimiter)
        return all(cell[:1].isdigit() for cell in cells[-6:])

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read the file; see ``Importer.read``."""
        must_be_file(path)
        found = _profit.dialect(path)
        if found is None or found.width not in (8, 9):
            raise DataFormatError(
                "no row with nine cells and a date dd/mm/yyyy in the second",
                path=path,
                line=1,
                remedy="Export candles from Profit again, or name the format with --format",
            )
        names = _NAMES if found.width == 9 else [n for n in _NAMES if n != "time"]
        rows, columns, refused = _profit.read_all(path, names, found)
        _profit.same_symbol(rows, columns, instrument, path)
        local = _profit.local_ns(rows, columns)
        mark = numbers.decide_decimal(
            [(n, columns[n]) for n in _bars.PRICES],
            rows.lines,
            path,
            whole_points=_profit.whole_points(instrument),
            forced=options.decimal,
        )
        values = {n: numbers.to_float(columns[n], mark) for n in _bars.PRICES}
        values["volume"] = numbers.to_whole(columns["volume"])
        order = _profit.oldest_first(rows, local)
        rows.lines, rows.bad = rows.lines[order], rows.bad[order]
        refused += rows.rejected
        rows.rejected = []
        yield from _bars.emit(
            rows,
            numbers.to_utc(local, _profit.zone(instrument, options))[order],
            {name: cells[order] for name, cells in values.items()},
            instrument,
            options,
            raw={name: columns[name].take(order) for name in (*_bars.PRICES, "volume")},
            seconds=None if "time" in names else 86_400,
            earlier=refused,
        )
