"""Labels that know until when they look, at prices that could have been traded."""

from quantumtrader.training.labels.barrier import BarrierLabels, triple_barrier
from quantumtrader.training.labels.base import Labels
from quantumtrader.training.labels.book import order_imbalance, price_move, spread_change
from quantumtrader.training.labels.direction import DirectionLabels, Pace, direction, pace_of
from quantumtrader.training.labels.fill import FillLabels, MarkoutLabels, fill, markout
from quantumtrader.training.labels.latency import Latency, read_latencies
from quantumtrader.training.labels.meta import MetaLabels, meta_label
from quantumtrader.training.labels.path import PathBuilder, PricePath, path_of
from quantumtrader.training.labels.round_trip import RoundTrips, barrier_trips, round_trips
from quantumtrader.training.labels.volatility import VolatilityLabels, volatility

__all__ = [
    "BarrierLabels",
    "DirectionLabels",
    "FillLabels",
    "Labels",
    "Latency",
    "MarkoutLabels",
    "MetaLabels",
    "Pace",
    "PathBuilder",
    "PricePath",
    "RoundTrips",
    "VolatilityLabels",
    "barrier_trips",
    "direction",
    "fill",
    "markout",
    "meta_label",
    "order_imbalance",
    "pace_of",
    "path_of",
    "price_move",
    "read_latencies",
    "round_trips",
    "spread_change",
    "triple_barrier",
    "volatility",
]
