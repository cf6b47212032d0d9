"""MetaTrader 5 ticks: changed fields only, server time, aggressor where FLAGS says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quantumtrader.data.importers import _mt5, _sides
from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers._text import TextChunk, must_be_file
from quantumtrader.data.importers.base import Imported, Options, Rejected, Rows, blank, require_some
from quantumtrader.exceptions import DataFormatError, EmptyDataError
from quantumtrader.types import EVENT, PX_NONE, Events, Flag, Instrument, Kind

Int32 = npt.NDArray[np.int32]

NEEDED = ("DATE", "TIME", "BID", "ASK", "LAST", "VOLUME")
_LAST, _VOLUME, _BUY, _SELL = 8, 16, 32, 64
_SHOWN = 5


class Mt5Ticks:
    """``<DATE> <TIME> <BID> <ASK> <LAST> <VOLUME> [<FLAGS>]``.

    A row gives a trade when it has a last price and a volume (with FLAGS: when bit 8 or 16 says so), and a
    quote when it changes the bid or the ask; the side that is left empty is carried forward. A price of 0.0
    means that there is no quote. Quotes have no sizes in this format: they are stored as 0, unknown. Without
    FLAGS the aggressor is inferred by the quote rule. Rows that give neither, such as a last price without a
    volume, are counted in a note.
    """

    name = "mt5-ticks"
    describes = "MetaTrader 5 ticks export (tab separated)"
    sorts = True

    def sniff(self, path: Path) -> bool:
        """Look for the header."""
        return path.is_file() and set(NEEDED) <= set(_mt5.header(path))

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read the file block by block; see ``Importer.read``."""
        must_be_file(path)
        names = _mt5.header(path)
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise DataFormatError(
                f"no column {', '.join(f'<{m}>' for m in missing)} in the header {names}",
                path=path,
                line=1,
                remedy="Export ticks from MetaTrader 5 again, or name the format with --format",
            )
        tz, notes = _mt5.server_zone(path, instrument, options)
        if "FLAGS" not in names and options.infer_side != "none":
            rule = "tick rule" if options.infer_side == "tick" else "quote rule"
            notes.append(f"no aggressor in the file: inferred by the {rule}, flagged SIDE_INFERRED")
        state = _State()
        taken = 0
        rejected: list[Rejected] = []
        held: Imported | None = None  # handed over once it is known whether it is the last
        chunks = _mt5.chunks(path, names)
        for chunk in _sorted(path, chunks, tz, notes) if options.out_of_order == "sort" else chunks:
            part = _read_chunk(path, chunk, instrument, options, tz, state)
            part.notes, notes = notes, []
            taken += len(part.events)
            rejected += part.rejected
            if held is not None:
                yield held
            held = part
        idle = state.idle_note()
        if not taken and not rejected:
            raise EmptyDataError(f"no ticks{idle and ': ' + idle}", path=path, remedy="Check the export")
        require_some(taken, rejected, path)
        if held is not None:
            held.notes += [idle] if idle else []
            yield held


def _sorted(path: Path, chunks: Iterator[TextChunk], tz: ZoneInfo, notes: list[str]) -> Iterator[TextChunk]:
    """All rows as one block in the order of time, before a quote is carried from one row to the next."""
    parts = list(chunks)
    if not parts:
        return
    lines = np.concatenate([part.lines for part in parts])
    columns = {name: pa.concat_arrays([part.columns[name] for part in parts]) for name in parts[0].columns}
    ts = numbers.to_utc(_mt5.local_ns(Rows(path, lines), columns), tz)
    order = np.argsort(ts, kind="stable")
    moved = int((order != np.arange(len(order))).sum())
    if moved:
        notes.append(f"{moved} rows changed place when sorted by time")
    yield TextChunk(
        {name: column.take(pa.array(order)) for name, column in columns.items()},
        lines[order],
        [rejected for part in parts for rejected in part.rejected],
    )


class _State:
    """What one block hands to the next."""

    bid = PX_NONE
    ask = PX_NONE
    last_px = PX_NONE
    last_sign = 0
    last_ts = int(np.iinfo(np.int64).min)
    sequence = 0

    def __init__(self) -> None:
        self.idle = 0
        self.first_idle: list[int] = []

    def skip(self, lines: npt.NDArray[np.int64]) -> None:
        """Count rows that give no event."""
        self.idle += len(lines)
        self.first_idle += lines[: _SHOWN - len(self.first_idle)].tolist()

    def idle_note(self) -> str:
        """What to say of those rows; empty when there are none."""
        if not self.idle:
            return ""
        more = ", …" if self.idle > len(self.first_idle) else ""
        return (
            f"{self.idle} rows give neither a trade nor a quote (no last price with a volume, or no deal in "
            f"FLAGS): line {', '.join(map(str, self.first_idle))}{more}"
        )


