"""One parent order, three algorithms, one synthetic session: what each paid, and for what.

python examples/slice_an_order.py

The session is SYNTHETIC: the numbers show how costs are taken apart, and say nothing about a market or about which
algorithm is better.
"""

from __future__ import annotations

import numpy as np

from quantumtrader import Instrument, core
from quantumtrader.backtest.market import MarketPath
from quantumtrader.backtest.parents import work_parent
from quantumtrader.execution import RiskLimits
from quantumtrader.execution.routing import ParentOrder, make_slicer

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0, fee=1.0)
MINUTE = 60 * 10**9
LIMITS = RiskLimits(max_position=100, max_order_size=50, daily_loss=50_000.0, orders_per_minute=200)
PARAMETERS = {"twap": {"slices": 20}, "pov": {"rate": 0.01}, "flow": {"urgency": 0.2}}


def main() -> None:
    engine = core()
    path = MarketPath.of(engine.generate_session(seed=11, duration_ns=30 * MINUTE), WDO, engine)
    start = int(path.now[np.argmax(path.continuous)]) + 5 * MINUTE
    parent = ParentOrder(side=1, size=100, start_ns=start, end_ns=start + 20 * MINUTE, max_participation=0.1)
    parts = ("timing", "impact", "spread", "opportunity", "fees", "total")
    print("synthetic session, buy 100 WDO in 20 minutes; R$, positive is a cost")
    print(f"{'':6}{'filled':>8}{'orders':>8}" + "".join(f"{part:>13}" for part in parts))
    for name, parameters in PARAMETERS.items():
        done = work_parent(
            path,
            engine,
            lambda new_id, n=name, p=parameters: make_slicer(n, parent, new_id, **p),
            limits=LIMITS,
        )
        cost = done.slippage
        money = [getattr(cost, part).money for part in parts]
        assert sum(money[:-1]) + cost.delay.money == money[-1]
        print(f"{name:6}{cost.filled:8}{len(done.slicer.children):8}" + "".join(f"{m:13.2f}" for m in money))
    print("every part adds up to its total, to the centavo")


if __name__ == "__main__":
    main()
