"""ProfitDLL in a process of its own: a crash of the library, or of what decides, does not take the other down.

The gateway (``supervise``, ``quantumtrader gateway``) has the library; market data leave it through a ring in a mapped file,
everything else through a local socket. Clients (:class:`GatewayClient`, :class:`RemoteOrderGateway`) have the doors of the
session and of the order gateway. See ``docs/concepts/gateway.md``.
"""

from quantumtrader.profitdll.gateway.client import GatewayClient
from quantumtrader.profitdll.gateway.folder import GatewayFolder, default_folder
from quantumtrader.profitdll.gateway.link import LinkOptions
from quantumtrader.profitdll.gateway.order_door import ClientLost
from quantumtrader.profitdll.gateway.orders import RemoteOrderGateway
from quantumtrader.profitdll.gateway.supervisor import RestartLimits, supervise
from quantumtrader.profitdll.gateway.worker import GatewayOptions

__all__ = [
    "ClientLost",
    "GatewayClient",
    "GatewayFolder",
    "GatewayOptions",
    "LinkOptions",
    "RemoteOrderGateway",
    "RestartLimits",
    "default_folder",
    "supervise",
]
