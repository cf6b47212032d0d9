"""The events journal of a live session: exactly what the loop has seen, written by a thread of its own."""

from __future__ import annotations

import contextlib
import queue
from pathlib import Path

from quantumtrader.clock import Clock, LiveClock
from quantumtrader.data.journal import JournalHeader, JournalInstrument, JournalWriter
from quantumtrader.exceptions import DataAccessError
from quantumtrader.types import Events, Instrument

__all__ = ["EventRecorder", "write_journal"]

_QUEUED = 1_024
_WAIT_S = 0.05


class EventRecorder:
    """Takes batches from the loop and appends them to a journal.

    Parameters
    ----------
    path : Path
        New file.
    instrument : Instrument
        Of the events.
    source : str
        Where they come from.
    synthetic : bool
        Whether they are made.
    clock : Clock, optional
        Of the journal's own times.
    """

    def __init__(
        self, path: Path, instrument: Instrument, source: str, *, synthetic: bool, clock: Clock | None = None
    ) -> None:
        self._clock = clock or LiveClock()
        self._writer = JournalWriter(path, _header(instrument, source, synthetic, self._clock.now_ns()))
        self._queue: queue.Queue[Events] = queue.Queue(_QUEUED)
        self.failed = ""
        """Why nothing is recorded any more; empty while all is well."""

    @property
    def queued(self) -> int:
        """Batches that wait."""
        return self._queue.qsize()

    def put(self, events: Events) -> None:
        """Hand a batch over; when the disk does not keep up for a second, recording ends."""
        if self.failed:
            return
        try:
            self._queue.put(events, timeout=1.0)
        except queue.Full:
            self.failed = f"the disk does not keep up: {_QUEUED} batches wait to be recorded"

    def work(self) -> None:
        """Write what waits; called again and again by a worker."""
        now = self._clock.now_ns
        with contextlib.suppress(queue.Empty):
            self._write(self._queue.get(timeout=_WAIT_S))
            while True:
                self._write(self._queue.get_nowait())
        if not self.failed:
            try:
                self._writer.tick(now())
            except DataAccessError as error:
                self.failed = str(error)

    def close(self) -> None:
        """Write what is left and close the file."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._write(self._queue.get_nowait())
        try:
            self._writer.close()
        except DataAccessError as error:
            self.failed = self.failed or str(error)

    def _write(self, events: Events) -> None:
        if self.failed:
            return
        try:
            self._writer.append(events, self._clock.now_ns())
        except DataAccessError as error:
            self.failed = str(error)


def write_journal(
    path: Path, events: Events, instrument: Instrument, source: str, *, synthetic: bool
) -> None:
    """Write events that are all there into a journal of their own."""
    now = LiveClock().now_ns()
    writer = JournalWriter(path, _header(instrument, source, synthetic, now))
    writer.append(events, now)
    writer.close()


def _header(instrument: Instrument, source: str, synthetic: bool, now_ns: int) -> JournalHeader:
    return JournalHeader((JournalInstrument.of(0, instrument),), source, synthetic, now_ns)
