"""Bucket size of VPIN: a fiftieth of the mean daily volume (Easley, López de Prado and O'Hara, 2012)."""

from __future__ import annotations

from collections.abc import Sequence

from quantumtrader._records import prints
from quantumtrader.exceptions import EmptyDataError
from quantumtrader.features.fit.segments import Range, Segments
from quantumtrader.types import Events

__all__ = ["BUCKETS", "SessionVolumes", "bucket_size"]

BUCKETS = 50
"""Buckets of a day of mean volume."""


class SessionVolumes:
    """Volume of each session of a stream that comes in parts; unsigned prints count."""

    def __init__(self) -> None:
        self.range = Range()
        self._segments = Segments()
        self._volume: dict[int, int] = {}
        self._span: dict[int, tuple[int, int]] = {}

    def add(self, events: Events) -> None:
        """Take the next part of the stream."""
        self.range.add(events)
        counts, _ = prints(events)
        now, segments = self._segments.cut(events)
        for segment in segments:
            here, number = slice(segment.first, segment.last), segment.session
            traded = now[here][counts[here]]
            if len(traded):
                volume = int(events["size"][here][counts[here]].sum(dtype="i8"))
                self._volume[number] = self._volume.get(number, 0) + volume
                first, _ = self._span.get(number, (int(traded[0]), 0))
                self._span[number] = first, int(traded[-1])

    @property
    def lengths_s(self) -> list[float]:
        """Seconds from the first trade to the last of each session that traded, in order."""
        return [(last - first) / 1e9 for first, last in self._span.values()]

    @property
    def volumes(self) -> list[int]:
        """Contracts of each session that traded, in order."""
        return list(self._volume.values())


def bucket_size(volumes: Sequence[int]) -> int:
    """Return V* in contracts: ⌊mean volume of the sessions / 50⌋, at least 1.

    Parameters
    ----------
    volumes : sequence of int
        Contracts of each session; those without volume do not count, as in the engine.

    Raises
    ------
    EmptyDataError
        If no session has traded.

    Examples
    --------
    >>> bucket_size([5_000, 0, 10_000])
    150
    """
    traded = [volume for volume in volumes if volume > 0]
    if not traded:
        raise EmptyDataError("no session has a trade: there is no volume to take a mean of")
    return max(1, sum(traded) // (len(traded) * BUCKETS))