def _read_chunk(
    path: Path,
    chunk: TextChunk,
    instrument: Instrument,
    options: Options,
    tz: ZoneInfo,
    state: _State,
) -> Imported:
    cols = chunk.columns
    rows = Rows(path, chunk.lines)
    ts = numbers.to_utc(_mt5.local_ns(rows, cols), tz)
    mark = _mt5.decimal(options)
    value = {name: numbers.to_float(cols[name], mark) for name in ("BID", "ASK", "LAST", "VOLUME")}
    blank_cell = {
        name: pc.equal(pc.utf8_trim_whitespace(cols[name]), "").to_numpy(zero_copy_only=False)
        for name in value
    }
    for name, cells in value.items():
        rows.reject(~blank_cell[name] & ~np.isfinite(cells), name, cols[name], "not a number")

    # 0.0 is MetaTrader's way to say that there is nothing: no bid, no ask, no deal.
    given = {name: ~blank_cell[name] & (value[name] != 0) for name in value}
    trade = given["LAST"] & given["VOLUME"]
    side = np.zeros(len(rows), np.int8)
    if "FLAGS" in cols:
        flags, good = numbers.to_int(cols["FLAGS"])
        rows.reject(~good, "FLAGS", cols["FLAGS"], "not a whole number")
        trade &= (flags & (_LAST | _VOLUME)) != 0
        side = np.where(flags & _BUY, 1, 0) - np.where(flags & _SELL, 1, 0)
    tick = instrument.tick_size
    px = rows.ticks("LAST", value["LAST"], tick, raw=cols["LAST"], where=trade)
    size = rows.sizes("VOLUME", value["VOLUME"], instrument.size_step, raw=cols["VOLUME"], where=trade)
    bid = rows.ticks("BID", value["BID"], tick, raw=cols["BID"], where=given["BID"])
    ask = rows.ticks("ASK", value["ASK"], tick, raw=cols["ASK"], where=given["ASK"])
    state.last_ts = rows.in_order(ts, state.last_ts, options.out_of_order)

    good = rows.good
    trade &= good
    quoted = good & (~blank_cell["BID"] | ~blank_cell["ASK"])
    state.skip(rows.lines[good & ~trade & ~quoted])
    bid, bid_before = _carry(bid, good & ~blank_cell["BID"], state.bid)
    ask, ask_before = _carry(ask, good & ~blank_cell["ASK"], state.ask)
    trades = np.flatnonzero(trade)
    inferred = "FLAGS" not in cols and options.infer_side != "none"
    if inferred:
        signs = _sides.tick_rule(px[trades], (state.last_px, state.last_sign))
        if options.infer_side != "tick":
            chosen = _sides.quote_rule(px[trades], bid_before[trades], ask_before[trades], signs)
        else:
            chosen = signs
        side[trades] = chosen
        if len(trades):
            state.last_px, state.last_sign = int(px[trades[-1]]), int(signs[-1])
    if len(rows):
        state.bid, state.ask = int(bid[-1]), int(ask[-1])

    events = _merge(trades, np.flatnonzero(quoted), ts, px, size, side, bid, ask)
    if inferred:
        events["flags"][(events["kind"] == Kind.TRADE) & (events["side"] != 0)] |= int(Flag.SIDE_INFERRED)
    events["sequence"] = state.sequence + np.arange(len(events))
    state.sequence += len(events)
    return Imported(events, instrument, chunk.rejected + rows.rejected)


def _carry(px: Int32, given: npt.NDArray[np.bool_], start: int) -> tuple[Int32, Int32]:
    """Carry a side of the quote forward; returns it after and before each row."""
    last = np.maximum.accumulate(np.where(given, np.arange(len(px)), -1))
    after = np.where(last >= 0, px[np.maximum(last, 0)], np.int32(start)).astype(np.int32)
    before = np.concatenate((np.array([start], np.int32), after[:-1])) if len(after) else after
    return after, before


def _merge(
    trades: npt.NDArray[np.intp],
    quotes: npt.NDArray[np.intp],
    ts: npt.NDArray[np.int64],
    px: Int32,
    size: Int32,
    side: npt.NDArray[np.int8],
    bid: Int32,
    ask: Int32,
) -> Events:
    """Trades and quotes in row order; in one row the trade comes first, as part of the same packet."""
    a, b = blank(len(trades), Kind.TRADE), blank(len(quotes), Kind.QUOTE)
    a["ts_event"], a["px"], a["size"], a["side"] = ts[trades], px[trades], size[trades], side[trades]
    a["flags"][np.isin(trades, quotes)] = Flag.MORE
    b["ts_event"], b["px"], b["px_ask"] = ts[quotes], bid[quotes], ask[quotes]
    both = np.concatenate((a, b)) if len(a) and len(b) else (a if len(a) else b)
    order = np.argsort(np.concatenate((trades * 2, quotes * 2 + 1)), kind="stable")
    out = np.ascontiguousarray(both[order]).astype(EVENT, copy=False)
    out["ts_recv"] = out["ts_event"]
    return out
