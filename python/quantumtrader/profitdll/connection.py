"""The connection as one explicit state machine, fed with the vendor's state callback.

The library reports four numbers: login, activation, market data, routing. Nothing else says whether it works,
so they are kept together here, with the meaning of each in plain words::

    CLOSED ──initialise──► CONNECTING ──(0,0) (3,0) (2,4)──► CONNECTED ◄──┐
                              │   └──activated, no market──► WAITING ──(2,4)──┤
                              │                                  (2,5) (2,6)──► DEGRADED ──(2,4)──┤
                              └──login or licence refused──► REFUSED         (2,0…3)──► LOST ──(2,4)──┘

Outside trading hours some installations never reach market state 4, so a valid activation is enough to go on
(WAITING); books are valid in CONNECTED and DEGRADED only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from quantumtrader.profitdll.codes import Connection, LoginState, MarketState, RoutingState, describe_state

__all__ = ["ConnectionPhase", "ConnectionState", "Transition"]


class ConnectionPhase(StrEnum):
    """Where the connection is."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    WAITING = "waiting"
    CONNECTED = "connected"
    DEGRADED = "degraded"
    LOST = "lost"
    REFUSED = "refused"

    @property
    def usable(self) -> bool:
        """Whether market data arrive."""
        return self in (ConnectionPhase.CONNECTED, ConnectionPhase.DEGRADED)


_PASSWORD = "`quantumtrader credentials set password`"
_REMEDY: dict[tuple[int, int], str] = {
    (Connection.LOGIN, LoginState.INVALID_LOGIN): "check it with `quantumtrader credentials set username`",
    (Connection.LOGIN, LoginState.WRONG_PASSWORD): f"store it again with {_PASSWORD}",
    (Connection.LOGIN, LoginState.PASSWORD_BLOCKED): "unblock it in Profit or with the broker",
    (
        Connection.LOGIN,
        LoginState.PASSWORD_EXPIRED,
    ): f"set a new one in Profit, then store it with {_PASSWORD}",
    (Connection.LOGIN, LoginState.UNKNOWN): "log in with Profit itself to see the reason",
    (Connection.ACTIVATION, 1): "check the activation key, and that the licence includes the DLL",
}

_BEHIND = (Connection.MARKET, MarketState.PARTIALLY_CONNECTED)
"""Local delivery is behind, and events may be lost."""
_DEGRADED = (MarketState.PERFORMANCE_WARNING, MarketState.PARTIALLY_CONNECTED)
_ROUTING_UP = (RoutingState.CONNECTED, RoutingState.BROKER_CONNECTED)
"""The manual names 2, every client that trades waits for 5: both count."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What changed.

    Parameters
    ----------
    ts : int
        Receive time, ns UTC.
    kind, result : int
        As reported.
    before, after : ConnectionPhase
        Equal when the report does not move the machine.
    routing : bool
        Whether orders can be sent after it.
    regained : bool
        Market data are whole again after something was lost: subscriptions must be made again, for full books.
    text : str
        In plain words, with what to do where there is something to do.
    """

    ts: int
    kind: int
    result: int
    before: ConnectionPhase
    after: ConnectionPhase
    routing: bool
    regained: bool
    text: str

    @property
    def lost(self) -> bool:
        """Market data stopped: every book is void until its next full image."""
        return self.before.usable and not self.after.usable


@dataclass(slots=True)
class ConnectionState:
    """Keeps the four numbers and the phase that they add up to."""

    phase: ConnectionPhase = ConnectionPhase.CLOSED
    opened_ts: int = 0
    """When initialise was called, ns UTC."""
    numbers: dict[int, int] = field(default_factory=dict)
    """Last result of each kind; a kind that was never reported is absent."""
    losses: int = 0
    """How often market data were lost, or may have been (state 6)."""
    _whole: bool = True

    def open(self, ts: int) -> None:
        """Initialise has been called."""
        self.phase, self.opened_ts = ConnectionPhase.CONNECTING, ts
        self.numbers.clear()
        self._whole = True

    def close(self) -> None:
        """Finalise has been called: what is reported from here on is the library's farewell."""
        self.phase = ConnectionPhase.CLOSED

    @property
    def routing(self) -> bool:
        """Whether orders can be sent."""
        return self.numbers.get(Connection.ROUTING) in _ROUTING_UP

    @property
    def activated(self) -> bool:
        """Whether login and licence are valid."""
        return self.numbers.get(Connection.LOGIN) == 0 and self.numbers.get(Connection.ACTIVATION) == 0

    def on_state(self, kind: int, result: int, ts: int) -> Transition:
        """Take one report of the state callback."""
        before = self.phase
        self.numbers[kind] = result
        if before is not ConnectionPhase.CLOSED:
            self.phase = self._next(kind, result)
        doubtful = before.usable and (not self.phase.usable or (kind, result) == _BEHIND)
        if doubtful and self._whole:
            self.losses += 1
            self._whole = False
        regained = (
            not self._whole
            and self.phase.usable
            and (Connection.MARKET, self.numbers[Connection.MARKET]) != _BEHIND
        )
        self._whole |= regained
        text = describe_state(kind, result)
        remedy = _REMEDY.get((kind, result))
        if remedy and before is not ConnectionPhase.CLOSED:  # a farewell is nothing to be remedied
            text = f"{text}; {remedy}"
        return Transition(ts, kind, result, before, self.phase, self.routing, regained, text)

    def _next(self, kind: int, result: int) -> ConnectionPhase:
        if kind == Connection.LOGIN and result != 0 and not self.phase.usable:
            return ConnectionPhase.REFUSED
        if kind == Connection.ACTIVATION and result != 0:
            return ConnectionPhase.REFUSED
        market = self.numbers.get(Connection.MARKET)
        # The activation can be reported after the market; without it nothing is delivered.
        if market == MarketState.CONNECTED and self.activated:
            return ConnectionPhase.CONNECTED
        if market in _DEGRADED and self.activated:
            return ConnectionPhase.DEGRADED
        if self.phase.usable or self.phase is ConnectionPhase.LOST:
            return ConnectionPhase.LOST
        if self.phase is ConnectionPhase.REFUSED and not self.activated:
            return ConnectionPhase.REFUSED
        return ConnectionPhase.WAITING if self.activated else ConnectionPhase.CONNECTING

    def missing(self) -> str:
        """Say what a connection that does not come up is waiting for, and what usually causes it."""
        login = self.numbers.get(Connection.LOGIN)
        activation = self.numbers.get(Connection.ACTIVATION)
        market = self.numbers.get(Connection.MARKET)
        if not self.numbers:
            return (
                "the library reported nothing at all: its state callback is missing or the network is blocked; "
                "run `quantumtrader doctor`"
            )
        if activation is None:
            return "the licence was not confirmed; is the activation key that of this user?"
        if login is None:
            return "the login was not answered; is the vendor's server reachable?"
        if not self.activated:
            return "; ".join(
                describe_state(kind, value)
                for kind, value in ((Connection.LOGIN, login), (Connection.ACTIVATION, activation))
                if value != 0
            )
        if market in (None, MarketState.CONNECTING):
            return (
                "market data stay at 'connecting': another program may be using the same key, a callback may be missing, "
                "or a security program (antivirus, bank module) holds the library back"
            )
        return f"{describe_state(Connection.MARKET, market)}; outside trading hours it may stay there"
