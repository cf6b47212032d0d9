"""What a closed footprint says of its extremes: aggressors absorbed there, or none left."""

from __future__ import annotations

from types import SimpleNamespace

from quantumtrader._fallback.features.detect.detection import Sink
from quantumtrader._fallback.features.footprints import Footprint


def absorption(f: Footprint, ts: int, s: SimpleNamespace, sink: Sink) -> None:
    """Look for heavy aggression at an extreme that price then left."""
    high = f.at(f.high).buy + f.at(f.high - 1).buy
    low = f.at(f.low).sell + f.at(f.low + 1).sell
    extremes = (-1, f.absorbed_high, high, f.high), (1, f.absorbed_low, low, f.low)
    for side, ratio, contracts, px in extremes:
        if not ratio or ratio < s.absorption_bar_min:
            continue
        score = min(1.0, float(ratio) / (2.0 * s.absorption_bar_min))
        facts = float(ratio), contracts, f.volume, f.height, f.close
        sink.push(ts, "absorption_bar", side, score, 0.7, px, *facts)


def exhaustion(f: Footprint, ts: int, s: SimpleNamespace, sink: Sink) -> None:
    """Look for aggressors that dried up on the way to an extreme."""
    high = f.at(f.high).buy, f.at(f.high - 2).buy
    low = f.at(f.low).sell, f.at(f.low + 2).sell
    for side, (last, inside), px in ((-1, high, f.high), (1, low, f.low)):
        if last and s.exhaustion_factor * last <= inside:
            sink.push(ts, "exhaustion", side, 1.0 - last / inside, 0.5, px, last, inside, f.volume, f.close)
