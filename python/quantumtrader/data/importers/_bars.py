"""Bars from any source: grid, adjusted series, order of the four prices, length, duplicates."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.data.contracts import is_series
from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers.base import Imported, Options, Rejected, Rows, blank, require_some
from quantumtrader.exceptions import DataFormatError, EmptyDataError
from quantumtrader.types import Flag, Instrument, Kind

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

PRICES = ("open", "high", "low", "close")


def emit(
    rows: Rows,
    ts_open: Int64,
    values: dict[str, Float64],
    instrument: Instrument,
    options: Options,
    *,
    raw: dict[str, Any] | None = None,
    seconds: int | None = None,
    earlier: list[Rejected] | None = None,
    notes: list[str] | None = None,
) -> Iterator[Imported]:
    """Turn rows of open, high, low, close and volume into bar events.

    The final moment of a bar (``ts_event``) is its start plus its length. Prices of a continuous series that
    leave the tick grid were adjusted for rolls: the whole series is then stored on the finest decimal grid
    that it uses, and flagged ``ADJUSTED``.

    Parameters
    ----------
    rows : Rows
        Rows in time order.
    ts_open : ndarray of int64
        Start of each bar, ns UTC.
    values : dict of str to ndarray of float64
        ``open high low close volume``; NaN where a cell is not a number.
    raw : dict, optional
        The cells as written, for the account of bad rows.
    seconds : int, optional
        Length of a bar when the source states it; ``options.bar_seconds`` wins.
    earlier, notes : list, optional
        Rows already refused, and remarks, to hand on.

    Raises
    ------
    EmptyDataError
        No rows at all.
    DataFormatError
        No row can be used, or there is one bar and its length is not known.
    """
    raw = values if raw is None else raw
    notes = list(notes or [])
    refused = list(earlier or [])
    if not len(rows) and not refused:
        raise EmptyDataError("no bars", path=rows.path, remedy="Check the export")
    for name in PRICES:
        rows.reject(~np.isfinite(values[name]), name, raw[name], "not a number")
    instrument, adjusted = _grid(rows, values, instrument)
    if adjusted:
        notes.append(
            f"adjusted series: prices are off the exchange's tick grid and are kept in steps of "
            f"{instrument.tick_size:g}, flagged ADJUSTED"
        )
    ticks = {name: rows.ticks(name, values[name], instrument.tick_size, raw=raw[name]) for name in PRICES}
    volume = rows.sizes("volume", values["volume"], instrument.size_step, raw=raw["volume"], zero=True)
    top = np.maximum(values["open"], values["close"])
    bottom = np.minimum(values["open"], values["close"])
    rows.reject(values["high"] < top, "high", raw["high"], "below the open or the close")
    rows.reject(values["low"] > bottom, "low", raw["low"], "above the open or the close")
    rows.in_order(ts_open, np.iinfo(np.int64).min, options.out_of_order)
    if options.out_of_order == "sort":
        order = np.argsort(ts_open, kind="stable")
        ts_open, volume = ts_open[order], volume[order]
        ticks = {name: px[order] for name, px in ticks.items()}
        rows.lines, rows.bad = rows.lines[order], rows.bad[order]
    good = np.flatnonzero(rows.good)
    twice = np.zeros(len(rows), bool)
    twice[good[1:]] = ts_open[good[1:]] == ts_open[good[:-1]]
    starts = {int(i): numbers.show_ns(int(ts_open[i])) for i in np.flatnonzero(twice)}
    rows.reject(twice, "time", starts, "a second bar that starts at the same time")
    refused += rows.rejected
    good = np.flatnonzero(rows.good)
    require_some(len(good), refused, rows.path)
    length = _length_ns(ts_open[good], options.bar_seconds or seconds, rows.path)

    events = blank(len(good), Kind.BAR)
    events["id"] = ts_open[good]
    events["ts_event"] = events["ts_recv"] = ts_open[good] + length
    events["sequence"] = np.arange(len(good))
    for name, field in zip(PRICES, ("px", "px_ask", "ref_a", "ref_b"), strict=True):
        events[field] = ticks[name][good]
    events["size"] = volume[good]
    if adjusted:
        events["flags"] = Flag.ADJUSTED
    notes.append(f"bars of {length // 1_000_000_000} s")
    for start in range(0, len(events), options.chunk_rows):
        part = events[start : start + options.chunk_rows]
        yield Imported(part, instrument, refused if start == 0 else [], notes if start == 0 else [])


def _grid(rows: Rows, values: dict[str, Float64], instrument: Instrument) -> tuple[Instrument, bool]:
    """The instrument to store in, and whether the series is adjusted."""
    if not is_series(instrument):
        return instrument, False
    prices = np.concatenate([values[name][rows.good] for name in PRICES])
    if numbers.to_steps(prices, instrument.tick_size)[1].all():
        return instrument, False
    return dataclasses.replace(
        instrument,
        tick_size=numbers.finest_step(prices),
        exchange_tick=instrument.exchange_tick or instrument.tick_size,
    ), True


def _length_ns(ts_open: Int64, seconds: int | None, path: Path) -> int:
    if seconds is not None:
        return seconds * 1_000_000_000
    steps = np.diff(ts_open)
    if not len(steps):
        raise DataFormatError(
            "holds one bar, so its length cannot be told", path=path, remedy="Give it with --bar-seconds"
        )
    lengths, counts = np.unique(steps, return_counts=True)
    return int(lengths[np.argmax(counts)])
