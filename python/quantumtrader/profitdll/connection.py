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
from enum import IntEnum, StrEnum

__all__ = ["ConnectionPhase", "ConnectionState", "StateKind", "Transition", "explain_state"]


class StateKind(IntEnum):
    """First argument of the state callback."""

    LOGIN = 0
    ROUTING = 1
    MARKET = 2
    ACTIVATION = 3


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


_MEANING: dict[tuple[int, int], str] = {
    (0, 0): "logged in",
    (0, 1): "the login is not valid",
    (0, 2): "the password is wrong",
    (0, 3): "the password is blocked",
    (0, 4): "the password has expired",
    (0, 200): "the login failed for a reason that the vendor does not name",
    (1, 0): "the order routing is disconnected",
    (1, 1): "the order routing is connecting",
    (1, 2): "the order routing is connected",
    (1, 3): "the broker is disconnected",
    (1, 4): "the broker is connecting",
    (1, 5): "the broker is connected",
    (2, 0): "market data are disconnected",
    (2, 1): "market data are connecting",
    (2, 2): "market data wait for the login",
    (2, 3): "market data are not logged in",
    (2, 4): "market data are connected",
    (2, 5): "the server reports poor performance",
    (2, 6): "local delivery is behind: events may be lost",
    (3, 0): "the licence is valid",
    (3, 1): "the licence is not valid",
}

_REMEDY: dict[tuple[int, int], str] = {
    (0, 1): "check the user name in [profit] username",
    (0, 2): "store the password again with `quantumtrader credentials set`",
    (0, 3): "unblock it in Profit or with the broker",
    (0, 4): "set a new one in Profit, then store it with `quantumtrader credentials set`",
    (0, 200): "log in with Profit itself to see the reason",
    (3, 1): "check the activation key, and that the licence includes the DLL",
}

_ROUTING_UP = (2, 5)
"""The manual names 2, every client that trades waits for 5: both count."""


def explain_state(kind: int, result: int) -> str:
    """Say in plain words what a pair of the state callback means."""
    known = _MEANING.get((kind, result))
    if known is not None:
        return known
    if kind == StateKind.ACTIVATION:
        return f"the licence is not valid (code {result})"
    name = StateKind(kind).name.lower() if kind in StateKind._value2member_map_ else f"state {kind}"
    return f"{name} reports {result}, which is not documented"


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
        return self.numbers.get(StateKind.ROUTING) in _ROUTING_UP

    @property
    def activated(self) -> bool:
        """Whether login and licence are valid."""
        return self.numbers.get(StateKind.LOGIN) == 0 and self.numbers.get(StateKind.ACTIVATION) == 0

    def on_state(self, kind: int, result: int, ts: int) -> Transition:
        """Take one report of the state callback."""
        before = self.phase
        self.numbers[kind] = result
        if before is not ConnectionPhase.CLOSED:
            self.phase = self._next(kind, result)
        doubtful = before.usable and (not self.phase.usable or (kind, result) == (StateKind.MARKET, 6))
        if doubtful and self._whole:
            self.losses += 1
            self._whole = False
        regained = not self._whole and self.phase.usable and self.numbers[StateKind.MARKET] != 6
        self._whole |= regained
        text = explain_state(kind, result)
        remedy = _REMEDY.get((kind, result))
        if remedy:
            text = f"{text}; {remedy}"
        return Transition(ts, kind, result, before, self.phase, self.routing, regained, text)

    def _next(self, kind: int, result: int) -> ConnectionPhase:
        if kind == StateKind.LOGIN and result != 0 and not self.phase.usable:
            return ConnectionPhase.REFUSED
        if kind == StateKind.ACTIVATION and result != 0:
            return ConnectionPhase.REFUSED
        market = self.numbers.get(StateKind.MARKET)
        # The activation can be reported after the market; without it nothing is delivered.
        if market == 4 and self.activated:
            return ConnectionPhase.CONNECTED
        if market in (5, 6) and self.activated:
            return ConnectionPhase.DEGRADED
        if self.phase.usable or self.phase is ConnectionPhase.LOST:
            return ConnectionPhase.LOST
        if self.phase is ConnectionPhase.REFUSED and not self.activated:
            return ConnectionPhase.REFUSED
        return ConnectionPhase.WAITING if self.activated else ConnectionPhase.CONNECTING

    def missing(self) -> str:
        """Say what a connection that does not come up is waiting for, and what usually causes it."""
        login = self.numbers.get(StateKind.LOGIN)
        activation = self.numbers.get(StateKind.ACTIVATION)
        market = self.numbers.get(StateKind.MARKET)
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
                explain_state(kind, value)
                for kind, value in ((StateKind.LOGIN, login), (StateKind.ACTIVATION, activation))
                if value != 0
            )
        if market in (None, 1):
            return (
                "market data stay at 'connecting': another program may be using the same key, a callback may be missing, "
                "or a security program (antivirus, bank module) holds the library back"
            )
        return f"{explain_state(StateKind.MARKET, market)}; outside trading hours it may stay there"
