"""A gateway in processes of its own, as the command line starts it, for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from quantumtrader.exceptions import SessionError
from quantumtrader.profitdll.gateway import GatewayClient, LinkOptions

PACKAGE = Path(__file__).parents[2] / "python"
SECRETS = {
    "ACTIVATION_KEY": "key-83251",
    "USERNAME": "ana",
    "PASSWORD": "pass-40177",
    "SIGNATURE": "sign-99812",
}


def scenario(folder: Path, *, speed: str = "100.0", more: str = "", orders: str = "") -> Path:
    """Write what the simulator plays: a market that moves by itself, a broker that outlives the process."""
    path = folder / "scenario.toml"
    path.write_text(
        f'[market]\nspeed = {speed}\nticker = "WDOX26"\nseed = 5\nmax_events = 400000\n{more}'
        "[strict]\nslow_callback_ms = 1000.0\n"
        f'[orders]\nlatency_ms = 2.0\nstate_file = "{folder / "broker.state"}"\n{orders}'
    )
    return path


class Gateway:
    """The supervisor and its output."""

    def __init__(
        self, folder: Path, *options: str, speed: str = "100.0", more: str = "", orders: str = ""
    ) -> None:
        self.folder = folder / "gw"
        command = [sys.executable, "-m", "quantumtrader", "gateway", "--simulator", "--json"]
        command += ["--folder", str(self.folder), "--scenario"]
        command += [str(scenario(folder, speed=speed, more=more, orders=orders)), *options]
        self.log = (folder / "log").open("ab")
        self.process = subprocess.Popen(
            command,
            env={
                **os.environ,
                "PYTHONPATH": str(PACKAGE),
                **{f"QT_PROFIT__{name}": value for name, value in SECRETS.items()},
            },
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.said: list[str] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                self.said.append(json.loads(line)["text"])
            except ValueError:  # an error's document has several lines
                self.said.append(line)
        self.process.stdout.close()

    def client(self, name: str = "test", **options: Any) -> GatewayClient:
        """Connect, as soon as the gateway is there."""
        end = time.monotonic() + 30
        while True:
            client = GatewayClient(self.folder, name, LinkOptions(**options))
            try:
                client.initialize()
                return client
            except SessionError as error:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise AssertionError(f"{error}; {self.said}; {self.errors()}") from error
                time.sleep(0.05)

    def errors(self) -> str:
        return (self.folder.parent / "log").read_text()

    def wait(self) -> int:
        """Wait for its end."""
        code = self.process.wait(30)
        self._thread.join(5)
        return code

    def close(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.log.close()
        return self.wait()


@contextmanager
def gateway(folder: Path, *options: str, **market: Any) -> Iterator[Gateway]:
    """Run a gateway."""
    running = Gateway(folder, *options, **market)
    try:
        yield running
    finally:
        running.close()


def until(done: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait for something; return what it was."""
    end = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)
    return found


class Standstill:
    """How long the machine itself stood still meanwhile, as a thread saw that wanted to run every few milliseconds.

    What must happen within a second of a running machine may take that much longer on a busy one.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        every = 0.005
        while not self._over.is_set():
            begun = time.perf_counter()
            time.sleep(every)
            self.seconds += max(0.0, time.perf_counter() - begun - 2 * every)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
