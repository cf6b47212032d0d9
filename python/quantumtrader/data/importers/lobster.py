"""LOBSTER: NASDAQ order flow, messages beside the book they lead to, CSV or the same columns in Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers import _orders, _parquet
from quantumtrader.data.importers import _text as text
from quantumtrader.data.importers.base import Imported, Options, Rejected, Rows, blank, require_some
from quantumtrader.exceptions import DataError, DataFormatError
from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Instrument, Kind, Phase, Side

Bools = npt.NDArray[np.bool_]
Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_NAMES = ("time_ns", "type", "order_id", "size", "price", "direction")
_ADD, _CUT, _DELETE, _FILL, _HIDDEN, _CROSS, _HALT = range(1, 8)
_PHASES = {-1: Phase.HALT, 0: Phase.AUCTION, 1: Phase.RESUME}
_EMPTY_PRICE = 9_999_999_999
_UNIT = 10_000.0
"""Prices are dollars times this."""


class Lobster:
    """``…_message_L`` and, beside it, ``…_orderbook_L``.

    With a book of several levels the stream is by order: the first book row becomes a snapshot in which each
    price holds one anonymous order (a negative id) for all that rested there; messages about orders that were
    never added then take from it. An execution is a trade and the reduction of its order in one packet; the
    aggressor is the other side of the resting order. With a book of one level, which does not say what comes
    up behind the touch, the stream is trades and quotes.

    The files hold times of day only: the date comes from the file name or from ``--date``.
    """

    name = "lobster"
    describes = "LOBSTER messages with their order book (CSV or Parquet)"
    sorts = False

    def sniff(self, path: Path) -> bool:
        """Look for a message file by name and content."""
        file = _message_file(path)
        if file is None:
            return False
        if file.suffix == ".parquet":
            return set(_NAMES) <= set(_parquet.names(file))
        lines = text.head(file, 1)
        return (
            bool(lines)
            and re.fullmatch(r"\d{1,5}(\.\d+)?,[1-7],\d+,\d+,-?\d+,-?1(,.*)?", lines[0]) is not None
        )

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read the messages and the first book row, or the whole book of level 1; see ``Importer.read``."""
        file = _message_file(path)
        if file is None:
            text.must_be_file(path)
            raise DataFormatError(
                "no file with 'message' in its name", path=path, remedy="Name the message file"
            )
        rows, cols, refused = _messages(file)
        tz = numbers.zone(options.timezone or "America/New_York")
        midnight = (_date(file, options) - date(1970, 1, 1)).days * numbers.DAY_NS
        ts = numbers.to_utc(midnight + cols["time_ns"], tz)
        px, size = _check(rows, cols, instrument)
        rows.in_order(ts, int(np.iinfo(np.int64).min), options.out_of_order)

        book, levels = _book_file(file)
        notes: list[str] = []
        if book is not None and levels == 1:
            events = _with_quotes(rows, cols, ts, px, size, _Book(book, levels).rows(instrument, len(rows)))
            notes.append("the book file has one level: stream of trades and quotes")
        else:
            image = {} if book is None else _Book(book, levels).first(instrument)
            events = _by_order(rows, cols, ts, px, size, image, notes)
            if book is None:
                notes.append("no order book file: orders that rested before the first message are not known")
        refused += rows.rejected
        require_some(len(events), refused, file)
        events["ts_recv"] = events["ts_event"]
        events["sequence"] = np.arange(len(events))
        for start in range(0, len(events), options.chunk_rows):
            part = events[start : start + options.chunk_rows]
            yield Imported(part, instrument, refused if start == 0 else [], notes if start == 0 else [])


def _message_file(path: Path) -> Path | None:
    if path.is_file():
        return path if "message" in path.name.lower() and path.suffix in (".csv", ".parquet") else None
    found = sorted(p for p in path.glob("*message*") if p.suffix in (".csv", ".parquet"))
    return found[0] if len(found) == 1 else None


