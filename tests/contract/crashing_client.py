"""A client that dies at its n-th order message, and the one that comes after it.

Run as a program, from a process without threads: every life is a fork of it. Prints one JSON line per death.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from ctypes import byref
from pathlib import Path
from typing import Any

from contract.order_client import STATUS, OrderClient, routing
from contract.simulator_client import i64

BUY, SELL = 1, 2


def best(client: OrderClient, side: int) -> float:
    """Best price of a side of the true book."""
    return client.true_book("WDOU25", side)[-1][0]


def deeds(client: OrderClient) -> Any:
    """What the client does between steps of the market: orders of every kind, a change, cancels."""
    bid, ask = best(client, 0), best(client, 1)
    first = client.call("SendOrder", byref(client.new(BUY, 3, bid)), result=i64)
    yield
    client.call("SendOrder", byref(client.new(SELL, 2)), result=i64)
    yield
    second = client.call("SendOrder", byref(client.new(SELL, 4, ask)), result=i64)
    yield
    client.change(first, bid - 0.5, 5)
    yield
    client.call("SendOrder", byref(client.new(SELL, 1, ask - 20, ask - 10)), result=i64)
    yield
    client.cancel(second)
    yield
    client.zero()


def first_life(width: int, toml: str, told: Path, death: int) -> None:
    """Trade, write down what is told, and die at the message with this number; 0 lives."""
    log = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    seen = 0

    def message(kind: str, *args: Any) -> None:
        nonlocal seen
        seen += 1
        if kind == "OrderChange":
            fact = [client.read(args[13]), STATUS[client.read(args[14])], args[3]]
            os.write(log, (json.dumps(fact) + "\n").encode())
        if seen == death:
            os.kill(os.getpid(), signal.SIGKILL)

    with routing(width, toml, "OrderChange", "TradingMessageResult", steps=300) as client:
        for kind in ("OrderChange", "TradingMessageResult"):
            client.inside[kind] = lambda *args, kind=kind: message(kind, *args)
        for _ in deeds(client):
            client.step(150)
        while client.step(500):
            pass
    os.write(log, f"{seen}\n".encode())
    os._exit(0)


def second_life(width: int, toml: str, report: Path) -> None:
    """Come back, write down what is there, and live to the end of the session."""
    with routing(width, toml, "OrderChange", "History", steps=0) as client:
        found = client.all_orders()
        position = client.position()[1]
        signed = {1: position.open, 2: -position.open}.get(position.side, 0)
        sides = [client.details(o[0]).side for o in found]
        while client.step(500):
            pass
        last = client.all_orders()
        end = client.position()[1]
        signed_end = {1: end.open, 2: -end.open}.get(end.side, 0)
        facts = {"found": found, "signed": signed, "sides": sides, "last": last, "signed_end": signed_end}
        report.write_text(json.dumps(facts))
    os._exit(0)


def live(life: Any, *args: Any) -> None:
    """One life in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            life(*args)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == 1:
        raise SystemExit(f"{life.__name__} failed")


def main() -> None:
    """Die at every message in turn."""
    width, folder = int(sys.argv[1]), Path(sys.argv[2])
    death, messages = 0, 1
    while death <= messages:
        state, told, report = (folder / f"{name}.{death}" for name in ("state", "told", "report"))
        toml = (
            "[market]\nmax_events = 4000\n[strict]\nslow_callback_ms = 1000.0\n"
            f'[orders]\nlatency_ms = 1.0\nmax_fill = 1\nstate_file = "{state}"\nmark_events = 50\n'
        )
        live(first_life, width, toml, told, death)
        lines = [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
        if death == 0:
            messages = lines.pop()
        live(second_life, width, toml, report)
        line = json.dumps({"death": death, "told": lines, **json.loads(report.read_text())})
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        death += 1


if __name__ == "__main__":
    main()
