"""Checkpoints: what a book looked like at one event, so that a book rebuilt later can be held against it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from quantumtrader.types import PX_NONE, Events, Kind, Side

__all__ = ["BOOK_KINDS", "Books", "BooksFactory", "Checkpoint", "RecordedBook", "take"]

TOP = 5
"""Levels per side that a checkpoint spells out."""
_ALL = 4_096
"""Levels per side that go into the digest."""

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

BOOK_KINDS = {Kind.LEVEL: "level", Kind.ORDER: "order"}
"""Kinds of records that make a book, and the name of that book."""


class RecordedBook(Protocol):
    """A book of either engine; the caller brings it, because this room knows no engine."""

    @property
    def valid(self) -> bool:
        """False after a gap, until a snapshot is complete."""
        ...

    @property
    def rejected(self) -> int:
        """Records left out because they make no sense."""
        ...

    def update_many(self, events: Events) -> None:
        """Apply events in order."""
        ...

    def depth(self, levels: int) -> tuple[Int32, Int64, Int32, Int64]:
        """``(bid_px, bid_sz, ask_px, ask_sz)``, best first, padded."""
        ...

    def best_after_each(self, events: Events) -> tuple[Int32, Int64, Int32, Int64]:
        """Apply events and return ``(bid_px, bid_sz, ask_px, ask_sz)`` after each one."""
        ...


Books = dict[Kind, RecordedBook]
"""A fresh book for each kind in ``BOOK_KINDS``."""
BooksFactory = Callable[[], Books]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A book after one event.

    Parameters
    ----------
    symbol : str
        The instrument.
    book : str
        ``level`` or ``order``.
    sequence : int
        Of the last event of the instrument that had been applied.
    valid : bool
        Whether the book could be used; an invalid one shows nothing.
    digest : str
        Of every level, and in a book by order of every order in its priority.
    bids, asks : tuple of (px, size)
        The best levels, for people: ticks and contracts.
    """

    symbol: str
    book: str
    sequence: int
    valid: bool
    digest: str
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]

    def as_line(self) -> dict[str, Any]:
        """Return the fields of the sidecar's line."""
        return asdict(self)

    @classmethod
    def of_line(cls, line: dict[str, Any]) -> Self:
        """Read a line of the sidecar."""
        return cls(
            str(line["symbol"]),
            str(line["book"]),
            int(line["sequence"]),
            bool(line["valid"]),
            str(line["digest"]),
            tuple((int(px), int(size)) for px, size in line["bids"]),
            tuple((int(px), int(size)) for px, size in line["asks"]),
        )


def take(book: RecordedBook, kind: Kind, symbol: str, sequence: int) -> Checkpoint:
    """Describe a book as it is now."""
    bid_px, bid_sz, ask_px, ask_sz = book.depth(_ALL)
    sides = [_shown(bid_px, bid_sz), _shown(ask_px, ask_sz)]
    digest = hashlib.blake2b(digest_size=16)
    for px, size in sides:
        digest.update(b"|" + px.tobytes() + size.tobytes())
    if orders := getattr(book, "orders", None):
        for side in (Side.BUY, Side.SELL):
            digest.update(b"/" + b"".join(column.tobytes() for column in orders(int(side))))
    bids, asks = (tuple(zip(px[:TOP].tolist(), size[:TOP].tolist(), strict=True)) for px, size in sides)
    return Checkpoint(symbol, BOOK_KINDS[kind], sequence, book.valid, digest.hexdigest(), bids, asks)


def _shown(px: Int32, size: Int64) -> tuple[Int32, Int64]:
    n = int((px != PX_NONE).sum())
    return px[:n], size[:n]
