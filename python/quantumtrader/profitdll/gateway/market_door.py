"""What clients may ask of the market side of the session: tickers, history, names. All clients share one session."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from quantumtrader.exceptions import SessionError
from quantumtrader.profitdll.gateway.folder import GatewayFolder
from quantumtrader.profitdll.gateway.frames import Message
from quantumtrader.profitdll.orders import accounts
from quantumtrader.profitdll.session import ConnectionManagerV4
from quantumtrader.profitdll.subscriptions import Books, subscribe, tick_size_of, unsubscribe
from quantumtrader.types import Events

__all__ = ["MarketDoor"]

_PIECE = 1 << 15
"""Records of history in one answer: 2 MiB."""


class MarketDoor:
    """Carries out the requests that send no order.

    Parameters
    ----------
    session : ConnectionManagerV4
        Initialised.
    folder : GatewayFolder
        Keeps which ticker has which number in the ring.
    continued : bool
        Whether the ring was there before.
    """

    def __init__(self, session: ConnectionManagerV4, folder: GatewayFolder, *, continued: bool) -> None:
        self._session, self._folder, self._continued = session, folder, continued
        self._lock = threading.Lock()
        self._wanted: dict[str, set[str]] = {}
        self._rows: list[dict[str, Any]] = []
        self._history_of = ""
        self._pieces: deque[Events] = deque()
        self._doors: dict[str, Callable[[str, Message], tuple[Message, bytes]]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "history": self._history,
            "take_history": self._take_history,
            "agent_name": self._agent_name,
            "server_time": lambda _, __: ({"ts": session.server_time_ns()}, b""),
            "counters": lambda _, __: ({"counters": session.feed.counters()}, b""),
            "accounts": lambda _, __: ({"accounts": [str(a) for a in accounts(session)]}, b""),
        }

    def restore(self, *, ask: bool) -> None:
        """Give the tickers of the ring their numbers again, and after a crash ask for those that were subscribed."""
        rows = self._folder.read_rows(self._folder.instruments) if self._continued else []
        for row in rows:
            self._session.reserve_ticker(row["ticker"], exchange=row["exchange"], tick_size=row["tick_size"])
            row["subscribed"] = row["subscribed"] and ask
            self._rows.append(row)
            if row["subscribed"]:
                self._session.subscribe_ticker(
                    row["ticker"], exchange=row["exchange"], books=row["books"], tick_size=row["tick_size"]
                )

    def carry_out(self, client: str, do: str, fields: Message) -> tuple[Message, bytes]:
        """Do what a client asks; returns the answer and raw bytes that go with it."""
        with self._lock:
            return self._doors[do](client, fields)

    def forget(self, client: str) -> None:
        """A client is gone. Its tickers stay subscribed: the next one goes on with them."""
        with self._lock:
            for wanting in self._wanted.values():
                wanting.discard(client)

    def _subscribe(self, client: str, fields: Message) -> tuple[Message, bytes]:
        session, name = self._session, fields["ticker"].strip().upper()
        there = session.subscriptions.get(name)
        books = _both(there.books if there else Books.NONE, Books(fields["books"]))
        tick = tick_size_of(name) if fields["tick_size"] is None else fields["tick_size"]
        if there is None or there.books is not books:
            session.subscriptions.pop(name, None)
            session.subscribe_ticker(name, exchange=fields["exchange"], books=books, tick_size=tick)
        given = session.subscriptions[name]
        self._wanted.setdefault(name, set()).add(client)
        if given.index == len(self._rows):
            self._rows.append({"ticker": name, "exchange": given.exchange, "tick_size": tick})
        self._rows[given.index].update(books=given.books.value, subscribed=True)
        self._folder.write_rows(self._folder.instruments, self._rows)
        others = any(wanting - {client} for wanting in self._wanted.values())
        image = there is None or (fields["image"] and not others)
        if there is not None and image:
            self._renew()
        answer = {
            "index": given.index,
            "exchange": given.exchange,
            "books": given.books.value,
            "invalid": given.invalid,
            "image": image,
        }
        return answer, b""

    def _renew(self) -> None:
        """Have every book sent anew, for a client that comes in the middle. The gap tells what that costs."""
        session = self._session
        there = [s for s in session.subscriptions.values() if not s.invalid]
        for subscription in there:
            unsubscribe(session.library, subscription)
        session.feed.mark_gap()
        for subscription in there:
            subscribe(session.library, subscription)

    def _unsubscribe(self, client: str, fields: Message) -> tuple[Message, bytes]:
        name = fields["ticker"].strip().upper()
        wanting = self._wanted.get(name, set())
        wanting.discard(client)
        if not wanting:
            index = self._session.subscriptions[name].index if name in self._session.subscriptions else None
            self._session.unsubscribe_ticker(name)
            if index is not None:
                self._rows[index]["subscribed"] = False
                self._folder.write_rows(self._folder.instruments, self._rows)
        return {"ended": not wanting}, b""

    def _history(self, client: str, fields: Message) -> tuple[Message, bytes]:
        days = self._session.request_historical_data(
            fields["ticker"], fields["start"], fields["end"], exchange=fields["exchange"]
        )
        self._history_of = client
        self._pieces.clear()
        return {"days": days}, b""

    def _take_history(self, client: str, _: Message) -> tuple[Message, bytes]:
        if client != self._history_of:
            raise SessionError("this client requested no history, or another one has requested some since")
        error, complete = "", False
        try:
            complete = self._session.wait_for_historical_data(0)
        except SessionError as failed:
            error = str(failed)
        for events in self._session.take_history():
            self._pieces.extend(events[at : at + _PIECE] for at in range(0, len(events), _PIECE))
        piece = self._pieces.popleft().tobytes() if self._pieces else b""
        done, total = self._session.history_progress
        left = len(self._pieces)
        return {"done": done, "total": total, "complete": complete, "error": error, "left": left}, piece

    def _agent_name(self, _: str, fields: Message) -> tuple[Message, bytes]:
        return {"name": self._session.agent_name(fields["agent"], short=fields["short"])}, b""


def _both(one: Books, other: Books) -> Books:
    """What serves two clients of one ticker."""
    if one is other or other is Books.NONE:
        return one
    return other if one is Books.NONE else Books.BOTH
