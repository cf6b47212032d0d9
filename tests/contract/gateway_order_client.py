"""A client in a process of its own: gives orders, says so, and waits to be killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from quantumtrader.gateway import OrderRef, OrderStage, OrderTicket
from quantumtrader.profitdll.gateway import GatewayClient, RemoteOrderGateway
from quantumtrader.types import OrderType, Side


def main() -> None:
    """Hold one contract with its stop and target, and two entries that wait."""
    client = GatewayClient(Path(sys.argv[1]), "victim")
    client.initialize()
    client.subscribe_ticker("WDOX26")
    orders = RemoteOrderGateway(client, "WDOX26", 0.5)
    entry = orders.send(OrderTicket(Side.BUY, 1, OrderType.MARKET))
    while (d := orders.details(OrderRef(entry))) is None or d.stage is not OrderStage.FILLED:
        time.sleep(0.01)
    px = round(d.average_px)
    sent = [
        orders.send(OrderTicket(Side.SELL, 1, OrderType.STOP, px - 320, px - 300)),
        orders.send(OrderTicket(Side.SELL, 1, OrderType.LIMIT, px + 300)),
        orders.send(OrderTicket(Side.BUY, 1, OrderType.LIMIT, px - 300)),
        orders.send(OrderTicket(Side.BUY, 2, OrderType.LIMIT, px - 301)),
    ]
    for local_id in sent:
        while (d := orders.details(OrderRef(local_id))) is None or not d.ref.cl_ord_id:
            time.sleep(0.01)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    time.sleep(600)


if __name__ == "__main__":
    main()
