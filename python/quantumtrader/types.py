"""Vocabulary of the Python side: events, instruments, orders, fills, feature frames.

Prices are integer ticks, sizes integer contracts, times int64 ns since 1970 UTC. Floats appear only in
outputs, with the unit in the name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader._generated.schema import (
    EVENT,
    PX_NONE,
    STAMPS,
    VIEWS,
    Action,
    Flag,
    Kind,
    Phase,
    Side,
    View,
)
from quantumtrader.exceptions import OrderError, QuantumTraderError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "EVENT",
    "PX_NONE",
    "STAMPS",
    "VIEWS",
    "Action",
    "Events",
    "FeatureFrame",
    "Fill",
    "Fitted",
    "Flag",
    "Instrument",
    "Kind",
    "Order",
    "OrderType",
    "Phase",
    "SessionHours",
    "Side",
    "View",
    "columns",
    "empty_events",
]

Events = npt.NDArray[np.void]
"""A one-dimensional contiguous array of ``EVENT`` records, in stream order."""


def empty_events(n: int = 0) -> Events:
    """Return ``n`` zeroed event records."""
    return np.zeros(n, EVENT)


def columns(events: Events, kind: Kind) -> dict[str, npt.NDArray[Any]]:
    """Give the fields of one kind their names in that kind.

    Parameters
    ----------
    events : Events, shape (n,)
        Records that are all of ``kind``.
    kind : Kind
        Which names to use.

    Returns
    -------
    dict of ndarray
        The three stamps and the columns of ``VIEWS[kind]``; views, no copies.
    """
    view = VIEWS[kind]
    out: dict[str, npt.NDArray[Any]] = {name: events[name] for name in STAMPS}
    out.update({name: events[src] for name, src in view.columns.items()})
    return out


@dataclass(frozen=True, slots=True)
class SessionHours:
    """Continuous trading hours in force from a date on, in the instrument's time zone.

    An ``open`` later than the ``close`` is on the evening before: the session is of the date on which it closes.
    """

    valid_from: date
    open: time
    close: time


@dataclass(frozen=True, slots=True)
class Instrument:
    """What one tradable thing is: the only place that knows its numbers.

    Parameters
    ----------
    symbol : str
        Contract or series, for example ``WDOU25``.
    product : str
        Product in the table, for example ``WDO``; the symbol itself where there is none.
    tick_size : float
        Price of one tick, in points.
    point_value : float
        Money per point and contract, in ``currency``.
    currency : str
        ISO code; ``BRL`` for B3.
    lot : int
        Orders are multiples of this many contracts.
    size_step : float
        One stored contract in the source's unit (1.0 for futures; 0.001 for BTC with three decimals).
    timezone : str
        IANA zone of ``hours``.
    hours : tuple of SessionHours
        Ascending by ``valid_from``; empty for a market that never closes.
    fee : float
        Exchange and broker fees per contract and side, in ``currency``.
    exchange_tick : float
        Price of the exchange's tick in points, where ``tick_size`` is finer (adjusted series); 0 where both are one.
    free : bool
        Whether a fee of 0 is meant; without it a fee of 0 counts as not known.
    """

    symbol: str
    product: str
    tick_size: float
    point_value: float
    currency: str = "BRL"
    lot: int = 1
    size_step: float = 1.0
    timezone: str = "America/Sao_Paulo"
    hours: tuple[SessionHours, ...] = ()
    fee: float = 0.0
    exchange_tick: float = 0.0
    free: bool = False

    @property
    def fee_known(self) -> bool:
        """Whether what a side costs is known: a fee was set, or 0 is meant."""
        return self.fee > 0 or self.free

    @property
    def ticks_per_exchange_tick(self) -> int:
        """How many of our ticks are one of the exchange; 1 except in adjusted series."""
        return max(1, round(self.exchange_tick / self.tick_size)) if self.exchange_tick else 1

    @property
    def tick_value(self) -> float:
        """Money per tick and contract, in ``currency``."""
        return self.tick_size * self.point_value

    def session_seconds(self, day: date | None = None) -> float | None:
        """Scheduled length of the continuous session in seconds.

        Parameters
        ----------
        day : date, optional
            Session whose hours count; by default the hours in force last.

        Returns
        -------
        float or None
            None for a market that never closes, and for a day before the first known hours.
        """
        known = [h for h in self.hours if day is None or h.valid_from <= day]
        if not known:
            return None
        opens, closes = (
            timedelta(hours=t.hour, minutes=t.minute, seconds=t.second)
            for t in (known[-1].open, known[-1].close)
        )
        length = closes - opens
        return (length if length > timedelta(0) else length + timedelta(days=1)).total_seconds()

    def price(self, px: float) -> float:
        """Price in points of ``px`` ticks."""
        return px * self.tick_size

    def money(self, ticks: float, contracts: float) -> float:
        """Money in ``currency`` of a move of ``ticks`` on ``contracts``."""
        return ticks * contracts * self.tick_value


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is fitted off the hot path and handed to the feature engine; what is missing leaves its features NaN.

    Parameters
    ----------
    vpin_bucket : int, optional
        Contracts in a bucket of ``vpin_50`` and ``vpin_bvc_50``; without it a fiftieth of the mean volume of the
        five sessions before.
    vpin_from_ns : int, optional
        The end of the data that size was taken from, ns UTC: sessions that start before it have NaN. A size chosen by
        hand has none, and counts from the beginning.
    microprice : (int, tuple of float), optional
        Micro-price table: the end of the data it was fitted to, ns UTC (sessions that start before do not use it),
        and G* in ticks for 30 states, spread − 1 by tenth of q_b/(q_b + q_a); NaN for a state never seen.
    pin : tuple of (int, float)
        Probability of informed trading by the time from which each value may be used, ns UTC, in order.
    """

    vpin_bucket: int | None = None
    vpin_from_ns: int | None = None
    microprice: tuple[int, tuple[float, ...]] | None = None
    pin: tuple[tuple[int, float], ...] = ()


