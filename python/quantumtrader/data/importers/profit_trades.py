"""Profit Times & Trades: eight columns, newest first, whole seconds, aggressor and brokers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers import _profit
from quantumtrader.data.importers._text import head, must_be_file
from quantumtrader.data.importers.base import Imported, Options, blank, require_some
from quantumtrader.exceptions import DataFormatError
from quantumtrader.types import Flag, Instrument, Kind, Side

_NAMES = ["symbol", "date", "time", "buyer", "price", "size", "seller", "aggressor"]

_AGGRESSORS = {
    "comprador": (Side.BUY, Flag(0)),
    "vendedor": (Side.SELL, Flag(0)),
    "rlp": (Side.NONE, Flag.RLP),
    "direto": (Side.NONE, Flag.CROSS),
    "leilão": (Side.NONE, Flag.AUCTION),
    "leilao": (Side.NONE, Flag.AUCTION),
}


class ProfitTrades:
    """``ATIVO;DATA;HORARIO;Corretora Compradora;Valor da Negociação;Qd Lts;Corretora Vendedora;Agressor``.

    With a header and ``;``, or without one and ``,``. Times have whole seconds and equal lines are distinct
    trades: the order of the file is all there is, so it is kept and nothing is de-duplicated. Aggressors
    other than the known words are stored as side 0.
    """

    name = "profit-trades"
    describes = "Profit Times & Trades (CSV, newest first)"
    sorts = True

    def sniff(self, path: Path) -> bool:
        """Look for eight cells with a date in the second and a word in the last."""
        if not path.is_file():
            return False
        found = _profit.dialect(path)
        if found is None or found.width != 8:
            return False
        return not head(path, 2)[found.skip_lines].split(found.delimiter)[-1].strip()[:1].isdigit()

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read the file; see ``Importer.read``."""
        must_be_file(path)
        found = _profit.dialect(path)
        if found is None or found.width != 8:
            raise DataFormatError(
                "no row with eight cells and a date in the second",
                path=path,
                line=1,
                remedy="Export Times & Trades from Profit again, or name the format with --format",
            )
        rows, columns, refused = _profit.read_all(path, _NAMES, found)
        _profit.same_symbol(rows, columns, instrument, path)
        local = _profit.local_ns(rows, columns)
        mark = numbers.decide_decimal(
            [("price", columns["price"])],
            rows.lines,
            path,
            whole_points=_profit.whole_points(instrument),
            forced=options.decimal,
        )
        px = rows.ticks(
            "price", numbers.to_float(columns["price"], mark), instrument.tick_size, raw=columns["price"]
        )
        size = rows.sizes(
            "size", numbers.to_whole(columns["size"]), instrument.size_step, raw=columns["size"]
        )
        order = _profit.oldest_first(rows, local)
        ts = numbers.to_utc(local, _profit.zone(instrument, options))
        lines, bad = rows.lines, rows.bad
        rows.lines, rows.bad = lines[order], bad[order]
        rows.in_order(ts[order], int(np.iinfo(np.int64).min), options.out_of_order)
        keep = order[rows.good]
        refused += rows.rejected
        require_some(len(keep), refused, path)

        events = blank(len(keep), Kind.TRADE)
        events["ts_event"] = events["ts_recv"] = ts[keep]
        events["sequence"] = np.arange(len(keep))
        events["px"], events["size"] = px[keep], size[keep]
        events["ref_a"] = numbers.by_distinct(columns["buyer"], _broker)[0][keep]
        events["ref_b"] = numbers.by_distinct(columns["seller"], _broker)[0][keep]
        known, known_word = numbers.by_distinct(columns["aggressor"], _aggressor)
        events["side"] = (known[keep] % 4) - 1
        events["flags"] = known[keep] // 4
        notes = ["times have whole seconds; trades of one second keep the order of the file"]
        unknown = int((~known_word[keep]).sum())
        if unknown:
            events["side"][~known_word[keep]] = Side.NONE
            events["flags"][~known_word[keep]] = 0
            notes.append(f"{unknown} trades have an aggressor that is not known: side 0")
        for start in range(0, len(events), options.chunk_rows):
            part = events[start : start + options.chunk_rows]
            yield Imported(part, instrument, refused if start == 0 else [], notes if start == 0 else [])


def _broker(text: str) -> int:
    """Code in front of ``147 - NAME``; 0 where there is none."""
    match = re.match(r"\s*(\d{1,9})\s*(-|$)", text)
    return int(match.group(1)) if match else 0


def _aggressor(text: str) -> int | None:
    """Side plus 1 in the low two bits, flags above them."""
    found = _AGGRESSORS.get(text.strip().lower())
    return None if found is None else (int(found[1]) * 4 + int(found[0]) + 1)
