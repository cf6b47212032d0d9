"""Bitstamp's stream of single orders, with its trades: the log of the websocket as Parquet."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from quantumtrader.data.importers import _parquet
from quantumtrader.data.importers import _text as text
from quantumtrader.data.importers.base import INT32_MAX, Imported, Options, Rows, blank, require_some
from quantumtrader.exceptions import DataFormatError
from quantumtrader.types import EVENT, Action, Events, Flag, Instrument, Kind, Side

Int32 = npt.NDArray[np.int32]

_ORDERS = ["line", "recv_ms", "event", "order_id", "order_type", "price", "amount"]
_TRADES = ["line", "recv_ms", "trade_id", "price", "amount"]
_CREATED, _CHANGED, _DELETED = "order_created", "order_changed", "order_deleted"
_NEAR_LINES = 12
"""How far from a trade, in records of the log, the changes of its two orders are looked for."""
_DUST = 5e-9
"""Half a unit of the eighth decimal: amounts are equal below it."""


class Bitstamp:
    """``raw_order_events`` and, beside it, ``raw_trades``: both carry ``line``, the order of the log.

    Order records state what is left, trades have no side: the aggressor is the later one of the two orders that lose
    the traded amount near the trade, or the other side of the one that does (``SIDE_INFERRED``). Times are those of
    receipt; the exchange writes whole seconds. Amounts have eight decimals: they are counted in whole size steps,
    rounded down, and at least one while anything is left.

    The log begins without a book: an order that is first heard of when it changes is added then. A record about an order
    after its deletion came late and is left out.
    """

    name = "bitstamp"
    describes = "Bitstamp order events with their trades (folder or Parquet)"
    sorts = False

    def sniff(self, path: Path) -> bool:
        """Look for the columns."""
        file = _file(path)
        return file is not None and set(_ORDERS) <= set(_parquet.names(file))

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read both files; see ``Importer.read``."""
        file = _file(path)
        if file is None:
            text.must_be_file(path)
            raise DataFormatError(
                "no raw_order_events*.parquet in the folder",
                path=path,
                remedy="Name the file of order events",
            )
        notes = ["the log begins without a book: what rested before is not known"]
        rows, orders, cut = _orders(file, instrument, options, notes)
        trades_file = file.with_name(file.name.replace("order_events", "trades"))
        rejected = rows.rejected
        lines, events = orders
        if trades_file != file and trades_file.is_file():
            trade_rows, trade_lines, trades, more = _trades(trades_file, instrument, options, rows, notes)
            rejected = rejected + trade_rows.rejected
            cut += more
            order = np.argsort(np.concatenate((lines, trade_lines)), kind="stable")
            events = np.concatenate((events, trades))[order]
        else:
            notes.append("no file of trades beside it: orders alone")
        if cut:
            notes.append(f"{cut} amounts are rounded down to whole steps of {instrument.size_step:g}")
        require_some(len(events), rejected, file)
        events["ts_event"] = np.maximum.accumulate(events["ts_event"])
        events["ts_recv"] = events["ts_event"]
        events["sequence"] = np.arange(len(events))
        for start in range(0, len(events), options.chunk_rows):
            part = events[start : start + options.chunk_rows]
            yield Imported(part, instrument, rejected if start == 0 else [], notes if start == 0 else [])


