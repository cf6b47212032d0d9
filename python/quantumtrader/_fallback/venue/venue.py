"""The venue: events and orders in, reports out."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from quantumtrader._fallback.venue.bars import Bars
from quantumtrader._fallback.venue.order import Working
from quantumtrader._fallback.venue.records import (
    ACTION,
    BAR,
    CLOSED,
    DELETE,
    FLAGS,
    KIND,
    LEVEL,
    MORE,
    ORDER,
    PX,
    RECV,
    ROLL,
    SEQ,
    SESSION,
    SIDE,
    TRADE,
    TS,
    Row,
    rows,
)
from quantumtrader.exceptions import OrderError, UnsortedEventsError
from quantumtrader.types import EVENT, PX_NONE, Events

__all__ = ["Venue"]

_TYPES = ("market", "limit", "stop", "stop_limit")


class Venue(Bars):
    """A simulated exchange that fills our orders against recorded events.

    Parameters
    ----------
    tick_size : float
        Points per tick.
    point_value : float
        Money per point and contract.
    lot : int
        Orders are multiples of this many contracts.
    latency_ns : int
        From sending an order or a cancel to the venue handling it, ns.
    queue : str
        ``pessimistic``, ``proportional`` or ``exact``: which cancels come from ahead of us.
    fee : float
        Money per contract and side.
    adverse_ticks : int
        Ticks that a taker pays where no displayed size is known.

    Raises
    ------
    ConfigError
        If an argument is out of range.
    """

    # ---- events

    def update(self, event: np.void) -> None:
        """Apply one market event."""
        dtype = getattr(event, "dtype", None)
        if dtype != EVENT or event.size != 1:
            got = dtype if dtype is not None else type(event)
            raise ValueError(f"an event must be one record of quantumtrader.EVENT, got {got}")
        for row in rows(np.asarray(event).reshape(1)):
            self._apply(row, 0)

    def update_many(self, events: Events) -> None:
        """Apply market events in order."""
        for index, row in enumerate(rows(events)):
            self._apply(row, index)

    def advance(self, until_ns: int) -> None:
        """Let time pass without an event: orders and cancels that arrive by ``until_ns`` are handled."""
        if not self._in_packet and self._pending and self._pending[0][0] <= until_ns:
            self._arrivals(until_ns)

    def _apply(self, row: Row, index: int) -> None:
        for name, value, after in (
            ("ts_recv", row[RECV], self._recv),
            ("sequence", row[SEQ], self._sequence),
        ):
            if value < after:
                raise UnsortedEventsError(
                    f"{name} runs backwards at event {index}: {value} after {after}",
                    remedy="Sort the events by ts_recv and sequence",
                )
        self._recv, self._sequence = row[RECV], row[SEQ]
        now = max(self.now_ns, row[TS])
        self.advance(now)
        self.now_ns = now
        self._in_packet = bool(row[FLAGS] & MORE)
        kind = row[KIND]
        if kind == TRADE:
            self._on_trade(row)
        elif kind == BAR:
            self._on_bar(row)
        else:
            if kind == SESSION:
                self._on_session(row[ACTION])
            self._mark_changed(row)
            if kind == ORDER and self._model == "exact":
                self._on_order_exact(row)
            else:
                self._depth.apply(row)
        if not self._in_packet and (self._working or self._taken):
            self._end_packet()

    def _mark_changed(self, row: Row) -> None:
        one_level = row[KIND] == LEVEL and row[ACTION] <= DELETE
        for w in self._working:
            w.changed |= not one_level or (row[PX] == w.px and row[SIDE] == w.side)

    def _on_session(self, phase: int) -> None:
        if phase in (CLOSED, ROLL):
            reason = "session closed" if phase == CLOSED else "contract roll"
            for w in self._working:
                self._end(w, reason, self.now_ns)
            self._working.clear()
            self._taken.clear()
            self._last_px = PX_NONE
        if phase == ROLL:
            self._roll()
        else:
            self._phase = phase

    def _roll(self) -> None:
        """Let nothing that was meant for the old contract trade in the new one; the depth empties itself."""
        self.position = 0
        pending, self._pending = self._pending, []
        for arrival, action in pending:
            if isinstance(action, Working) and action.sent <= self.now_ns:
                self._report(action, self.now_ns, "rejected", action.px, action.size, False, "contract roll")
            else:
                self._pending.append((arrival, action))

    def _end_packet(self) -> None:
        self._refresh_taken()
        for w in self._working:
            if not w.changed:
                continue
            w.changed = False
            if w.state != "resting":
                continue
            ahead = self._exact_ahead(w) if self._by_id else None
            if ahead is not None:
                w.queue.on_orders(ahead, self.now_ns)
            else:
                w.queue.on_shown(self._depth.shown(w.side, w.px), self._model, self.now_ns)
        self._match_book(self.now_ns)
        self._sweep_done()

    def _refresh_taken(self) -> None:
        """Forget what was taken of a level as far as the level no longer displays it."""
        for (side, px), size in list(self._taken.items()):
            displayed = self._depth.shown(side, px)
            if displayed is not None and displayed < size:
                if displayed > 0:
                    self._taken[side, px] = displayed
                else:
                    del self._taken[side, px]

    # ---- orders in

    def submit(
        self,
        client_id: int,
        side: int,
        size: int,
        type: str,
        px: int,
        reduce_only: bool,
        now_ns: int,
        limit_px: int = PX_NONE,
    ) -> None:
        """Send an order at ``now_ns``; raises ``OrderError`` when it is malformed."""
        if type not in _TYPES:
            raise OrderError(
                f'order {client_id}: type "{type}" is not known; '
                'use "market", "limit", "stop" or "stop_limit"'
            )
        if side not in (1, -1):
            raise OrderError(f"order {client_id}: side is {side}, expected 1 (buy) or -1 (sell)")
        if size <= 0:
            raise OrderError(f"order {client_id}: size is {size}, expected a positive number")
        if (type == "market") != (px == PX_NONE):
            raise OrderError(f"order {client_id}: a {type} order with price {px}")
        if (type == "stop_limit") != (limit_px != PX_NONE):
            raise OrderError(f"order {client_id}: a {type} order with limit {limit_px}")
        self._in_time(client_id, now_ns)
        if client_id in self._known:
            raise OrderError(f"order {client_id}: this id has been used before")
        self._known.add(client_id)
        order = Working(
            int(client_id),
            int(side),
            int(size),
            str(type),
            int(px),
            bool(reduce_only),
            int(now_ns),
            int(limit_px),
        )
        self._send(now_ns, order)

    def cancel(self, client_id: int, now_ns: int) -> None:
        """Ask to cancel an order at ``now_ns``."""
        self._in_time(client_id, now_ns)
        self._send(now_ns, client_id)

    def is_armed(self, client_id: int) -> bool:
        """Whether this order is a stop that has not been triggered."""
        return any(w.client_id == client_id and w.state == "armed" for w in self._working)

    def _in_time(self, client_id: int, now_ns: int) -> None:
        if now_ns < self.now_ns:
            raise OrderError(
                f"order {client_id}: sent at {now_ns}, before the venue's time {self.now_ns}; "
                "send before applying later events"
            )

    def _send(self, now_ns: int, action: Working | int) -> None:
        arrival = now_ns + self._latency
        at = bisect_right(self._pending, arrival, key=lambda p: p[0])
        self._pending.insert(at, (arrival, action))

    def _arrivals(self, until: int) -> None:
        due = [p for p in self._pending if p[0] <= until]
        self._pending = self._pending[len(due) :]
        for arrival, action in due:
            ts = max(arrival, self.now_ns)
            if isinstance(action, Working):
                self._arrive(action, ts)
            else:
                self._arrive_cancel(action, ts)
            self._sweep_done()

    def _arrive(self, w: Working, ts: int) -> None:
        if w.size % self._lot != 0:
            refused = "not a multiple of the lot"
        elif self._phase == CLOSED:
            refused = "market closed"
        elif w.reduce_only and self._reducible(w.side) == 0:
            refused = "nothing to reduce"
        else:
            refused = ""
        self._report(w, ts, "rejected" if refused else "accepted", w.px, w.size, False, refused)
        if refused:
            return
        w.left, w.arrived = w.size, ts
        if w.type in ("stop", "stop_limit"):
            if self._last_px != PX_NONE and w.triggers(self._last_px):
                w.trigger()
            else:
                w.state = "armed"
        self._working.append(w)
        self._match_book(ts)

    def _arrive_cancel(self, client_id: int, ts: int) -> None:
        for w in self._working:
            if w.client_id == client_id and w.state != "done":
                self._end(w, "", ts)
                return
        reason = "order is not working" if client_id in self._known else "unknown order"
        nobody = Working(client_id, 0, 0, "market", PX_NONE, False, ts)
        self._report(nobody, ts, "cancel_rejected", PX_NONE, 0, False, reason)
