"""The lake is plain Parquet: write a session, then read it with pyarrow, without quantumtrader.

python examples/read_the_lake.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds

from quantumtrader import Instrument, core
from quantumtrader.data.lake import Lake

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)


def main() -> None:
    events = core().generate_session(seed=3, duration_ns=5 * 60 * 10**9)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        with lake.writer(WDO, source="synthetic") as writer:
            writer.add(events)
        for path in sorted(Path(folder).rglob("*.parquet")):
            print(f"{path.relative_to(folder)}: {path.stat().st_size:,} bytes")

        # Folders carry kind, symbol and date; any tool that knows hive folders can filter on them.
        kinds = ds.dataset(lake.base, format="parquet", partitioning="hive")
        trades = ds.dataset(lake.base / "kind=trades", format="parquet", partitioning="hive")
        table = trades.to_table(columns=["ts_event", "px", "size", "side"])
        metadata = Lake(folder).metadata(WDO.symbol)
        tick = float(metadata["tick_size"])
        turnover = pc.sum(pc.multiply(table["px"].cast("int64"), table["size"].cast("int64"))).as_py()
        volume = pc.sum(table["size"]).as_py()
        print(f"{kinds.count_rows():,} events, {len(table):,} trades, {volume:,} contracts")
        print(f"VWAP {turnover / volume * tick:.3f} points (prices are stored as ticks of {tick})")

        # And back: the same records, bit for bit.
        assert lake.read(WDO.symbol).tobytes() == events.tobytes()
        print("read back: the same records, bit for bit")


if __name__ == "__main__":
    main()
