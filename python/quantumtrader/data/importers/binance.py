"""Binance futures streams as Parquet: depth updates, trades, best quotes and a REST snapshot of one instrument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quantumtrader.data.importers import _parquet
from quantumtrader.data.importers.base import Imported, Options, Rejected, Rows, blank, require_some
from quantumtrader.exceptions import DataError
from quantumtrader.types import EVENT, Action, Events, Flag, Instrument, Kind, Side

Int64 = npt.NDArray[np.int64]

_DEPTH = ["recv_ns", "line", "T", "U", "u", "pu", "side", "price", "qty"]
_SNAPSHOT = ["recv_ns", "line", "T", "lastUpdateId", "side", "price", "qty"]
_TRADE = ["recv_ns", "line", "T", "trade_id", "price", "qty", "buyer_is_maker"]
_TICKER = ["recv_ns", "line", "T", "bid", "bid_qty", "ask", "ask_qty"]


class Binance:
    """``<prefix>_depth``, ``_trade``, ``_book_ticker`` and ``_snapshot``, ordered across files by ``line``.

    The rows of one ``line`` are one packet. Depth rows that the snapshot already contains (``u`` not above its
    ``lastUpdateId``) are left out; later ones that were received before it are applied after it. A break in
    the chain ``pu`` becomes a gap marker. ``ts_event`` is the match time T, ``ts_recv`` the receive clock.
    """

    name = "binance"
    describes = "Binance futures depth, trades and best quotes (folder or prefix of Parquet files)"
    sorts = False

    def sniff(self, path: Path) -> bool:
        """Look for a depth file with the update ids."""
        found = _prefixes(path)
        return bool(found) and set(_DEPTH) <= set(_parquet.names(_file(found[0], "depth")))

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read the four files of one instrument; see ``Importer.read``."""
        prefix = _choose(path, instrument)
        depth_path = _file(prefix, "depth")
        depth = _parquet.table(depth_path, _DEPTH)
        notes: list[str] = []
        parts: list[_Part] = []
        image = _optional(prefix, "snapshot", _SNAPSHOT, notes)
        last_id, snapshot_line, snapshot_recv = -1, -1, 0
        if image is not None:
            last_id = int(image["lastUpdateId"][0].as_py())
            snapshot_line = int(image["line"][0].as_py())
            snapshot_recv = int(image["recv_ns"][0].as_py())
            parts.append(_levels(_file(prefix, "snapshot"), image, instrument, options, snapshot=True))
        keep = _column(depth, "u") > last_id
        left_out = int((~keep & (_column(depth, "side") != 0)).sum())
        if left_out:
            notes.append(f"{left_out} depth rows from before the snapshot are part of it and left out")
        live = depth.filter(pa.array(keep))
        parts.append(_gaps(live, last_id, notes))
        parts.append(_levels(depth_path, live, instrument, options, rows=np.flatnonzero(keep) + 1))
        late = parts[-1].line < snapshot_line
        parts[-1].line[late] = snapshot_line
        parts[-1].events["ts_recv"][late] = snapshot_recv
        trades = _optional(prefix, "trade", _TRADE, notes)
        if trades is not None:
            parts.append(_trades(_file(prefix, "trade"), trades, instrument, options))
        ticker = _optional(prefix, "book_ticker", _TICKER, notes)
        if ticker is not None:
            parts.append(_quotes(_file(prefix, "book_ticker"), ticker, instrument, options))
        yield from _in_line_order(parts, instrument, options, notes, depth_path)


@dataclass(slots=True)
class _Part:
    """Events of one file, and the line of the raw stream that each belongs to."""

    events: Events
    line: Int64
    rejected: list[Rejected]


def _file(prefix: Path, what: str) -> Path:
    return prefix.with_name(f"{prefix.name}_{what}.parquet")


