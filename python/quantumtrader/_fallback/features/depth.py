"""The first levels of the book, compared from packet to packet."""

from __future__ import annotations

from collections.abc import Callable

from quantumtrader._fallback.features.feed import Addition, Feed
from quantumtrader._fallback.features.touch import Touch

LEVELS = 5
DEPTH = 10

Ladder = tuple[Touch, ...]
"""Level m of both sides as a touch, m = 1, 2, …; a missing level is a missing side."""


def ladder(feed: Feed) -> Ladder:
    """Return the best occupied levels of both sides."""
    assert feed.book is not None
    return tuple(Touch.of(*level) for level in zip(*feed.book._depth(DEPTH), strict=True))


class Depth:
    """Hands the ladders before and after each packet, and what was added in it, to whoever listens.

    ``current`` is kept when ``wanted``; between packets it is the book as of the last one. While listeners to the
    end of a packet run, ``previous`` is the book before it.
    """

    def __init__(self) -> None:
        self.ladder_listeners: list[Callable[[int, Ladder, Ladder], None]] = []
        self.addition_listeners: list[Callable[[int, int], None]] = []
        self.watchers: list[Callable[[int, Ladder | None], None]] = []
        """Hear of the book after every packet, None while the touch is not good."""
        self.wanted = False
        self.current: Ladder | None = None
        self.previous: Ladder | None = None
        self._reference: Ladder | None = None

    def drop_reference(self) -> None:
        """Compare the next ladder with nothing."""
        self._reference = None

    def evaluate(self, t: int, feed: Feed, good: bool) -> None:
        """Take the book at the end of a packet."""
        self.previous = self.current
        self._evaluate(t, feed, good)
        for watcher in self.watchers:
            watcher(t, self.current)

    def _evaluate(self, t: int, feed: Feed, good: bool) -> None:
        additions, feed.additions = feed.additions, []
        if not good:
            self._reference = self.current = None
            return
        if not (self.wanted or self.ladder_listeners or self.addition_listeners):
            return
        before, self.current = self._reference, ladder(feed)
        self._reference = self.current
        if before is not None and before != self._reference:
            for listener in self.ladder_listeners:
                listener(t, before, self._reference)
        added = sum(a.size for a in additions if self._shows(a))
        if added:
            for on_added in self.addition_listeners:
                on_added(t, added)

    def _shows(self, addition: Addition) -> bool:
        assert self._reference is not None
        if addition.side > 0:
            return any(level.bid_px == addition.px for level in self._reference[:LEVELS])
        return any(level.ask_px == addition.px for level in self._reference[:LEVELS])
