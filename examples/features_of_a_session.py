"""Features over a session: in one batch, and event by event with the same numbers.

python examples/features_of_a_session.py
"""

from __future__ import annotations

import numpy as np

from quantumtrader import FeatureEngine, Instrument, core

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)
NAMES = ["flow_ofi_1m", "book_ofi_norm_1m", "cvd_session", "vwap_distance"]


def main() -> None:
    # Six minutes of a synthetic session; your own data comes from quantumtrader.data.source.load_events.
    events = core().generate_session(seed=7, duration_ns=6 * 60 * 10**9)
    engine = FeatureEngine(NAMES, WDO, clock="1s")

    batch = engine.run(events)
    print(f"{len(events):,} events, {len(batch):,} rows of {len(NAMES)} features")
    print(batch.to_pandas().tail(3).round(3).to_string())

    # Live, events arrive in pieces. Any chunking gives the same bits.
    engine.reset()
    for start in range(0, len(events), 1_000):
        engine.update_many(events[start : start + 1_000])
    stream = engine.take()
    assert np.array_equal(batch.values, stream.values, equal_nan=True)
    print("event by event: the same numbers, bit for bit")

    # NaN until a window is full: one-minute features have no value in the first minute.
    warm = ~np.isnan(batch["flow_ofi_1m"])
    first = (batch.times[warm.argmax()] - batch.times[0]) / 1e9
    print(f"flow_ofi_1m is warm {first:.0f} s after the first row")


if __name__ == "__main__":
    main()
