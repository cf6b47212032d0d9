"""Does the micro-price say more about the next move than the weighted mid? Fit on one half, look at the other.

Without arguments a synthetic session is used, which shows the way and nothing about a market.

python examples/microprice_forecast.py
python examples/microprice_forecast.py RECORDING SYMBOL [TICK_SIZE [SIZE_STEP [YYYY-MM-DD]]]
"""

from __future__ import annotations

import sys
from datetime import date

import numpy as np
import numpy.typing as npt

from quantumtrader import Events, core
from quantumtrader.config import load_settings, with_instrument
from quantumtrader.data.importers import Options
from quantumtrader.data.source import load_events
from quantumtrader.features.fit.microprice import MicropriceFitter, lookup
from quantumtrader.features.fit.touches import Touches

LATER_NS = 10 * 10**9


def read(arguments: list[str]) -> tuple[str, Events]:
    """Return the events to look at, and what they are."""
    if not arguments:
        return "a synthetic session", core().generate_session(seed=11, max_events=60_000)
    path, symbol = arguments[:2]
    given: dict[str, object] = {}
    if len(arguments) > 2:
        given = {"tick_size": float(arguments[2]), "point_value": 1.0, "currency": "USD", "timezone": "UTC"}
    if len(arguments) > 3:
        given["size_step"] = float(arguments[3])
    day = date.fromisoformat(arguments[4]) if len(arguments) > 4 else None
    settings = with_instrument(load_settings(None), symbol, given)
    loaded = load_events(path, symbol, settings, options=Options(date=day))
    return loaded.description, loaded.events


def main() -> None:
    """Fit on the first half of the steps of the touch, and compare both numbers on the second."""
    what, events = read(sys.argv[1:])
    # Halves by steps of the touch: cut where half of them have come.
    steps = Touches().add(events)
    cut = int(np.searchsorted(np.maximum.accumulate(events["ts_event"]), steps.ts[len(steps.ts) // 2]))
    fitter = MicropriceFitter()
    fitter.add(events[:cut])
    fit = fitter.fit()
    print(what)
    print(f"fitted to {fit.observations:,} steps, spectral radius {fit.solution.spectral_radius:.3f}")

    touches = Touches()
    touches.add(events[:cut])
    before, after, ts, _ = touches.add(events[cut:])
    bid, ask = before[:, 1], before[:, 3]
    weighted = 0.5 * (before[:, 2] - before[:, 0]) * (bid - ask) / (bid + ask)
    micro = lookup(fit.solution.adjustment, before)
    mid = (before[:, 0] + before[:, 2]) / 2
    move = (after[:, 0] + after[:, 2]) / 2 - mid

    # What comes: the next change of the mid, and where the mid is ten seconds later.
    moves = np.flatnonzero(move)
    place = np.searchsorted(moves, np.arange(len(move)))
    known = np.isfinite(micro) & (place < len(moves))
    following = move[moves[np.minimum(place, len(moves) - 1)]]
    later = np.searchsorted(ts, ts + LATER_NS, side="right") - 1
    ten = (after[later, 0] + after[later, 2]) / 2 - mid
    seen = known & (ts + LATER_NS <= ts[-1])
    print(f"second half: {known.sum():,} touches that both know, {len(moves):,} changes of the mid")
    print(f"{'':28}{'right sign':>11}{'correlation':>13}{'rms error':>11}{'of 0':>9}")
    for target, outcome, rows in (("next change", following, known), ("10 s later", ten, seen)):
        for name, values in (("weighted_mid_dev", weighted), ("microprice_dev", micro)):
            print(f"{target:12}{name:16}{score(values[rows], outcome[rows])}")
    print("both halves looked at")


def score(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> str:
    """Return how well ``x`` says ``y``: share of right signs, correlation, error in ticks beside that of saying 0."""
    said = (x != 0) & (y != 0)
    right = float((np.sign(x[said]) == np.sign(y[said])).mean()) if said.any() else float("nan")
    related = float(np.corrcoef(x, y)[0, 1]) if len(x) > 2 and x.std() and y.std() else float("nan")
    error, nothing = (float(np.sqrt(np.mean(d * d))) if len(d) else float("nan") for d in (y - x, y))
    return f"{right:11.1%}{related:13.3f}{error:11.3f}{nothing:9.3f}"


if __name__ == "__main__":
    main()