def _file(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix == ".parquet" else None
    found = sorted(path.glob("*order_events*.parquet"))
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class _Loss:
    """What an order lost with one record."""

    line: int
    side: int
    order_id: int
    px: int
    amount: float


class _OrderRows(Rows):
    """Order rows, with what each good one took away: trades look for their orders there."""

    losses: list[_Loss]


def _contracts(rows: Rows, amount: npt.NDArray[np.float64], step: float, *, zero: bool) -> tuple[Int32, int]:
    """Whole steps, rounded down but for dust; and how many amounts had a remainder."""
    rows.reject(~np.isfinite(amount), "amount", amount, "not a number")
    rows.reject(amount < 0, "amount", amount, "negative size")
    if not zero:
        rows.reject(amount == 0, "amount", amount, "size is 0")
    steps = np.floor(np.where(rows.good, amount, 0.0) / step + 1e-6)
    rows.reject(steps > INT32_MAX, "amount", amount, f"more than {INT32_MAX} steps of {step:g}")
    steps = np.where((amount > 0) & (steps == 0), 1, steps)
    remainder = rows.good & (np.abs(steps * step - amount) > _DUST)
    return np.where(rows.good, steps, 0).astype(np.int32), int(remainder.sum())


def _orders(
    file: Path, instrument: Instrument, options: Options, notes: list[str]
) -> tuple[_OrderRows, tuple[npt.NDArray[np.int64], Events], int]:
    table = _parquet.table(file, _ORDERS)
    columns = {name: np.asarray(table[name].to_numpy(zero_copy_only=False)) for name in _ORDERS}
    rows = _OrderRows(file, np.arange(1, len(table) + 1, dtype=np.int64))
    rows.losses = []
    what = columns["event"]
    rows.reject(
        ~np.isin(what, (_CREATED, _CHANGED, _DELETED)), "event", what, "not created, changed or deleted"
    )
    kind = columns["order_type"]
    rows.reject((kind != 0) & (kind != 1), "order_type", kind, "neither 0 (bid) nor 1 (ask)")
    px = rows.ticks("price", columns["price"].astype(np.float64), instrument.tick_size)
    amount = columns["amount"].astype(np.float64)
    size, cut = _contracts(rows, amount, instrument.size_step, zero=True)
    ts = columns["recv_ms"].astype(np.int64) * 1_000_000
    rows.in_order(ts, int(np.iinfo(np.int64).min), options.out_of_order)

    left: dict[int, float] = {}
    gone: set[int] = set()
    kept: list[tuple[int, int]] = []
    late = unknown = 0
    for i in np.flatnonzero(rows.good).tolist():
        ident, side = int(columns["order_id"][i]), int(Side.BUY if kind[i] == 0 else Side.SELL)
        had = left.pop(ident, None)
        now = 0.0 if what[i] == _DELETED else float(amount[i])
        if ident in gone:
            late += 1
            continue
        if had is not None and what[i] != _CREATED:
            # A cancelled order is deleted with what it had: nothing was traded then.
            lost = had - float(amount[i])
            if lost > _DUST:
                rows.losses.append(_Loss(int(columns["line"][i]), side, ident, int(px[i]), lost))
        if now > 0:
            left[ident] = now
            kept.append((i, int(Action.EDIT if had is not None else Action.ADD)))
            continue
        gone.add(ident)
        if had is None:
            unknown += 1
        else:
            kept.append((i, int(Action.DELETE)))
    if late:
        notes.append(f"{late} records are about orders that were deleted before: left out")
    if unknown:
        notes.append(f"{unknown} deletes are about orders that were never seen: left out")
    where = np.array([i for i, _ in kept], np.intp)
    events = blank(len(where), Kind.ORDER)
    events["ts_event"], events["id"], events["px"] = ts[where], columns["order_id"][where], px[where]
    events["side"] = np.where(kind[where] == 0, int(Side.BUY), int(Side.SELL))
    events["action"] = [action for _, action in kept]
    events["size"] = np.where(events["action"] == Action.DELETE, 0, size[where])
    events["ref_b"] = -1
    return rows, (columns["line"][where].astype(np.int64), events), cut


def _trades(
    file: Path, instrument: Instrument, options: Options, orders: _OrderRows, notes: list[str]
) -> tuple[Rows, npt.NDArray[np.int64], Events, int]:
    table = _parquet.table(file, _TRADES, may_be_empty=True)
    columns = {name: np.asarray(table[name].to_numpy()) for name in _TRADES}
    rows = Rows(file, np.arange(1, len(table) + 1, dtype=np.int64))
    px = rows.ticks("price", columns["price"].astype(np.float64), instrument.tick_size)
    amount = columns["amount"].astype(np.float64)
    size, cut = _contracts(rows, amount, instrument.size_step, zero=False)
    good = np.flatnonzero(rows.good)
    sides = np.zeros(len(rows), np.int8)
    if options.infer_side != "none":
        sides = _sides(columns["line"].astype(np.int64), amount, orders.losses)
        notes.append(
            f"no aggressor in the file: inferred from the orders that lost the amount for {int((sides != 0).sum())} of "
            f"{len(rows)} trades, flagged SIDE_INFERRED"
        )
    events: Events = np.zeros(len(good), EVENT)
    events["kind"] = Kind.TRADE
    events["ts_event"] = columns["recv_ms"][good].astype(np.int64) * 1_000_000
    events["id"], events["px"], events["size"] = columns["trade_id"][good], px[good], size[good]
    events["side"] = sides[good]
    events["flags"] = np.where(sides[good] != 0, int(Flag.SIDE_INFERRED), 0)
    return rows, columns["line"][good].astype(np.int64), events, cut


def _sides(
    lines: npt.NDArray[np.int64], amounts: npt.NDArray[np.float64], losses: list[_Loss]
) -> npt.NDArray[np.int8]:
    """The aggressor of each trade, 0 where no order near it lost the amount; each loss is used once."""
    out = np.zeros(len(lines), np.int8)
    waiting = deque(losses)
    near: list[_Loss] = []
    for k, (line, amount) in enumerate(zip(lines.tolist(), amounts.tolist(), strict=True)):
        while waiting and waiting[0].line <= line + _NEAR_LINES:
            near.append(waiting.popleft())
        near = [x for x in near if x.line >= line - _NEAR_LINES]
        fits = [x for x in near if abs(x.amount - amount) < _DUST]
        both = [
            min((x for x in fits if x.side == side), key=lambda x: abs(x.line - line), default=None)
            for side in (1, -1)
        ]
        found = [x for x in both if x is not None]
        if not found:
            continue
        # Ids count up: the later order came to the earlier one.
        out[k] = max(found, key=lambda x: x.order_id).side if len(found) == 2 else -found[0].side
        near = [x for x in near if x not in found]
    return out
