"""Starts the gateway's process, and starts it again when it crashes or hangs: after a pause that grows, and not forever."""

from __future__ import annotations

import logging
import multiprocessing
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from quantumtrader.exceptions import SessionError
from quantumtrader.profitdll.gateway.worker import FATAL, GatewayOptions, work

__all__ = ["RestartLimits", "supervise"]

_log = logging.getLogger(__name__)

_LOOK_S = 0.05
_END_S = 10.0


@dataclass(frozen=True, slots=True)
class RestartLimits:
    """How patient a supervisor is.

    Parameters
    ----------
    most, within_s : int, float
        So many restarts within so many seconds; one more ends the gateway.
    first_s, longest_s : float
        Pause before the first restart of a series, and the longest; each pause doubles the one before.
    hang_s : float
        Seconds without a heartbeat after which the process is killed. Loading orders may take the vendor ten.
    """

    most: int = 10
    within_s: float = 600.0
    first_s: float = 0.2
    longest_s: float = 30.0
    hang_s: float = 20.0


def supervise(
    options: GatewayOptions,
    stop: threading.Event,
    limits: RestartLimits | None = None,
    *,
    say: Callable[[str], None] | None = None,
) -> None:
    """Keep a gateway running until ``stop`` is set.

    Parameters
    ----------
    options : GatewayOptions
        Of the gateway.
    stop : threading.Event
        Set by a signal or another thread.
    limits : RestartLimits, optional
        Patience.
    say : callable, optional
        Takes what a person at the terminal should know.

    Raises
    ------
    SessionError
        It cannot be started, or crashed too often.
    """
    limits = limits or RestartLimits()
    tell = say or _log.info
    context = multiprocessing.get_context("spawn")
    crashes: deque[float] = deque()
    pause = 0.0
    started = False
    while not stop.wait(pause):
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(options, theirs, started), name="quantumtrader-gateway")
        process.start()
        theirs.close()
        begun = time.monotonic()
        up, why = False, ""
        beat = begun + options.session.login_timeout_s
        while not stop.is_set():
            try:
                if ours.poll(_LOOK_S):
                    what, text = ours.recv()
                    beat = time.monotonic()
                    if what == "up":
                        up = started = True
                        tell(f"gateway is up (process {process.pid}) in {options.folder}")
                    elif what == "failed":
                        why = text
            except (EOFError, OSError):  # it has ended
                break
            if time.monotonic() - beat > limits.hang_s:
                why = f"no heartbeat for {limits.hang_s:g} s"
                process.kill()
        ours.close()  # its lifeline: it ends the session in order
        _end(process)
        if stop.is_set():
            tell("gateway has ended")
            return
        why = why or f"it ended with code {process.exitcode}"
        if process.exitcode == FATAL:
            raise SessionError(f"the gateway cannot run: {why}")
        now = time.monotonic()
        if up and now - begun > limits.within_s:
            crashes.clear()
        crashes.append(now)
        while crashes and now - crashes[0] > limits.within_s:
            crashes.popleft()
        if len(crashes) > limits.most:
            raise SessionError(
                f"the gateway crashed {len(crashes)} times in {limits.within_s:g} s and is not started again; last: {why}"
            )
        pause = min(limits.first_s * 2 ** (len(crashes) - 1), limits.longest_s)
        tell(f"gateway crashed ({why}); it is started again in {pause:g} s ({len(crashes)} of {limits.most})")


def _end(process: BaseProcess) -> None:
    process.join(_END_S)
    if process.is_alive():
        process.kill()
        process.join()