def _prefixes(path: Path) -> list[Path]:
    """Sets at this path: of a folder, of a prefix, or of one of the four files."""
    if path.is_dir():
        return [
            p.with_name(p.name.removesuffix("_depth.parquet")) for p in sorted(path.glob("*_depth.parquet"))
        ]
    for what in ("_depth", "_trade", "_book_ticker", "_snapshot", ""):
        if path.name.endswith(f"{what}.parquet") or not what:
            prefix = path.with_name(path.name.removesuffix(f"{what}.parquet") if what else path.name)
            if _file(prefix, "depth").is_file():
                return [prefix]
    return []


def _choose(path: Path, instrument: Instrument) -> Path:
    """The one set that is meant.

    Raises
    ------
    DataError
        None, or several that the symbol does not tell apart.
    """
    found = _prefixes(path)
    if len(found) == 1:
        return found[0]
    wanted = "".join(c for c in instrument.symbol.lower() if c.isalnum())
    matching = [p for p in found if wanted in p.name.replace("_", "").lower()]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(p.name for p in found) or "none"
    raise DataError(
        f"{len(matching)} of the sets here fit {instrument.symbol} ({names})",
        path=path,
        remedy=f"Name one, for example --input {found[0] if found else path / 'usdm_btcusdt'}",
    )


def _optional(prefix: Path, what: str, columns: list[str], notes: list[str]) -> pa.Table | None:
    path = _file(prefix, what)
    if not path.exists():
        notes.append(f"no {path.name}: the stream has no {what.replace('_', ' ')}")
        return None
    return _parquet.table(path, columns)


def _column(table: pa.Table, name: str) -> Int64:
    return np.asarray(table[name].to_numpy()).astype(np.int64, copy=False)


def _rows(path: Path, table: pa.Table, options: Options, numbers: Int64 | None = None) -> Rows:
    rows = Rows(path, np.arange(1, len(table) + 1, dtype=np.int64) if numbers is None else numbers)
    rows.in_order(_column(table, "recv_ns"), int(np.iinfo(np.int64).min), options.out_of_order)
    return rows


def _stamp(events: Events, table: pa.Table, which: npt.NDArray[np.intp]) -> None:
    events["ts_event"] = _column(table, "T")[which] * 1_000_000
    events["ts_recv"] = _column(table, "recv_ns")[which]


def _levels(
    path: Path,
    table: pa.Table,
    instrument: Instrument,
    options: Options,
    *,
    rows: Int64 | None = None,
    snapshot: bool = False,
) -> _Part:
    checked = _rows(path, table, options, rows)
    side = _column(table, "side")
    named = side != 0  # side 0 is a message without levels: only its update ids matter
    px = checked.ticks("price", _float(table, "price"), instrument.tick_size, where=named)
    size = checked.sizes("qty", _float(table, "qty"), instrument.size_step, where=named, zero=True)
    keep = np.flatnonzero(checked.good & named)
    line = _column(table, "line")[keep]
    events = blank(len(keep), Kind.LEVEL)
    _stamp(events, table, keep)
    events["px"], events["size"], events["side"] = px[keep], size[keep], side[keep]
    if snapshot:
        events["action"], events["flags"] = Action.ADD, Flag.SNAPSHOT | Flag.MORE
        bounds = blank(2, Kind.LEVEL)
        bounds["ts_event"], bounds["ts_recv"] = events["ts_event"][0], events["ts_recv"][0]
        bounds["action"] = [Action.SNAPSHOT_BEGIN, Action.SNAPSHOT_END]
        bounds["flags"] = [Flag.SNAPSHOT | Flag.MORE, Flag.SNAPSHOT]
        events = np.concatenate((bounds[:1], events, bounds[1:]))
        line = np.full(len(events), line[0])
    else:
        events["action"] = np.where(events["size"] == 0, Action.DELETE, Action.EDIT)
        events["flags"][:-1][line[1:] == line[:-1]] = Flag.MORE
    return _Part(events, line, checked.rejected)


