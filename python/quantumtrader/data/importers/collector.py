"""JSON lines of the book collector: one object per line, trades and best offers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers import _text as text
from quantumtrader.data.importers.base import INT32_MAX, Imported, Options, Rejected, blank, require_some
from quantumtrader.exceptions import EmptyDataError, UnsortedEventsError
from quantumtrader.types import PX_NONE, Instrument, Kind

_FIELDS = ("type", "ticker", "price", "quantity", "timestamp")
_BUY = ("buy", "b", "bid", "compra", "comprador")
_SELL = ("sell", "s", "ask", "venda", "vendedor")


class Collector:
    """``{"type", "ticker", "side", "price", "quantity", "timestamp"}`` per line.

    ``trade`` gives a trade: side is a word, 1 or 2 for a buyer, −1 or 3 for a seller, anything else unknown.
    ``tiny_book`` gives the best offer of one side (a word, or 0 bid and 1 ask as in the vendor's callback);
    the other side is carried forward. ``offer_book`` and ``price_book`` rows say neither the action nor the
    position, so no book can be built from them: they are put aside, as are rows of any other type. Times
    without an offset are local to the instrument.
    """

    name = "collector"
    describes = "JSON lines of the book collector"
    sorts = False

    def sniff(self, path: Path) -> bool:
        """Look for the keys in the first line."""
        if not path.is_file() or path.suffix not in (".jsonl", ".json", ".ndjson", ".txt"):
            return False
        lines = text.head(path, 1)
        try:
            first = json.loads(lines[0]) if lines else None
        except json.JSONDecodeError:
            return False
        return isinstance(first, dict) and set(_FIELDS) <= set(first)

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read line by line; see ``Importer.read``."""
        text.must_be_file(path)
        reader = _Reader(path, instrument, options)
        rows: list[tuple[int, ...]] = []
        taken = 0
        rejected: list[Rejected] = []
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    rows.append(reader.line(number, line))
                except _Refused as refused:
                    reader.rejected.append(Rejected(str(path), number, *refused.args))
                if len(rows) >= options.chunk_rows:
                    part = reader.part(rows, taken)
                    taken, rows = taken + len(rows), []
                    rejected += part.rejected
                    yield part
        part = reader.part(rows, taken)
        taken += len(rows)
        rejected += part.rejected
        if not taken and not rejected:
            raise EmptyDataError("no rows", path=path, remedy="Check the collector")
        require_some(taken, rejected, path)
        yield part


class _Refused(Exception):
    """A row that is put aside: column, value, reason."""

    def __init__(self, column: str, value: Any, reason: str) -> None:
        super().__init__(column, str(value), reason)


class _Reader:
    def __init__(self, path: Path, instrument: Instrument, options: Options) -> None:
        self.path = path
        self.instrument = instrument
        self.policy = options.out_of_order
        self.zone = numbers.zone(options.timezone or instrument.timezone)
        self.rejected: list[Rejected] = []
        self.last_ts = int(np.iinfo(np.int64).min)
        self.touch = [PX_NONE, 0, PX_NONE, 0]

    def line(self, number: int, line: bytes) -> tuple[int, ...]:
        """One row as ``(kind, ts, px, size, px_ask, size_ask, side)``."""
        try:
            row = json.loads(line)
        except ValueError as error:
            raise _Refused("", line.decode("utf-8", "replace").strip(), f"not JSON: {error}") from error
        if not isinstance(row, dict):
            raise _Refused("", row, "not a JSON object")
        for name in _FIELDS:
            if name not in row:
                raise _Refused(name, "", "missing")
        if str(row["ticker"]).upper() != self.instrument.symbol.upper():
            raise _Refused("ticker", row["ticker"], f"not {self.instrument.symbol}")
        if row["type"] not in ("trade", "tiny_book"):
            raise _Refused("type", row["type"], "cannot be replayed: no action and no position")
        ts = self._time(row["timestamp"])
        if ts is None:
            raise _Refused("timestamp", row["timestamp"], "not an ISO time or seconds since 1970")
        px = _steps(row["price"], self.instrument.tick_size)
        if px is None or px <= 0:
            raise _Refused("price", row["price"], f"not on the tick grid of {self.instrument.tick_size:g}")
        size = _steps(row["quantity"], self.instrument.size_step)
        if size is None or not 0 < size <= INT32_MAX:
            raise _Refused("quantity", row["quantity"], "not a positive whole number of contracts")
        if ts < self.last_ts and self.policy == "error":
            raise UnsortedEventsError(
                f"time {numbers.show_ns(ts)} runs backwards",
                path=self.path,
                line=number,
                remedy="Use --out-of-order reject or sort",
            )
        if ts < self.last_ts and self.policy == "reject":
            raise _Refused("timestamp", row["timestamp"], "earlier than a row before it")
        self.last_ts = max(ts, self.last_ts)
        if row["type"] == "trade":
            return (Kind.TRADE, ts, px, size, 0, 0, _aggressor(row.get("side")))
        place = _book_side(row.get("side"))
        if place is None:
            raise _Refused("side", row.get("side"), "neither bid nor ask")
        self.touch[place : place + 2] = [px, size]
        return (Kind.QUOTE, ts, *self.touch, 0)

    def part(self, rows: list[tuple[int, ...]], sequence: int) -> Imported:
        """Rows as events."""
        events = blank(len(rows), Kind.TRADE)
        if rows:
            columns = np.array(rows, np.int64).T
            for field, column in zip(
                ("kind", "ts_event", "px", "size", "px_ask", "size_ask", "side"), columns, strict=True
            ):
                events[field] = column
        events["ts_recv"] = events["ts_event"]
        events["sequence"] = np.arange(sequence, sequence + len(rows))
        rejected, self.rejected = self.rejected, []
        return Imported(events, self.instrument, rejected)

    def _time(self, value: Any) -> int | None:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not math.isfinite(value) or value < 0:
                return None
            scale = next((f for top, f in ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3)) if value < top), 1)
            return round(Fraction(repr(value)) * scale)  # the decimal as written, not its nearest double
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.zone)
        return int(moment.replace(microsecond=0).timestamp()) * 1_000_000_000 + moment.microsecond * 1000


def _steps(value: Any, step: float) -> int | None:
    try:
        steps, good = numbers.to_steps(np.array([float(value)]), step)
    except (TypeError, ValueError):
        return None
    return int(steps[0]) if good[0] and abs(steps[0]) <= INT32_MAX else None


def _aggressor(side: Any) -> int:
    word = str(side).strip().lower()
    if word in (*_BUY, "1", "2"):
        return 1
    return -1 if word in (*_SELL, "-1", "3") else 0


def _book_side(side: Any) -> int | None:
    word = str(side).strip().lower()
    if word in (*_BUY, "0"):
        return 0
    return 2 if word in (*_SELL, "1", "-1") else None
