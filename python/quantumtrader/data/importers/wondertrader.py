"""WonderTrader ticks: half-second snapshots of a Chinese futures exchange as Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers import _parquet, _sides
from quantumtrader.data.importers import _text as text
from quantumtrader.data.importers.base import Imported, Options, Rows, blank, require_some
from quantumtrader.exceptions import DataFormatError
from quantumtrader.types import EVENT, PX_NONE, Events, Flag, Instrument, Kind

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_COLUMNS = [
    "price",
    "volume",
    "action_date",
    "action_time",
    "bid_price_1",
    "bid_qty_1",
    "ask_price_1",
    "ask_qty_1",
]


class WonderTrader:
    """One row each half second: last price, volume since the row before, and the touch.

    The volume of a row is one trade at its last price, however many there were, before the quote that the row leaves;
    both are one packet. The aggressor is inferred with the quote of the row before (Lee and Ready, 1991) and flagged
    ``SIDE_INFERRED``. A price of 0 means that there is no quote. Times are the exchange's local ones, in
    ``Asia/Shanghai`` unless ``--timezone`` says otherwise. A folder is read file by file in the order of names.
    """

    name = "wondertrader"
    describes = "WonderTrader half-second snapshots (folder or Parquet)"
    sorts = False

    def sniff(self, path: Path) -> bool:
        """Look for the columns."""
        files = _files(path)
        return bool(files) and all(set(_COLUMNS) <= set(_parquet.names(file)) for file in files)

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read every file; see ``Importer.read``."""
        files = _files(path)
        if not files:
            text.must_be_file(path)
            raise DataFormatError("no Parquet file in the folder", path=path, remedy="Name the file")
        notes = ["each row's volume is one trade at its last price: several may hide in it"]
        if options.infer_side != "none":
            rule = "tick rule" if options.infer_side == "tick" else "quote rule"
            notes.append(f"no aggressor in the file: inferred by the {rule}, flagged SIDE_INFERRED")
        state = _State()
        codes: set[str] = set()
        for file in files:
            rows, events = _read(file, instrument, options, state, codes)
            if len(codes) > 1:
                raise DataFormatError(
                    f"holds {len(codes)} contracts ({', '.join(sorted(codes)[:5])})",
                    path=file,
                    remedy="Name the file of one contract",
                )
            require_some(len(events), rows.rejected, file)
            for start in range(0, max(1, len(events)), options.chunk_rows):
                part = events[start : start + options.chunk_rows]
                yield Imported(part, instrument, rows.rejected if start == 0 else [], notes)
                notes = []


class _State:
    """What one file hands to the next."""

    def __init__(self) -> None:
        self.touch = (PX_NONE, 0, PX_NONE, 0)
        self.last = (PX_NONE, 0)
        self.ts = int(np.iinfo(np.int64).min)
        self.sequence = 0


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix == ".parquet" else []
    return sorted(path.glob("*.parquet"))


def _read(
    file: Path, instrument: Instrument, options: Options, state: _State, codes: set[str]
) -> tuple[Rows, Events]:
    named = ["code"] if "code" in _parquet.names(file) else []
    table = _parquet.table(file, _COLUMNS + named)
    for name in named:
        codes.update(str(code) for code in table[name].unique().to_pylist())
    cols = {name: np.asarray(table[name].to_numpy()) for name in _COLUMNS}
    rows = Rows(file, np.arange(1, len(table) + 1, dtype=np.int64))
    ts = _times(rows, cols, options)
    volume = cols["volume"].astype(np.float64)
    size = rows.sizes("volume", volume, instrument.size_step, zero=True)
    px = rows.ticks("price", cols["price"].astype(np.float64), instrument.tick_size, where=volume > 0)
    touch: list[Int32] = []
    for side in ("bid", "ask"):
        price, depth = cols[f"{side}_price_1"].astype(np.float64), cols[f"{side}_qty_1"].astype(np.float64)
        there = price != 0
        touch.append(rows.ticks(f"{side}_price_1", price, instrument.tick_size, where=there))
        touch.append(rows.sizes(f"{side}_qty_1", depth, instrument.size_step, where=there, zero=True))
    state.ts = rows.in_order(ts, state.ts, options.out_of_order)

    good = np.flatnonzero(rows.good)
    now = [column[good] for column in touch]
    before = [np.concatenate(([first], column[:-1])) for first, column in zip(state.touch, now, strict=True)]
    traded = size[good] > 0
    changed = np.any([a != b for a, b in zip(now, before, strict=True)], axis=0)
    trades, quotes = good[traded], good[changed]
    a, b = blank(len(trades), Kind.TRADE), blank(len(quotes), Kind.QUOTE)
    a["ts_event"], a["px"], a["size"] = ts[trades], px[trades], size[trades]
    ticks = _sides.tick_rule(a["px"], state.last)
    if options.infer_side != "none":
        bid, ask = before[0][traded].astype(np.int32), before[2][traded].astype(np.int32)
        a["side"] = ticks if options.infer_side == "tick" else _sides.quote_rule(a["px"], bid, ask, ticks)
        a["flags"] = np.where(a["side"] != 0, int(Flag.SIDE_INFERRED), 0)
    a["flags"][changed[traded]] |= int(Flag.MORE)
    b["ts_event"] = ts[quotes]
    for field, column in zip(("px", "size", "px_ask", "size_ask"), now, strict=True):
        b[field] = column[changed]
    order = np.argsort(np.concatenate((trades * 2, quotes * 2 + 1)), kind="stable")
    events: Events = np.concatenate((a, b))[order] if len(order) else np.zeros(0, EVENT)
    events["ts_recv"] = events["ts_event"]
    events["sequence"] = state.sequence + np.arange(len(events))
    state.sequence += len(events)
    if len(good):
        state.touch = (int(now[0][-1]), int(now[1][-1]), int(now[2][-1]), int(now[3][-1]))
    if len(trades):
        state.last = (int(a["px"][-1]), int(ticks[-1]))
    return rows, events


def _times(rows: Rows, cols: dict[str, npt.NDArray[np.generic]], options: Options) -> Int64:
    """UTC of ``yyyymmdd`` and ``HHMMSSmmm``."""
    written = cols["action_date"].astype(np.int64).tolist()
    text = [f"{d // 10_000}-{d // 100 % 100}-{d % 100}" for d in written]
    day, good = numbers.dates(pa.array(text), "ymd")
    rows.reject(~good, "action_date", cols["action_date"], "not a date such as 20210104")
    clock = cols["action_time"].astype(np.int64)
    hours, minutes, ms = clock // 10_000_000, clock // 100_000 % 100, clock % 100_000
    bad = (clock < 0) | (hours > 23) | (minutes > 59) | (ms > 59_999)
    rows.reject(bad, "action_time", cols["action_time"], "not a time such as 93000400")
    local = day * numbers.DAY_NS + ((hours * 60 + minutes) * 60_000 + ms) * 1_000_000
    return numbers.to_utc(local, numbers.zone(options.timezone or "Asia/Shanghai"))
