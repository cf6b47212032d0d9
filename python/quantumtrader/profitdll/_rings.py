"""The rings of the feed in Python: bounded deques of records, one per reader."""

from __future__ import annotations

from collections import deque
from threading import Lock
from weakref import ref

import numpy as np

from quantumtrader.exceptions import ConfigError
from quantumtrader.types import EVENT, Events

Record = tuple[int, ...]
"""The fields of ``EVENT`` in order."""

SEQUENCE = 2
"""Place of the sequence number in a record; it is the record's number in the ring."""


class Ring:
    """Keeps the newest records, and hands each one to every reader that somebody still holds."""

    def __init__(self, capacity: int) -> None:
        if not 2 <= capacity <= 1 << 32 or capacity & (capacity - 1):
            raise ConfigError(f"ring capacity is {capacity}, expected a power of two from 2 to 2^32")
        self.pushed = 0
        self._held: deque[Record] = deque(maxlen=capacity)
        self._waiting: list[ref[deque[Record]]] = []

    def push(self, record: Record) -> None:
        """Append a record whose sequence number is ``pushed``."""
        self._held.append(record)
        self.pushed += 1
        for reader in self._waiting:
            waiting = reader()
            if waiting is not None:
                waiting.append(record)

    def reader(self, lock: Lock) -> RingReader:
        """Return a reader that starts with the oldest record held; ``lock`` keeps records from coming meanwhile."""
        with lock:
            waiting = self._held.copy()
            self._waiting = [reader for reader in self._waiting if reader() is not None]
            self._waiting.append(ref(waiting))
            return RingReader(self, waiting, self.pushed - len(waiting))


class RingReader:
    """A reading end with a cursor of its own."""

    def __init__(self, ring: Ring, waiting: deque[Record], first: int) -> None:
        self._ring = ring
        self._waiting = waiting
        self._next = first
        self._behind_a_loss: Record | None = None

    @property
    def behind(self) -> int:
        """Events that are there and not read yet, those lost by a lap included."""
        return self._ring.pushed - self._next

    def read(self, max: int = 65536) -> tuple[Events, int]:
        """Return at most ``max`` events, and how many were lost before the first of them. Does not wait."""
        records: list[Record] = []
        lost = 0
        while len(records) < max:
            record = self._behind_a_loss
            self._behind_a_loss = None
            if record is None:
                try:
                    record = self._waiting.popleft()
                except IndexError:
                    break
            missing = record[SEQUENCE] - self._next
            if missing and records:
                self._behind_a_loss = record  # told by the next call
                break
            lost += missing
            self._next = record[SEQUENCE] + 1
            records.append(record)
        return np.array(records, EVENT), lost

    def skip_to_end(self) -> None:
        """Skip everything that is there."""
        self._behind_a_loss = None
        self._waiting.clear()
        self._next = self._ring.pushed
