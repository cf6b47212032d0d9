"""Random mixtures of the scripted patterns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quantumtrader.evaluation.scripts import ASK, BID, MS, OPENING, SECOND, Script
from quantumtrader.types import Events

__all__ = ["ASK", "BID", "MS", "OPENING", "SECOND", "Script", "busy_flow"]


def crowd(s: Script, rng: np.random.Generator, side: int) -> None:
    """Some large orders at one row, prints there of one broker or another, and the orders taken away around them."""
    px = s.best(side) - side
    usual = s.shown.get((side, px), 1)
    brokers = rng.choice((0, 4, 5), 3)
    idents = [
        s.add(side, px, int(usual * factor), broker=int(broker))
        for factor, broker in zip((12, 130, 1400), brokers, strict=True)
    ]
    s.wait(float(rng.choice((0.1, 1.8))) * SECOND).trade(
        side, s.best(-side), 2, passive=int(rng.choice(brokers))
    )
    for _ in range(8):
        s.wait(int(rng.choice((0, 20, 40))) * MS)
        if not idents or rng.random() < 0.4:
            s.trade(-side, px, int(rng.integers(1, 8 * usual)), passive=int(rng.choice((0, 4, 5))))
        elif rng.random() < 0.3:
            ident = int(rng.choice(idents))
            s.edit(ident, max(1, s.orders[ident][2] // 2))
        else:
            s.delete(idents.pop(int(rng.integers(len(idents)))))
    for ident in idents:
        s.delete(ident)


def busy_flow(seed: int, feed: str, patterns: int = 16) -> Events:
    """Make a stream of calm minutes with patterns and near misses in random order and size."""
    rng = np.random.default_rng(seed)
    s = Script(feed)

    def pick(*choices: float) -> float:
        return float(rng.choice(choices))

    def whole(*choices: int) -> int:
        return int(rng.choice(choices))

    def side() -> int:
        return whole(-1, 1)

    makers: list[Callable[[], object]] = [
        lambda: (
            s.sweep(side(), whole(2, 3, 5), gap=whole(0, MS, MS + 1), broker=whole(0, 7)).wait(50 * MS).mend()
        ),
        lambda: [
            s.wait(pick(20, 150, 250) * MS).trade(1, ASK, k + 1 + whole(0, 0, 1))
            for k in range(whole(4, 5, 7))
        ],
        lambda: [
            s.wait(2 * SECOND).trade(-1, s.best(1), whole(5, 5, 5, 6, 9)) for _ in range(whole(4, 6, 8))
        ],
        lambda: s.trade(side(), s.best(1), 200).wait(SECOND),
        lambda: s.gap(rng) if feed in ("levels", "orders") and rng.random() < 0.3 else None,
    ]
    if feed in ("levels", "orders"):
        makers += [
            lambda: s.refills(side(), whole(2, 3, 4), share=pick(1.0, 1.1, 0.7), delay=whole(100, 300, 301)),
            lambda: s.spoof(
                side(),
                factor=pick(4.9, 5.5, 12, 12),
                distance=whole(0, 1, 2, 5, 6),
                life=pick(0.5, 0.5, 2.0, 2.1),
                share=pick(1.0, 1.0, 0.95, 0.85),
                buys=whole(0, 3),
                broker=whole(0, 4),
            ),
            lambda: s.layers(
                side(), whole(2, 3, 5), spread=pick(0.2, 0.9), late=pick(0, 0.5, 1.1), broker=whole(0, 4)
            ),
            lambda: s.stuff(side(), whole(20, 40, 60), apart=pick(2, 5, 60)),
        ]
    if feed == "orders":
        makers += [
            lambda: (s.native(side(), peak=whole(1, 3), executed=whole(2, 5)), s.mend()),
            lambda: crowd(s, rng, side()),
        ]
    if feed != "trades":
        makers.append(
            lambda: (
                s.burst(side(), move=whole(2, 3, 4), back=whole(1, 2, 3), after=pick(1, 9, 11)),
                s.mend(),
            )
        )
        s.calm(305)
    for _ in range(patterns):
        makers[int(rng.integers(len(makers)))]()
        s.calm(whole(1, 3, 8))
    s.extreme(
        side(),
        **(
            {"last": 500, "tip": 300, "inside": 1}
            if rng.random() < 0.5
            else {"last": 5, "inside": whole(14, 40)}
        ),
    )
    s.timer(5 * SECOND).five_minutes()
    return s.events()
