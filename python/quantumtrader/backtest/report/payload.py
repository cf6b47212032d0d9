"""What the report's charts draw, thinned out to what a screen can show.

Times leave this module as seconds of the instrument's local clock, because the chart libraries draw UTC.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader.backtest.baselines import Baselines
from quantumtrader.backtest.harness import BacktestResult
from quantumtrader.backtest.market import MarketPath
from quantumtrader.data.sessions import session_days
from quantumtrader.types import PX_NONE, Flag, Kind

__all__ = ["candles", "chart_payload", "heatmap", "local_seconds"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

MAX_CANDLES = 1_500
MAX_POINTS = 1_800
MAX_TRADES = 2_000
HEAT_COLUMNS, HEAT_ROWS, HEAT_LEVELS = 640, 120, 50

_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 86400, 604800)


def local_seconds(ts: Int64, timezone: str) -> Float64:
    """Seconds of the local clock since 1970, for drawing; milliseconds are kept.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        ns UTC.
    timezone : str
        IANA zone.
    """
    zone = ZoneInfo(timezone)
    quarters, where = np.unique(ts // 900_000_000_000, return_inverse=True)
    offsets = np.array([_offset(int(q) * 900, zone) for q in quarters], np.float64)
    return np.round(ts / 1e9 + offsets[where], 3) if len(ts) else np.zeros(0)


def _offset(seconds: int, zone: ZoneInfo) -> float:
    shift = datetime.fromtimestamp(seconds, UTC).astimezone(zone).utcoffset()
    return 0.0 if shift is None else shift.total_seconds()


def chart_payload(result: BacktestResult, baselines: Baselines) -> dict[str, Any]:
    """Everything that the page's script draws, as plain JSON types."""
    path = result.path
    return {
        "candles": candles(path),
        "equity": _equity(result),
        "panels": _panels(result),
        "heat": heatmap(path) if path.has_book else None,
        "trades": _trades(result),
        "fills": _fills(result),
        "random": _histogram(baselines.random.nets)
        if len(baselines.random.long) and np.isfinite(baselines.random.nets).all()
        else None,
        "tick": path.instrument.tick_size,
        "decimals": _decimals(path.instrument.tick_size),
    }


def candles(path: MarketPath) -> dict[str, Any]:
    """Candles of a round length such that at most ``MAX_CANDLES`` have a price; volume split by aggressor."""
    ev = path.events
    bars = ev["kind"] == Kind.BAR
    if bars.any():
        rows = ev[bars]
        ts, volume, signed = rows["id"], rows["size"].astype(np.int64), np.zeros(len(rows), np.int64)
        open_, high, low, close = (rows[name].astype(np.int64) for name in ("px", "px_ask", "ref_a", "ref_b"))
    else:
        bad = (ev["flags"] & (Flag.CANCELLED | Flag.EDITED)) != 0
        prints = (ev["kind"] == Kind.TRADE) & ~bad & (ev["size"] > 0)
        if prints.any():
            rows = ev[prints]
            ts, px, volume = path.now[prints], rows["px"].astype(np.int64), rows["size"].astype(np.int64)
            signed = volume * rows["side"]
        else:  # quotes only: candles of the mid
            both = path.touch_defined
            ts, px = path.now[both], (path.bid_px[both].astype(np.int64) + path.ask_px[both]) / 2
            volume = signed = np.zeros(len(ts), np.int64)
        open_ = high = low = close = px
    if len(ts) == 0:
        return {"step": 0, "t": [], "o": [], "h": [], "l": [], "c": [], "v": [], "d": []}
    step = _step(ts, path.bar_ns)
    bucket = ts // (step * 10**9)
    first = np.flatnonzero(np.r_[True, np.diff(bucket) != 0])
    last = np.r_[first[1:], len(ts)] - 1
    tick = path.instrument.tick_size
    decimals = _decimals(tick)
    t = local_seconds(bucket[first] * step * 10**9, path.instrument.timezone)
    return {
        "step": step,
        "t": [int(x) for x in t],
        "o": _round(open_[first] * tick, decimals),
        "h": _round(np.maximum.reduceat(high, first) * tick, decimals),
        "l": _round(np.minimum.reduceat(low, first) * tick, decimals),
        "c": _round(close[last] * tick, decimals),
        "v": np.add.reduceat(volume, first).tolist(),
        "d": np.add.reduceat(signed, first).tolist(),
    }


