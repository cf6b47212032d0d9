"""What detectors tell, as ``docs/concepts/detectors.md`` says: strength, how good the evidence is, and the evidence."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from quantumtrader.features.detectors import Detection
from quantumtrader.types import PX_NONE
from reference.detectors import (
    NAN,
    Deal,
    Parent,
    absorbed,
    pressure,
    restorations,
    spoof_share,
    spoofs,
    sweeps,
    told_at,
)
from reference.rules import SECOND, Row


def shown_before(row: Row, p: Parent) -> int | None:
    """What each row that a parent came to displayed just before; None where one of them is not known."""
    arrivals: list[Deal] = [d for k, d in enumerate(p.deals) if k == 0 or d.px != p.deals[k - 1].px]
    sizes = [row.recording.displayed(-d.side, d.px, d.at) if has_book(row, d) else None for d in arrivals]
    return None if None in sizes else sum(sizes)


def has_book(row: Row, d: Deal) -> bool:
    before = [v for v in row.recording.views if v.at < d.at]
    return bool(before) and before[-1].by_book


def sweep(row: Row) -> list[Detection]:
    out = []
    for p in sweeps(row):
        known = any(d.broker for d in p.deals)
        at_once = p.deals[0].t == p.deals[-1].t
        shown = shown_before(row, p)
        evidence = {
            "levels": p.rows,
            "volume": p.volume,
            "prints": len(p.deals),
            "consumed_share": p.volume / shown if shown else NAN,
            "span_ns": p.deals[-1].t - p.deals[0].t,
            "first_px": p.deals[0].px,
        }
        score = min(1.0, p.rows / row.limits.sweep_full_levels)
        confidence = 1.0 if known else 0.8 if at_once else 0.6
        out.append(Detection(p.ended, "sweep", p.deals[0].side, score, confidence, p.deals[-1].px, evidence))
    return out


def iceberg_native(row: Row) -> list[Detection]:
    out = []
    for r in restorations(row):
        evidence = {
            "hidden": r.hidden,
            "restorations": r.restorations,
            "order_id": r.order_id,
            "shown": r.shown,
            "restored": r.restored,
            "traded": r.traded,
        }
        score = r.hidden / (r.hidden + r.peak)
        out.append(Detection(r.ts, "iceberg_native", r.side, score, 1.0 if r.packet else 0.9, r.px, evidence))
    return out


def absorption(row: Row) -> list[Detection]:
    """Told when it begins."""
    out = []
    last = 0
    for found in absorbed(row):
        began, last = found is not None and found.side != last, found.side if found else 0
        if not began:
            continue
        deals = [d for d in row.deals if d.t <= found.t]
        window = [d for d in deals if d.t > found.t - row.limits.absorption_window_s * SECOND]
        view = [v for v in row.known if v.t <= found.t][-1]
        side = view.bids if found.side > 0 else view.asks
        full = 2 * row.limits.absorption_factor * found.usual
        evidence = {
            "delta": found.delta,
            "usual": found.usual,
            "mid_move": found.move,
            "buy": sum(d.q for d in window if d.side > 0),
            "sell": sum(d.q for d in window if d.side < 0),
        }
        score = min(1.0, abs(found.delta) / full) if full else 1.0
        px = side[0][0] if side else PX_NONE
        confidence = 0.8 if view.by_book else 0.6
        out.append(Detection(found.t + 1, "absorption", found.side, score, confidence, px, evidence))
    return out


def spoofing(row: Row) -> list[Detection]:
    out = []
    for c in spoofs(row):
        ts = told_at(row, c)
        share = float(Fraction(c.withdrawn, c.size))
        pressed = pressure(row, c, ts - 1)
        evidence = {
            "size": c.size,
            "usual": c.usual,
            "withdrawn": share,
            "pressure": pressed,
            "lifetime_ns": c.ended - c.view.t,
            "order_id": c.order_id,
        }
        score = spoof_share(row, c) * share * pressed
        confidence = 1.0 if c.broker else 0.8 if c.order_id else 0.5
        out.append(Detection(ts, "spoofing", c.change.side, score, confidence, c.change.px, evidence))
    return out


TOLD: dict[str, Callable[[Row], list[Detection]]] = {
    "sweep": sweep,
    "iceberg_native": iceberg_native,
    "absorption": absorption,
    "spoofing": spoofing,
}
