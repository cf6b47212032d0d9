"""One event as plain integers, and the codes that the venue compares: enum members are slow per event."""

from __future__ import annotations

from typing import TypeAlias

from quantumtrader._fallback.records import checked
from quantumtrader.types import Action, Events, Flag, Kind, Phase

Row: TypeAlias = tuple[int, ...]
"""One event as plain integers, in the order of the fields of ``EVENT``."""

TS, RECV, SEQ, ID, PX, PX_ASK, SIZE, SIZE_ASK, A, B, _, FLAGS, KIND, ACTION, SIDE, _ = range(16)
TRADE, QUOTE, LEVEL, ORDER = int(Kind.TRADE), int(Kind.QUOTE), int(Kind.LEVEL), int(Kind.ORDER)
SESSION, GAP, BAR = int(Kind.SESSION), int(Kind.GAP), int(Kind.BAR)
MORE, AUCTION, RLP, CROSS = int(Flag.MORE), int(Flag.AUCTION), int(Flag.RLP), int(Flag.CROSS)
SNAPSHOT, HIDDEN, NO_PRINT = int(Flag.SNAPSHOT), int(Flag.HIDDEN), int(Flag.CANCELLED | Flag.EDITED)
INFERRED = int(Flag.SIDE_INFERRED)
ADD, DELETE = int(Action.ADD), int(Action.DELETE)
CLOSED, OPEN, RESUME, ROLL = int(Phase.CLOSED), int(Phase.OPEN), int(Phase.RESUME), int(Phase.ROLL)


def rows(events: Events) -> list[Row]:
    """Return the events as tuples."""
    out: list[Row] = checked(events).tolist()
    return out