def _step(ts: Int64, bar_ns: int) -> int:
    for step in _STEPS_S:
        if step * 10**9 >= bar_ns and len(np.unique(ts // (step * 10**9))) <= MAX_CANDLES:
            return step
    return _STEPS_S[-1]


def _equity(result: BacktestResult) -> dict[str, Any]:
    curve = result.equity
    peak = np.maximum.accumulate(np.maximum(curve.net, 0.0))
    keep = _thin(len(curve.ts), MAX_POINTS)
    # The deepest point must survive the thinning.
    keep = np.unique(np.r_[keep, [int(np.argmax(peak - curve.net))]])
    return {
        "t": local_seconds(curve.ts[keep], result.instrument.timezone).tolist(),
        "gross": _round(curve.gross[keep], 2),
        "net": _round(curve.net[keep], 2),
        "drawdown": _round((curve.net - peak)[keep], 2),
    }


def _panels(result: BacktestResult) -> dict[str, Any]:
    frame = result.frame
    keep = _thin(len(frame), MAX_POINTS)
    days = session_days(frame.times[keep], result.instrument)
    new_day = np.r_[False, days[1:] != days[:-1]] if len(keep) else np.zeros(0, np.bool_)
    columns = {}
    for name in frame.names:
        values = np.where(new_day, np.nan, frame[name][keep])  # no line is drawn through the night
        columns[name] = [None if np.isnan(v) else float(f"{v:.5g}") for v in values]
    return {"t": local_seconds(frame.times[keep], result.instrument.timezone).tolist(), "columns": columns}


def _trades(result: BacktestResult) -> list[list[Any]]:
    zone, tick = result.instrument.timezone, result.instrument.tick_size
    rows = result.trades[:MAX_TRADES]
    entry = local_seconds(np.array([t.entry_ts for t in rows], np.int64), zone)
    leave = local_seconds(np.array([t.exit_ts for t in rows], np.int64), zone)
    decimals = _decimals(tick) + 1
    finer = result.instrument.ticks_per_exchange_tick
    return [
        [
            t.trade_id, float(a), float(b), t.side, t.size,
            round(t.entry_px * tick, decimals), round(t.exit_px * tick, decimals),
            round(t.seconds, 1), round(t.mae_ticks / finer, 1), round(t.mfe_ticks / finer, 1),
            round(t.gross, 2), round(t.costs, 2), round(t.net, 2), t.exit_tag,
        ]
        for t, a, b in zip(rows, entry, leave, strict=True)
    ]  # fmt: skip


def _fills(result: BacktestResult) -> dict[str, Any]:
    fills = result.fills[: 2 * MAX_TRADES]
    ts = local_seconds(np.array([f.ts for f in fills], np.int64), result.instrument.timezone)
    tick = result.instrument.tick_size
    return {"t": ts.tolist(), "px": [f.px * tick for f in fills], "side": [f.side for f in fills]}


def heatmap(path: MarketPath) -> dict[str, Any] | None:
    """Displayed size by price over time.

    Returns
    -------
    dict or None
        ``cells`` is base64 of uint8, row-major (rows, columns), highest price first: 0 empty, 12 to 255 by
        the logarithm of the size. None when the book was never valid.
    """
    core: Any = _backend.core()
    book = core.OrderBook() if path.source == "orders" else core.L2Book()
    at = np.unique(np.linspace(0, len(path.events), HEAT_COLUMNS + 1).astype(np.int64)[1:])
    shots = []
    done = 0
    for stop in at.tolist():
        book.update_many(path.events[done:stop])
        done = stop
        shots.append(book.depth(HEAT_LEVELS))
    bid, ask = path.bid_px[at - 1], path.ask_px[at - 1]
    good = path.touch_defined[at - 1]
    if not good.any():
        return None
    width = int(np.percentile((ask - bid)[good], 90))
    reach = max(HEAT_LEVELS, 4 * width)
    low, high = int(bid[good].min()) - reach // 2, int(ask[good].max()) + reach // 2
    per_row = max(1, -(-(high - low + 1) // HEAT_ROWS))
    rows = -(-(high - low + 1) // per_row)
    cells = np.zeros((rows, len(at)))
    for column, (bid_px, bid_sz, ask_px, ask_sz) in enumerate(shots):
        for px, size in ((bid_px, bid_sz), (ask_px, ask_sz)):
            inside = (px != PX_NONE) & (px >= low) & (px <= high)
            np.add.at(cells[:, column], (px[inside].astype(np.int64) - low) // per_row, size[inside])
    shown = np.log1p(cells[::-1])
    some = shown > 0
    # Most levels are alike, so the scale runs from the small to the large ones among them.
    least, most = np.percentile(shown[some], (5, 99.5)) if some.any() else (0.0, 1.0)
    scaled = (shown - least) / max(most - least, 1e-9)
    grey = np.where(some, np.clip(np.rint(12 + 243 * scaled), 12, 255), 0).astype(np.uint8)
    tick = path.instrument.tick_size
    return {
        "columns": len(at),
        "rows": rows,
        "low": low * tick,
        "high": (low + rows * per_row) * tick,
        "t": local_seconds(path.now[at - 1], path.instrument.timezone).tolist(),
        "bid": [float(b) * tick if g else None for b, g in zip(bid.tolist(), good, strict=True)],
        "ask": [float(a) * tick if g else None for a, g in zip(ask.tolist(), good, strict=True)],
        "cells": base64.b64encode(grey.tobytes()).decode("ascii"),
    }


def _histogram(nets: Float64) -> dict[str, Any]:
    counts, edges = np.histogram(nets, bins=min(40, max(5, len(np.unique(nets)))))
    return {"counts": counts.tolist(), "edges": _round(edges, 2)}


def _thin(n: int, most: int) -> Int64:
    if n <= most:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, most).astype(np.int64))


def _decimals(tick: float) -> int:
    return next((d for d in range(9) if abs(tick * 10**d - round(tick * 10**d)) < 1e-9), 9)


def _round(values: npt.NDArray[Any], decimals: int) -> list[float]:
    out: list[float] = np.round(np.asarray(values, np.float64), decimals).tolist()
    return out
