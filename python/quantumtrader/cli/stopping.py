"""How commands that go on and on are ended: by a duration, or by a signal."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

_SECONDS = {"s": 1, "m": 60, "h": 3_600}


def seconds(text: str) -> float:
    """Read a duration such as 90s, 30m or 2h."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None or float(match[1]) <= 0:
        raise typer.BadParameter(f"--duration is {text!r}; write 90s, 30m or 2h")
    return float(match[1]) * _SECONDS[match[2] or "s"]


@contextmanager
def stop_signals() -> Iterator[tuple[threading.Event, set[int]]]:
    """Turn the signals that end a process into a wish to stop; a second one ends it at once."""
    stop, caught = threading.Event(), set[int]()

    def handler(number: int, _frame: Any) -> None:
        caught.add(number)
        stop.set()
        signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop, caught
    finally:
        for number, old in before.items():
            signal.signal(number, old)
