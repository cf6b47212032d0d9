"""The interface that both engines implement: the compiled ``_core`` and the numpy twin ``_fallback``.

Both modules export these names with these signatures, raise the same errors with the same messages, and
return the same numbers; ``tests/parity`` holds them to it. Everything above the engines is written once,
against this file.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from quantumtrader.types import Events

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


class BookProtocol(Protocol):
    """State common to the price-level book (``L2Book``) and the by-order book (``OrderBook``).

    Both take whole event arrays and ignore kinds that are not theirs. A gap marks the book invalid until a
    snapshot has been completed (``SNAPSHOT_BEGIN`` … ``SNAPSHOT_END``).
    """

    @property
    def valid(self) -> bool:
        """False after a gap, until a snapshot is complete."""
        ...

    @property
    def gaps(self) -> int:
        """Gap markers seen."""
        ...

    def update_many(self, events: Events) -> None:
        """Apply events in order."""
        ...

    def best(self) -> tuple[int, int, int, int]:
        """``(bid_px, bid_sz, ask_px, ask_sz)``; a missing side is ``(PX_NONE, 0)``."""
        ...

    def depth(self, levels: int) -> tuple[Int32, Int64, Int32, Int64]:
        """``(bid_px, bid_sz, ask_px, ask_sz)``, each shape (levels,), best first, padded with ``PX_NONE``/0."""
        ...

    def best_after_each(self, events: Events) -> tuple[Int32, Int64, Int32, Int64]:
        """Apply events and return the touch after each one, four arrays of shape (n_events,)."""
        ...


class FeatureEngineProtocol(Protocol):
    """Features over a stream of events. ``FeatureEngine(names, tick_size, point_value, clock, warmup, rlp_sign)``."""

    @property
    def names(self) -> list[str]:
        """Feature names in column order."""
        ...

    @property
    def now_ns(self) -> int:
        """Engine time: the greatest ``ts_event`` seen."""
        ...

    def update(self, event: np.void) -> bool:
        """Apply one event; True when a sample became due (read it with ``take``)."""
        ...

    def update_many(self, events: Events) -> int:
        """Apply events in order; returns how many samples became due."""
        ...

    def take(self) -> tuple[Int64, Float64, Int64]:
        """Hand over the samples due since the last call.

        Times (n,), values (n, n_features), and events applied when each was taken (n,), counted since ``reset``.
        """
        ...

    def snapshot(self) -> Float64:
        """Feature values now, shape (n_features,)."""
        ...

    def reset(self) -> None:
        """Return to the state of a new engine."""
        ...


class VenueProtocol(Protocol):
    """A simulated exchange that fills our orders against recorded events.

    ``Venue(tick_size, point_value, lot, latency_ns, queue, fee)``. Orders sent at time t reach the venue at
    t + latency; events with an earlier time come first.
    """

    def update_many(self, events: Events) -> None:
        """Apply market events in order; our orders that they trade with are filled."""
        ...

    def submit(self, client_id: int, side: int, size: int, type: str, px: int, reduce_only: bool, now_ns: int) -> None:
        """Send an order at ``now_ns``. Raises ``OrderError`` for a malformed order or a repeated id."""
        ...

    def cancel(self, client_id: int, now_ns: int) -> None:
        """Ask to cancel; takes effect after the latency, and loses against an earlier fill."""
        ...

    def take_reports(self) -> list[tuple[int, int, int, str, int, int, int, bool, float]]:
        """Reports since the last call.

        ``(report_id, client_id, ts, status, side, px, size, maker, fee)``; status is one of ``accepted``,
        ``filled`` (once per execution, ``size`` is the executed part), ``cancelled``, ``rejected``.
        """
        ...


class EngineModule(Protocol):
    """What ``quantumtrader._backend.core`` is: ``_core`` or ``_fallback``."""

    __version__: str
    ENGINE: str
    """``rust`` or ``python``."""
