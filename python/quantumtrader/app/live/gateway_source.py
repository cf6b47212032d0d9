"""A session whose library is in a process of its own: a crash there does not end what trades here."""

from __future__ import annotations

from pathlib import Path

from quantumtrader.app.live.session_source import SYNTHETIC, SessionSource
from quantumtrader.execution import OrderGateway
from quantumtrader.profitdll.gateway import GatewayClient, LinkOptions, default_folder
from quantumtrader.types import Instrument

__all__ = ["GatewaySource"]

_RESUME_S = 0.5
"""An order whose answer was lost waits no longer for the link to come back: meanwhile nothing else is looked after."""


class GatewaySource(SessionSource):
    """A running ``quantumtrader gateway``, which has the library and the credentials.

    While it is away no order can leave and the book is void; when it is back the books are sent anew, and the order manager
    reconciles before anything else is sent.

    Parameters
    ----------
    folder : Path, optional
        Where it is; by default the user's.
    day_trade : bool
        Which position of the account is meant.
    disconnected_s : float
        A gateway, or a connection of it, that has been lost for so long is trouble, in seconds.
    """

    def __init__(
        self, folder: Path | None = None, *, day_trade: bool = True, disconnected_s: float = 30.0
    ) -> None:
        self.client = GatewayClient(folder or default_folder(), "run", LinkOptions(resume_s=_RESUME_S))
        super().__init__(self.client, day_trade=day_trade, disconnected_s=disconnected_s)
        self.synthetic = False
        self.name = "profitdll gateway"
        self._told = ""

    def open(self, instrument: Instrument, *, routing: bool) -> None:
        """Connect and subscribe."""
        self.client.initialize()
        self.synthetic = self.client.simulator
        self.name = "profitdll simulator, gateway" if self.synthetic else "profitdll gateway"
        self._told = SYNTHETIC if self.synthetic else ""
        self._subscribe(instrument)

    def gateway(self, account: str) -> OrderGateway:
        """Ask for the right to order; one client has it."""
        return self.client.route_orders(
            account,
            self._instrument.symbol,
            tick_size=self._instrument.tick_size,
            day_trade=self._day_trade,
        )

    def take_news(self) -> list[str]:
        """News of the gateway's session and of the way to it; first of all, whether its market is made."""
        told, self._told = self._told, ""
        return [*filter(None, [told]), *super().take_news()]
