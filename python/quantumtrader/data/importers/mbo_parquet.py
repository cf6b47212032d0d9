"""Market by order as Parquet with Databento's ``mbo`` columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quantumtrader.data.importers import _orders, _parquet
from quantumtrader.data.importers.base import Imported, Options, Rows, blank, require_some
from quantumtrader.exceptions import DataFormatError
from quantumtrader.types import Action, Events, Flag, Instrument, Kind, Side

Int64 = npt.NDArray[np.int64]

_NEEDED = ["ts_event", "ts_recv", "action", "side", "price", "size", "order_id", "flags"]
_LAST, _SNAPSHOT = 128, 32
_SIDES = {"B": Side.BUY, "A": Side.SELL, "N": Side.NONE}
_ACTIONS = "ACMRTF"


class MboParquet:
    """Actions A add, C cancel, M modify, R clear, T trade, F fill; prices in 1e-9, times in ns UTC.

    T and F do not change the book: the C or M after them does. T becomes a trade with its aggressor; F repeats
    the trade from the resting order's side and is left out (and counted). Flag 128 ends a packet, flag 32
    marks records of a snapshot. A cancel of a part of an order becomes an edit to what is left.
    """

    name = "mbo"
    describes = "by-order events as Parquet (Databento mbo columns)"
    sorts = False

    def sniff(self, path: Path) -> bool:
        """Look for the columns."""
        return path.suffix == ".parquet" and path.is_file() and set(_NEEDED) <= set(_parquet.names(path))

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read the file; see ``Importer.read``."""
        ids = ["instrument_id"] if "instrument_id" in _parquet.names(path) else []
        table = _parquet.table(path, _NEEDED + ids)
        for name in ids:
            distinct = pc.unique(table[name]).to_pylist()
            if len(distinct) > 1:
                raise DataFormatError(
                    f"holds {len(distinct)} instruments ({name} {', '.join(map(str, distinct[:5]))}…)",
                    path=path,
                    remedy="Split it by instrument",
                )
        rows = Rows(path, np.arange(1, len(table) + 1, dtype=np.int64))
        action = _codes(table["action"], _ACTIONS)
        side = _codes(table["side"], "".join(_SIDES))
        rows.reject(action < 0, "action", table["action"], f"not one of {', '.join(_ACTIONS)}")
        rows.reject(side < 0, "side", table["side"], "not one of B, A, N")
        is_ = {letter: action == k for k, letter in enumerate(_ACTIONS)}
        order_id = np.asarray(table["order_id"].to_numpy())
        rows.reject(order_id > np.uint64(2**63 - 1), "order_id", order_id, "beyond 2^63-1")
        stamps = {n: np.asarray(table[n].to_numpy()).astype(np.int64) for n in ("ts_event", "ts_recv")}
        for name, ts in stamps.items():
            rows.reject(ts < 0, name, table[name], "undefined time")
        price = np.asarray(table["price"].to_numpy()) / 1e9
        px = rows.ticks("price", price, instrument.tick_size, where=~is_["R"])
        size = np.asarray(table["size"].to_numpy()).astype(np.float64)
        contracts = rows.sizes("size", size, instrument.size_step, where=~is_["R"], zero=True)
        rows.in_order(stamps["ts_recv"], int(np.iinfo(np.int64).min), options.out_of_order)

        changes = rows.good & (is_["A"] | is_["M"] | is_["C"])
        left = np.zeros(len(rows), np.int64)
        left[changes] = _orders.remaining(
            order_id[changes].astype(np.int64), ~is_["C"][changes], contracts[changes].astype(np.int64)
        )
        keep = np.flatnonzero(rows.good & ~is_["F"])
        flags = np.asarray(table["flags"].to_numpy()).astype(np.int64)
        events = blank(len(keep), Kind.ORDER)
        for name, ts in stamps.items():
            events[name] = ts[keep]
        events["px"], events["side"] = px[keep], np.array(list(_SIDES.values()))[side[keep]]
        events["id"] = order_id[keep].astype(np.int64)
        events["size"] = np.maximum(left[keep], 0)
        events["ref_b"] = -1
        gone = (is_["C"] & (left <= 0))[keep]
        events["action"] = np.select(
            [is_["A"][keep], gone, is_["R"][keep]], [Action.ADD, Action.DELETE, Action.CLEAR], Action.EDIT
        )
        _as_trades(events, is_["T"][keep], contracts[keep])
        clear = is_["R"][keep]
        events["px"][clear] = events["id"][clear] = events["side"][clear] = 0
        packet = np.cumsum((flags & _LAST) != 0) - ((flags & _LAST) != 0)
        snapshot = (flags[keep] & _SNAPSHOT) != 0
        more = np.zeros(len(keep), bool)
        more[:-1] = packet[keep][1:] == packet[keep][:-1]
        events["flags"] |= np.where(more, Flag.MORE, 0).astype(np.uint16)
        events["flags"] |= np.where(snapshot, Flag.SNAPSHOT | Flag.MORE, 0).astype(np.uint16)
        events = _with_bounds(events, snapshot)
        events["sequence"] = np.arange(len(events))
        require_some(len(events), rows.rejected, path)
        rejected = rows.rejected
        fills = int(is_["F"].sum())
        notes = [f"{fills} fill records (F) repeat their trades and are left out"] if fills else []
        for start in range(0, len(events), options.chunk_rows):
            part = events[start : start + options.chunk_rows]
            yield Imported(part, instrument, rejected if start == 0 else [], notes if start == 0 else [])


def _codes(column: pa.ChunkedArray, letters: str) -> Int64:
    """Index of each cell in ``letters``, −1 where it is none of them."""
    found = pc.index_in(pc.cast(column, pa.string()), value_set=pa.array(list(letters)))
    return np.asarray(found.fill_null(-1).to_numpy()).astype(np.int64)


def _as_trades(events: Events, which: npt.NDArray[np.bool_], size: npt.NDArray[np.int32]) -> None:
    """Turn records into trades; no aggressor means that an auction matched them."""
    events["kind"][which] = Kind.TRADE
    events["action"][which] = Action.NONE
    events["id"][which] = 0
    events["ref_b"][which] = 0
    events["size"][which] = size[which]
    events["flags"][which & (events["side"] == 0)] |= int(Flag.AUCTION)


def _with_bounds(events: Events, snapshot: npt.NDArray[np.bool_]) -> Events:
    """Put begin and end records around each run of snapshot records."""
    edges = np.diff(snapshot.astype(np.int8), prepend=0, append=0)
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(begins):
        return events
    bounds = blank(2 * len(begins), Kind.ORDER)
    at = np.stack((begins, ends), axis=1).ravel()
    near = np.stack((begins, ends - 1), axis=1).ravel()
    for name in ("ts_event", "ts_recv"):
        bounds[name] = events[name][near]
    bounds["ref_b"] = -1
    bounds["action"] = np.tile([int(Action.SNAPSHOT_BEGIN), int(Action.SNAPSHOT_END)], len(begins))
    bounds["flags"] = np.tile([int(Flag.SNAPSHOT | Flag.MORE), int(Flag.SNAPSHOT)], len(begins))
    return np.insert(events, at, bounds)
