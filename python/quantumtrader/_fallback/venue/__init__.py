"""A simulated exchange in plain Python; the twin of ``crates/qt-venue``, file by file.

The rules are those of ``docs/concepts/venue.md``. Everything is integers but the fee.
"""

from quantumtrader._fallback.venue.replay import Replay
from quantumtrader._fallback.venue.venue import Venue

__all__ = ["Replay", "Venue"]
