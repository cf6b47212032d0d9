"""The interface that both engines implement: the compiled ``_core`` and the numpy twin ``_fallback``.

Both modules export these names with these signatures, raise the same errors with the same messages, and
return the same numbers; ``tests/parity`` holds them to it. Everything above the engines is written once,
against this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from quantumtrader.types import Events

Int8 = npt.NDArray[np.int8]
UInt8 = npt.NDArray[np.uint8]
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

    def depth_after_each(self, events: Events, levels: int) -> tuple[Int32, Int64, Int32, Int64]:
        """Apply events and return the levels after each one, four arrays of shape (n_events, levels)."""
        ...


class FeatureEngineProtocol(Protocol):
    """Features over a stream of events.

    ``FeatureEngine(names, tick_size, point_value, clock="event", warmup="full", rlp_sign="drop",
    session_seconds=None, fitted=None, detect=None, settings=None)``: the scheduled length of the continuous session,
    None where it is not known; what was fitted off the hot path (``quantumtrader.types.Fitted``); the kinds of
    detections to collect, and the thresholds of detectors that differ from the defaults, both declared in
    ``_generated/detectors.json``.
    """

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

    def take_detections(self) -> tuple[Int64, UInt8, Int8, Float64, Float64, Int64, Float64]:
        """Hand over the detections since the last call, by the time at which they became certain.

        Times, codes of kinds, sides, scores, confidences, prices in ticks, all (n,), and evidence (n, 6).
        """
        ...

    @property
    def dropped(self) -> int:
        """What detectors dropped because a table was full."""
        ...

    def snapshot(self) -> Float64:
        """Feature values now, shape (n_features,)."""
        ...

    def footprint(self) -> tuple[Int32, Int64, Int64, Int64]:
        """Price rows of the last closed five-minute bar, from the lowest up: price, bought, sold, total volume.

        Empty before the first bar, where it had no print, and where no feature reads footprints.
        """
        ...

    def reset(self) -> None:
        """Return to the state of a new engine."""
        ...


class IndicatorProtocol(Protocol):
    """An indicator over any numbers: ``Indicator(name, *parameters)``.

    ``sma``, ``ema``, ``wilder`` (n); ``rsi`` (n=14); ``atr`` (n=14, over high, low and close); ``macd``,
    ``macd_signal``, ``macd_hist`` (fast=12, slow=26, signal=9). Seeded as TA-Lib does. Raises ``ConfigError`` for a
    name that is not known and for parameters that cannot be. A number that is not finite makes every value NaN until
    ``reset``: nothing is bridged. Pickles as its configuration.
    """

    def __init__(self, name: str, /, *parameters: int) -> None: ...

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def parameters(self) -> tuple[int, ...]:
        """Its parameters, defaults included."""
        ...

    @property
    def value(self) -> float:
        """The value after the last step; NaN until warm."""
        ...

    def update(self, x: float, low: float | None = None, close: float | None = None, /) -> float:
        """Take one number, or high, low and close; returns the value, NaN until warm."""
        ...

    def update_many(
        self, x: npt.ArrayLike, low: npt.ArrayLike | None = None, close: npt.ArrayLike | None = None, /
    ) -> Float64:
        """Take many steps, the same as one by one; returns the value after each, shape (n,)."""
        ...

    def reset(self) -> None:
        """Return to the state of a new indicator."""
        ...


Report = tuple[int, int, int, str, int, int, int, bool, float, str]
"""``(report_id, client_id, ts, status, side, px, size, maker, fee, reason)``; see ``VenueProtocol.take_reports``."""


class VenueProtocol(Protocol):
    """A simulated exchange that fills our orders against recorded events; rules in ``docs/concepts/venue.md``.

    ``Venue(tick_size, point_value, lot=1, latency_ns=0, queue="pessimistic", fee=0.0, adverse_ticks=1)``.
    An order sent at time t reaches the venue at t + latency; events with an earlier time come first.
    ``queue`` is ``pessimistic``, ``proportional`` or ``exact``; ``fee`` is money per contract and side;
    ``adverse_ticks`` is what a market order pays where no displayed size is known (trades only, bars).
    """

    @property
    def now_ns(self) -> int:
        """Engine time: the greatest ``ts_event`` seen; the least int64 before the first event."""
        ...

    @property
    def position(self) -> int:
        """Signed contracts that the fills so far add up to."""
        ...

    @property
    def fidelity(self) -> str:
        """What fills rest on: ``none``, ``bar``, ``trade``, ``touch``, ``book`` or ``orders``; only ever rises."""
        ...

    def update(self, event: np.void) -> None:
        """Apply one market event."""
        ...

    def update_many(self, events: Events) -> None:
        """Apply market events in order; our orders that they trade with are filled."""
        ...

    def advance(self, until_ns: int) -> None:
        """Let time pass without an event: orders and cancels that arrive by ``until_ns`` are handled."""
        ...

    def submit(
        self,
        client_id: int,
        side: int,
        size: int,
        type: str,
        px: int,
        reduce_only: bool,
        now_ns: int,
        limit_px: int = ...,
    ) -> None:
        """Send an order at ``now_ns``.

        ``type`` is ``market``, ``limit``, ``stop`` or ``stop_limit``. ``px`` is the limit or the trigger in ticks,
        ``PX_NONE`` for market orders; ``limit_px`` is the limit of a triggered ``stop_limit``, ``PX_NONE`` otherwise.
        Raises ``OrderError`` for a malformed order (side, size, type, price), a repeated id, or a ``now_ns``
        before the venue's time. What an exchange would refuse comes back as a ``rejected`` report.
        """
        ...

    def cancel(self, client_id: int, now_ns: int) -> None:
        """Ask to cancel; takes effect after the latency, and loses against an earlier fill."""
        ...

    def is_armed(self, client_id: int) -> bool:
        """Whether this order is a stop that has not been triggered."""
        ...

    def take_reports(self) -> list[Report]:
        """Reports since the last call, in order.

        ``(report_id, client_id, ts, status, side, px, size, maker, fee, reason)``. Status is one of
        ``accepted``, ``filled`` (once per execution, ``size`` is the executed part), ``cancelled`` (``size`` is
        what was left), ``rejected`` (the order never worked), ``cancel_rejected`` (the cancel found nothing to
        cancel; the order's own state is unchanged). ``reason`` is empty unless the venue acted by itself.
        """
        ...

    def best(self) -> tuple[int, int, int, int]:
        """Recorded touch ``(bid_px, bid_sz, ask_px, ask_sz)``; a missing side is ``(PX_NONE, 0)``."""
        ...


class ReplayProtocol(Protocol):
    """Steps a venue through an event array: ``Replay(events, venue)``. The cheap door for event loops."""

    @property
    def cursor(self) -> int:
        """Events applied so far; the next one is ``events[cursor]``."""
        ...

    def advance(self, until_ns: int) -> int:
        """Apply the events with engine time <= ``until_ns``, then let time pass to it; returns the cursor."""
        ...

    def advance_to(self, count: int) -> int:
        """Apply events until ``count`` of the array have been applied; returns the cursor."""
        ...

    def every(self, step_ns: int) -> Iterator[tuple[int, int, int, int, int]]:
        """Iterate over the rest of the array in steps of engine time: the cheapest loop.

        Yields ``(now_ns, bid_px, bid_sz, ask_px, ask_sz)`` after every event with time <= ``now_ns``, until the
        array is used up. Raises ``ConfigError`` when ``step_ns`` is not positive.
        """
        ...


class Pack(Protocol):
    """Makes records out of columns; see :func:`quantumtrader._records.pack_events`."""

    def __call__(
        self, out: Events, places: Int64, template: Events | np.void, columns: dict[str, npt.NDArray[Any]], /
    ) -> None: ...


class EngineModule(Protocol):
    """What ``quantumtrader._backend.core`` is: ``_core`` or ``_fallback``."""

    __version__: str
    ENGINE: str
    """``rust`` or ``python``."""
    FeatureEngine: Callable[..., FeatureEngineProtocol]
    Indicator: Callable[..., IndicatorProtocol]
    L2Book: Callable[[], BookProtocol]
    OrderBook: Callable[[], BookProtocol]
    Venue: Callable[..., VenueProtocol]
    Replay: Callable[..., ReplayProtocol]
    generate_session: Callable[..., Events]
    pack_events: Pack