def _book_file(message: Path) -> tuple[Path | None, int]:
    """The order book of this message file and its levels; the deepest where there are several."""
    exact = message.with_name(re.sub("message", "orderbook", message.name, flags=re.IGNORECASE))
    if message.suffix == ".csv":
        if not exact.is_file():
            return None, 0
        lines = text.head(exact, 1, 1 << 20)
        return exact, (lines[0].count(",") + 1) // 4 if lines else 0
    found = [(len(_parquet.names(p)) // 4, p) for p in sorted(message.parent.glob("*orderbook*.parquet"))]
    levels, book = max(found, default=(0, None), key=lambda pair: pair[0])
    return book, levels


def _date(file: Path, options: Options) -> date:
    if options.date is not None:
        return options.date
    for name in (file.name, file.parent.name):
        match = re.search(r"\d{4}-\d{2}-\d{2}", name)
        if match:
            try:
                return date.fromisoformat(match.group())
            except ValueError as error:
                raise DataError(f"the name holds {match.group()}: {error}", path=file) from error
    raise DataError(
        "LOBSTER writes times of day, and no name holds the date", path=file, remedy="Pass --date YYYY-MM-DD"
    )


def _messages(file: Path) -> tuple[Rows, dict[str, Int64], list[Rejected]]:
    text.must_be_file(file)
    if file.suffix == ".parquet":
        table = _parquet.table(file, list(_NAMES))
        cols = {n: np.asarray(table[n].to_numpy()).astype(np.int64) for n in _NAMES}
        return Rows(file, np.arange(1, len(table) + 1, dtype=np.int64)), cols, []
    width = len((text.head(file, 1) or [""])[0].split(","))
    if width < len(_NAMES):
        raise DataFormatError(
            f"{width} columns, a message has six", path=file, line=1, remedy="Check --format"
        )
    names = [*_NAMES, *(f"extra_{k}" for k in range(width - len(_NAMES)))]
    chunks = list(text.read_delimited(file, names, delimiter=",", skip_lines=0))
    refused = [r for c in chunks for r in c.rejected]
    rows = Rows(file, np.concatenate([c.lines for c in chunks]))
    cells = {n: pa.concat_arrays([c.columns[n] for c in chunks]) for n in _NAMES}
    cols = {}
    for name in _NAMES[1:]:
        cols[name], good = numbers.to_int(cells[name])
        rows.reject(~good, name, cells[name], "not a whole number")
    parts = pc.extract_regex(cells["time_ns"], r"^(?P<s>\d{1,5})(?:\.(?P<f>\d{1,9})\d*)?$")
    rows.reject(np.asarray(parts.is_null()), "time", cells["time_ns"], "not seconds after midnight")
    seconds = pc.cast(pc.struct_field(parts, "s").fill_null("0"), pa.int64()).to_numpy(zero_copy_only=False)
    fraction = pc.utf8_rpad(pc.struct_field(parts, "f").fill_null(""), 9, "0")
    cols["time_ns"] = seconds * 1_000_000_000 + pc.cast(fraction, pa.int64()).to_numpy(zero_copy_only=False)
    return rows, cols, refused


def _check(rows: Rows, cols: dict[str, Int64], instrument: Instrument) -> tuple[Int32, Int32]:
    kind = cols["type"]
    rows.reject((kind < _ADD) | (kind > _HALT), "type", kind, "not one of 1 to 7")
    rows.reject(np.abs(cols["direction"]) != 1, "direction", cols["direction"], "neither 1 nor -1")
    priced = kind != _HALT
    halt = ~priced & ~np.isin(cols["price"], list(_PHASES))
    rows.reject(halt, "price", cols["price"], "a halt with a price that is not -1, 0 or 1")
    px = rows.ticks("price", cols["price"] / _UNIT, instrument.tick_size, where=priced)
    size = rows.sizes("size", cols["size"].astype(np.float64), instrument.size_step, where=priced)
    return px, size


class _Book:
    """The order book file."""

    def __init__(self, path: Path, levels: int) -> None:
        self.path = path
        self.levels = levels
        self.names = [
            f"{s}_{w}_{k}" for k in range(1, levels + 1) for s in ("ask", "bid") for w in ("price", "size")
        ]

    def first(self, instrument: Instrument) -> dict[tuple[int, int], int]:
        """``(side, px) -> size`` of the first row."""
        values = self._values(limit=1)[0]
        rows = Rows(self.path, np.ones(2 * self.levels, np.int64))
        price, size = values[0::2], values[1::2]
        there = (size > 0) & (np.abs(price) < _EMPTY_PRICE)
        px = rows.ticks("price", price / _UNIT, instrument.tick_size, where=there)
        sizes = rows.sizes("size", size.astype(np.float64), instrument.size_step, where=there)
        if rows.rejected:
            bad = rows.rejected[0]
            raise DataFormatError(
                f"{bad.column} {bad.value} of the initial book is {bad.reason}",
                path=self.path,
                line=1,
                remedy="Check --symbol: its tick size must fit the file",
            )
        side = np.tile([int(Side.SELL), int(Side.BUY)], self.levels)
        return {(int(s), int(p)): int(q) for s, p, q, ok in zip(side, px, sizes, there, strict=True) if ok}

    def rows(self, instrument: Instrument, expected: int) -> tuple[Int32, Int32, Int32, Int32]:
        """Best ask and bid of every row: ``(bid_px, bid_sz, ask_px, ask_sz)``."""
        values = self._values()
        if len(values) != expected:
            raise DataFormatError(
                f"{len(values)} book rows for {expected} messages: the two files must be line-aligned",
                path=self.path,
                remedy="Download both again",
            )
        out: list[Int32] = []
        for k in (2, 0):
            rows = Rows(self.path, np.arange(1, expected + 1, dtype=np.int64))
            there = (values[:, k + 1] > 0) & (np.abs(values[:, k]) < _EMPTY_PRICE)
            px = rows.ticks("price", values[:, k] / _UNIT, instrument.tick_size, where=there)
            size = rows.sizes("size", values[:, k + 1].astype(float), instrument.size_step, where=there)
            if rows.rejected:
                bad = rows.rejected[0]
                raise DataFormatError(
                    f"book {bad.column} {bad.value}: {bad.reason}", path=self.path, line=bad.line
                )
            out += [px, np.where(there, size, 0).astype(np.int32)]
        return out[0], out[1], out[2], out[3]

    def _values(self, limit: int | None = None) -> Int64:
        if self.path.suffix == ".parquet":
            table = _parquet.table(self.path, self.names)
            table = table if limit is None else table.slice(0, limit)
            return np.column_stack([np.asarray(table[n].to_numpy()).astype(np.int64) for n in self.names])
        parts = []
        for chunk in text.read_delimited(self.path, self.names, delimiter=",", skip_lines=0):
            if chunk.rejected:
                bad = chunk.rejected[0]
                raise DataFormatError(bad.reason, path=self.path, line=bad.line, remedy="Download it again")
            cells = [numbers.to_int(chunk.columns[n]) for n in self.names]
            if not all(good.all() for _, good in cells):
                raise DataFormatError(
                    "a cell is not a whole number", path=self.path, remedy="Download it again"
                )
            parts.append(np.column_stack([values for values, _ in cells]))
            if limit is not None:
                break
        return np.concatenate(parts)[:limit]


def _trades(cols: dict[str, Int64], ts: Int64, px: Int32, size: Int32, which: npt.NDArray[np.intp]) -> Events:
    out = blank(len(which), Kind.TRADE)
    kind = cols["type"][which]
    out["ts_event"], out["px"], out["size"] = ts[which], px[which], size[which]
    out["side"] = np.where(kind == _CROSS, 0, -cols["direction"][which])
    out["flags"] = np.select([kind == _HIDDEN, kind == _CROSS], [int(Flag.HIDDEN), int(Flag.AUCTION)], 0)
    return out


def _halts(cols: dict[str, Int64], ts: Int64, which: npt.NDArray[np.intp]) -> Events:
    out = blank(len(which), Kind.SESSION)
    out["ts_event"] = ts[which]
    out["action"] = [_PHASES[int(p)] for p in cols["price"][which]]
    return out


def _with_quotes(
    rows: Rows,
    cols: dict[str, Int64],
    ts: Int64,
    px: Int32,
    size: Int32,
    touch: tuple[Int32, Int32, Int32, Int32],
) -> Events:
    """Trades, and a quote wherever the touch changed."""
    kind, good = cols["type"], rows.good
    trades = np.flatnonzero(good & np.isin(kind, (_FILL, _HIDDEN, _CROSS)))
    halts = np.flatnonzero(good & (kind == _HALT))
    changed = np.zeros(len(rows), bool)
    changed[:1] = True
    for column in touch:
        changed[1:] |= column[1:] != column[:-1]
    quotes = np.flatnonzero(changed & good)
    a, b, c = _trades(cols, ts, px, size, trades), blank(len(quotes), Kind.QUOTE), _halts(cols, ts, halts)
    a["flags"][np.isin(trades, quotes)] |= int(Flag.MORE)
    b["ts_event"] = ts[quotes]
    for field, column in zip(("px", "size", "px_ask", "size_ask"), touch, strict=True):
        b[field] = column[quotes]
    return _interleave([a, b, c], [trades * 2, quotes * 2 + 1, halts * 2])


def _interleave(parts: list[Events], keys: list[npt.NDArray[np.intp]]) -> Events:
    order = np.argsort(np.concatenate(keys), kind="stable")
    out = np.empty(len(order), EVENT)
    at = np.empty(len(order), np.intp)
    at[order] = np.arange(len(order))
    start = 0
    for part in parts:
        out[at[start : start + len(part)]] = part
        start += len(part)
    return out


def _by_order(
    rows: Rows,
    cols: dict[str, Int64],
    ts: Int64,
    px: Int32,
    size: Int32,
    image: dict[tuple[int, int], int],
    notes: list[str],
) -> Events:
    """Snapshot, then every message as an update of one order."""
    kind, side = cols["type"], cols["direction"].astype(np.int8)
    update = np.flatnonzero(rows.good & (kind <= _FILL))
    before = dict(image)
    if len(rows) and rows.good[0] and image:
        _undo(before, int(kind[0]), (int(side[0]), int(px[0])), int(size[0]))
    snapshot, anonymous = _snapshot(before, int(ts[0]) if len(ts) else 0)

    ids = cols["order_id"][update].copy()
    first = np.unique(ids, return_index=True)[1]
    added_ids = ids[first[kind[update][first] == _ADD]]
    stranger = ~np.isin(ids, added_ids)
    at = list(zip(side[update[stranger]].tolist(), px[update[stranger]].tolist(), strict=True))
    ids[stranger] = [anonymous.get(place, own) for place, own in zip(at, ids[stranger].tolist(), strict=True)]

    stated_ids = np.concatenate((snapshot["id"][1:-1], ids))
    sets = np.concatenate((np.ones(len(anonymous), bool), kind[update] == _ADD))
    sizes = np.concatenate((snapshot["size"][1:-1], size[update])).astype(np.int64)
    left = _orders.remaining(stated_ids, sets, sizes)[len(anonymous) :]
    # Orders that rested outside the initial image: what they had is not known, so the change is stored.
    unseen = stranger & (left + size[update] <= 0)
    ids[unseen] = cols["order_id"][update][unseen]
    if unseen.any():
        notes.append(f"{int(unseen.sum())} messages are about orders outside the initial book")

    orders = blank(len(update), Kind.ORDER)
    orders["ts_event"], orders["id"], orders["px"], orders["side"] = ts[update], ids, px[update], side[update]
    orders["ref_b"] = -1
    adds = kind[update] == _ADD
    gone = (kind[update] == _DELETE) & ((ids > 0) | unseen) | (~adds & ~unseen & (left <= 0))
    orders["action"] = np.select([adds, gone], [Action.ADD, Action.DELETE], Action.EDIT)
    orders["size"] = np.where(gone, 0, np.maximum(left, 0))
    delta = unseen & ~gone
    orders["size"][delta] = -size[update][delta]
    orders["px"][delta] = PX_NONE
    orders["flags"][delta] = Flag.DELTA

    trades = np.flatnonzero(rows.good & np.isin(kind, (_FILL, _HIDDEN, _CROSS)))
    prints = _trades(cols, ts, px, size, trades)
    prints["flags"][kind[trades] == _FILL] |= int(Flag.MORE)
    halts = np.flatnonzero(rows.good & (kind == _HALT))
    flow = _interleave([prints, orders, _halts(cols, ts, halts)], [trades * 2, update * 2 + 1, halts * 2])
    return np.concatenate((snapshot, flow)) if image else flow


def _undo(book: dict[tuple[int, int], int], kind: int, place: tuple[int, int], size: int) -> None:
    """Turn the book after a message into the book before it."""
    if kind == _ADD:
        book[place] = book.get(place, 0) - size
        if book[place] <= 0:
            del book[place]
    elif kind <= _FILL:
        book[place] = book.get(place, 0) + size


def _snapshot(book: dict[tuple[int, int], int], ts: int) -> tuple[Events, dict[tuple[int, int], int]]:
    """The image as order records, and the id that stands for each price."""
    out = blank(len(book) + 2, Kind.ORDER)
    out["ts_event"], out["ref_b"], out["flags"] = ts, -1, Flag.SNAPSHOT | Flag.MORE
    out["action"] = Action.ADD
    out[0]["action"], out[-1]["action"] = Action.SNAPSHOT_BEGIN, Action.SNAPSHOT_END
    out[-1]["flags"] = Flag.SNAPSHOT
    places = sorted(book)
    for k, place in enumerate(places, 1):
        out[k]["id"], out[k]["side"], out[k]["px"], out[k]["size"] = -k, place[0], place[1], book[place]
    return out, {place: -k for k, place in enumerate(places, 1)}