def _gaps(depth: pa.Table, last_id: int, notes: list[str]) -> _Part:
    """A gap marker in front of each message that does not continue the one before it."""
    line = _column(depth, "line")
    first = np.flatnonzero(np.diff(line, prepend=-1) != 0)
    final, before, start = (_column(depth, c)[first] for c in ("u", "pu", "U"))
    broken = np.zeros(len(first), bool)
    broken[1:] = before[1:] != final[:-1]
    if len(first) and last_id >= 0:
        broken[0] = start[0] > last_id + 1 and before[0] > last_id
    which = first[broken]
    if len(which):
        notes.append(f"{len(which)} breaks in the chain of update ids: the book is invalid from the first on")
    events = blank(len(which), Kind.GAP)
    _stamp(events, depth, which)
    return _Part(events, line[which], [])


def _trades(path: Path, table: pa.Table, instrument: Instrument, options: Options) -> _Part:
    rows = _rows(path, table, options)
    px = rows.ticks("price", _float(table, "price"), instrument.tick_size)
    size = rows.sizes("qty", _float(table, "qty"), instrument.size_step)
    ids = _column(table, "trade_id")
    repeated = np.ones(len(rows), bool)
    repeated[np.unique(ids, return_index=True)[1]] = False
    rows.reject(repeated, "trade_id", ids, "a second trade with this id")
    keep = np.flatnonzero(rows.good)
    events = blank(len(keep), Kind.TRADE)
    _stamp(events, table, keep)
    events["px"], events["size"], events["id"] = px[keep], size[keep], ids[keep]
    maker = np.asarray(table["buyer_is_maker"].to_numpy(zero_copy_only=False))[keep]
    events["side"] = np.where(maker, Side.SELL, Side.BUY)
    return _Part(events, _column(table, "line")[keep], rows.rejected)


def _quotes(path: Path, table: pa.Table, instrument: Instrument, options: Options) -> _Part:
    rows = _rows(path, table, options)
    px = [rows.ticks(c, _float(table, c), instrument.tick_size) for c in ("bid", "ask")]
    size = [
        rows.sizes(f"{c}_qty", _float(table, f"{c}_qty"), instrument.size_step, zero=True)
        for c in ("bid", "ask")
    ]
    keep = np.flatnonzero(rows.good)
    events = blank(len(keep), Kind.QUOTE)
    _stamp(events, table, keep)
    events["px"], events["px_ask"] = px[0][keep], px[1][keep]
    events["size"], events["size_ask"] = size[0][keep], size[1][keep]
    return _Part(events, _column(table, "line")[keep], rows.rejected)


def _float(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    return np.asarray(table[name].to_numpy(), np.float64)


def _in_line_order(
    parts: list[_Part], instrument: Instrument, options: Options, notes: list[str], path: Path
) -> Iterator[Imported]:
    """Merge by line, a range of lines at a time, so that the records are never held twice as a whole."""
    rejected = [r for part in parts for r in part.rejected]
    total = sum(len(part.events) for part in parts)
    require_some(total, rejected, path)
    line = np.sort(np.concatenate([part.line for part in parts]), kind="stable")
    edges = [int(line[k]) for k in range(0, total, options.chunk_rows)] + [int(line[-1]) + 1]
    sequence = 0
    for low, high in pairwise(edges):
        cuts = [np.searchsorted(part.line, (low, high)) for part in parts]
        keys = np.concatenate([part.line[a:b] for part, (a, b) in zip(parts, cuts, strict=True)])
        if not len(keys):
            continue
        at = np.empty(len(keys), np.intp)
        at[np.argsort(keys, kind="stable")] = np.arange(len(keys))
        events = np.empty(len(keys), EVENT)
        start = 0
        for part, (a, b) in zip(parts, cuts, strict=True):
            events[at[start : start + b - a]] = part.events[a:b]
            start += b - a
        events["sequence"] = np.arange(sequence, sequence + len(events))
        sequence += len(events)
        yield Imported(events, instrument, rejected, notes)
        rejected, notes = [], []
