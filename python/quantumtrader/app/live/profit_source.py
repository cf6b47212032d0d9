"""A session with the library, or with the simulator, in this process."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from quantumtrader.app.live.session_source import SessionSource
from quantumtrader.execution import OrderGateway
from quantumtrader.profitdll.credentials import Credentials
from quantumtrader.profitdll.session import ConnectionManagerV4, SessionOptions
from quantumtrader.profitdll.simulator import step
from quantumtrader.types import Events, Instrument

__all__ = ["ProfitSource"]

_STEP = 64
"""Market events between two turns of a market in lockstep."""


class ProfitSource(SessionSource):
    """A session with ProfitDLL or its simulator.

    Parameters
    ----------
    dll_path : Path or None
        None takes the simulator.
    options : SessionOptions
        How the session behaves.
    credentials : Credentials
        For the login; the simulator takes any.
    day_trade : bool
        Which position of the account is meant.
    native : bool, optional
        Whether callbacks land in Rust.
    disconnected_s : float
        A connection that has been lost for so long is trouble, in seconds.
    """

    def __init__(
        self,
        dll_path: Path | None,
        options: SessionOptions,
        credentials: Credentials,
        *,
        day_trade: bool = True,
        native: bool | None = None,
        disconnected_s: float = 30.0,
    ) -> None:
        self.session = ConnectionManagerV4(dll_path, options, native=native)
        super().__init__(self.session, day_trade=day_trade, disconnected_s=disconnected_s)
        self._credentials = credentials
        self._tell(dll_path is None)
        self._lockstep = False
        self._ended = self._drained = False

    def open(self, instrument: Instrument, *, routing: bool) -> None:
        """Log in and subscribe."""
        given, session = self._credentials, self.session
        if self.synthetic:
            given = self._credentials = Credentials(
                given.username or "user",
                given.activation_key or "key",
                given.password or "password",
                given.signature or "signature",
            )
        session.initialize(given.activation_key, given.username, given.password, routing=routing)
        self._tell(session.library.is_simulator)
        self._lockstep = self.synthetic and _is_lockstep(session.options.scenario)
        self._subscribe(instrument)

    @property
    def over(self) -> bool:
        """Whether a market in lockstep has ended, and everything of it was read."""
        return self._drained

    def gateway(self, account: str) -> OrderGateway:
        """Return the gateway of an account."""
        return self.session.route_orders(
            account,
            self._instrument.symbol,
            tick_size=self._instrument.tick_size,
            signature=self._credentials.signature,
            day_trade=self._day_trade,
        )

    def poll(self) -> None:
        """Let the session work; in lockstep it does so in ``read``, so that nothing depends on threads."""
        if not self._lockstep:
            super().poll()

    def _next(self) -> Events:
        """Read what is new; a market in lockstep goes on by a few events first."""
        if self._lockstep:
            self._ended = self._ended or step(self.session.library, _STEP) == 0
            self.session.poll()
        events = self._read()
        self._drained = self._ended and not len(events)
        return events

    def _tell(self, synthetic: bool) -> None:
        self.synthetic = synthetic
        self.name = "profitdll simulator" if synthetic else "profitdll"


def _is_lockstep(scenario: str) -> bool:
    market: Any = tomllib.loads(scenario).get("market", {})
    return bool(market.get("speed", "lockstep") == "lockstep")
