"""Threads that are watched: every one has a heartbeat, can be stopped and joined, and does not fail in silence."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from quantumtrader.clock import Clock, LiveClock

__all__ = ["Worker"]

_log = logging.getLogger(__name__)


class Worker:
    """One thread that does the same thing again and again.

    Parameters
    ----------
    name : str
        Of the thread.
    body : callable
        Called until it returns False or the worker is stopped; its own waits must be short.
    pause_s : float
        Between two calls, in seconds.
    late_s : float
        A call that takes longer counts as late, in seconds.
    clock : Clock, optional
        Of the heartbeat.
    """

    def __init__(
        self,
        name: str,
        body: Callable[[], bool | None],
        *,
        pause_s: float = 0.0,
        late_s: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self.error = ""
        """Why it died; empty while it lives and after a clean end."""
        self._body = body
        self._pause_s = pause_s
        self._late_s = late_s
        self._clock = clock or LiveClock()
        self._beat_ns = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._beat_ns = self._clock.now_ns()
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end after the call that goes on; does not wait."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for its end; returns whether it came."""
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def age_s(self) -> float:
        """Seconds since the last heartbeat."""
        return (self._clock.now_ns() - self._beat_ns) / 1e9

    def trouble(self) -> str:
        """What is wrong with it; empty when nothing is."""
        if self.error:
            return f"{self.name} died: {self.error}"
        if self.alive and not self._stop.is_set() and self.age_s > self._late_s:
            return f"{self.name} has not moved for {self.age_s:.1f} s"
        return ""

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._beat_ns = self._clock.now_ns()
                if self._body() is False:
                    return
                if self._pause_s:
                    self._stop.wait(self._pause_s)
        except Exception as error:  # whatever it is, the supervisor has to hear of it
            _log.exception("%s failed", self.name)
            self.error = f"{type(error).__name__}: {error}"
