"""Every source format. A new one is a file here and a line in ``IMPORTERS``.

``IMPORTERS`` is in the order in which a path is tried; formats exclude each other, so the order matters only
for how soon the answer comes.
"""

from __future__ import annotations

from quantumtrader.data.importers.b3_trades import B3Trades
from quantumtrader.data.importers.bars_csv import BarsCsv
from quantumtrader.data.importers.base import Imported, Importer, Options, Rejected
from quantumtrader.data.importers.binance import Binance
from quantumtrader.data.importers.bitstamp import Bitstamp
from quantumtrader.data.importers.collector import Collector
from quantumtrader.data.importers.journal import Journal
from quantumtrader.data.importers.lobster import Lobster
from quantumtrader.data.importers.mbo_parquet import MboParquet
from quantumtrader.data.importers.mt5_bars import Mt5Bars
from quantumtrader.data.importers.mt5_ticks import Mt5Ticks
from quantumtrader.data.importers.profit_candles import ProfitCandles
from quantumtrader.data.importers.profit_trades import ProfitTrades
from quantumtrader.data.importers.wondertrader import WonderTrader
from quantumtrader.data.importers.xquotes import Xquotes

__all__ = ["IMPORTERS", "Imported", "Importer", "Options", "Rejected"]

IMPORTERS: tuple[Importer, ...] = (
    Mt5Ticks(),
    Mt5Bars(),
    ProfitTrades(),
    ProfitCandles(),
    B3Trades(),
    Lobster(),
    Binance(),
    MboParquet(),
    Bitstamp(),
    WonderTrader(),
    Xquotes(),
    BarsCsv(),
    Collector(),
    Journal(),
)
"""One of each format."""