class OrderType(StrEnum):
    """How an order may execute."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Order:
    """A wish to trade. It reaches a venue only inside an ``Approved``.

    Parameters
    ----------
    client_id : int
        Unique per session, chosen by the sender.
    side : int
        ``Side.BUY`` or ``Side.SELL``.
    size : int
        Contracts, a positive multiple of the lot.
    type : OrderType
        ``MARKET``, ``LIMIT`` or ``STOP``.
    px : int
        Limit or trigger price in ticks; ``PX_NONE`` for market orders.
    reduce_only : bool
        Never opens or turns a position: stops, targets, flattening.
    tag : str
        Why it was sent, for the trade list.
    """

    client_id: int
    side: int
    size: int
    type: OrderType = OrderType.MARKET
    px: int = PX_NONE
    reduce_only: bool = False
    tag: str = ""

    def __post_init__(self) -> None:
        if self.side not in (Side.BUY, Side.SELL):
            raise OrderError(f"order {self.client_id}: side is {self.side}, expected 1 (buy) or -1 (sell)")
        if self.size <= 0:
            raise OrderError(f"order {self.client_id}: size is {self.size}, expected a positive number")
        if (self.type is OrderType.MARKET) != (self.px == PX_NONE):
            raise OrderError(f"order {self.client_id}: a {self.type} order with price {self.px}")


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution of one of our orders.

    Parameters
    ----------
    fill_id : int
        Unique per venue; the ledger applies each id once.
    client_id : int
        The order.
    ts : int
        Execution time, ns UTC.
    side : int
        Side of the order.
    px : int
        Price in ticks.
    size : int
        Contracts.
    maker : bool
        Whether our order was resting.
    fee : float
        Fees of this fill in the instrument's currency.
    """

    fill_id: int
    client_id: int
    ts: int
    side: int
    px: int
    size: int
    maker: bool
    fee: float


@dataclass(frozen=True, slots=True)
class FeatureFrame:
    """Features at sampled times.

    Parameters
    ----------
    names : tuple of str
        One per column.
    times : ndarray of int64, shape (n_samples,)
        Engine time of each row, ns UTC, non-decreasing.
    values : ndarray of float64, shape (n_samples, n_features)
        NaN where a feature is not warm or not defined.
    metadata : dict
        Instrument, clock and engine that made the frame.
    """

    names: tuple[str, ...]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    metadata: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.times), len(self.names)):
            raise QuantumTraderError(
                f"feature frame: {self.values.shape} values for {len(self.times)} times and {len(self.names)} names"
            )

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        """One column, shape (n_samples,)."""
        try:
            return self.values[:, self.names.index(name)]
        except ValueError:
            raise KeyError(f"no feature {name!r} in this frame; it has {', '.join(self.names)}") from None

    def to_arrow(self) -> pa.Table:
        """Return an Arrow table: ``ts`` (timestamp ns UTC) and one float64 column per feature."""
        import pyarrow as pa

        arrays = [pa.array(self.times.view("datetime64[ns]")).cast(pa.timestamp("ns", "UTC"))]
        arrays += [pa.array(np.ascontiguousarray(self.values[:, k])) for k in range(len(self.names))]
        table = pa.Table.from_arrays(arrays, names=["ts", *self.names])
        return table.replace_schema_metadata(dict(self.metadata))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Export as an Arrow C stream: polars, duckdb, pyarrow and pandas read it directly."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas frame indexed by UTC time."""
        import pandas as pd

        index = pd.DatetimeIndex(self.times.view("datetime64[ns]"), tz="UTC", name="ts")
        return pd.DataFrame(self.values, index=index, columns=list(self.names))
