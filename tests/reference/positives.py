"""The scripted patterns of the detectors, one after another in one stream."""

from __future__ import annotations

import numpy as np

from quantumtrader.evaluation.scripts import SECOND, cases
from quantumtrader.types import Action, Events, Kind, Phase
from reference.flows import as_events


def positives(feed: str) -> Events:
    """One script of each kind and side that the feed can show, each in a session of its own with an empty book."""
    chosen = {}
    for case in cases():
        if case.positive and case.feed == feed:
            chosen.setdefault((case.kind, case.side), case)
    parts: list[Events] = []
    begin = 1_700_000_000 * SECOND
    book = Kind.LEVEL if feed == "levels" else Kind.ORDER
    for k, case in enumerate(chosen.values()):
        script = case.build().timer(SECOND).events()
        moved = begin - int(script["ts_event"].min()) + SECOND
        for stamp in ("ts_event", "ts_recv"):
            script[stamp] += moved
        script["id"][script["kind"] == Kind.ORDER] += k * 1_000_000
        opening = as_events(
            [
                {"kind": Kind.SESSION, "action": Phase.OPEN, "ts_event": begin, "ts_recv": begin},
                {"kind": book, "action": Action.CLEAR, "ts_event": begin, "ts_recv": begin},
            ]
        )
        parts += [opening, script]
        begin = int(script["ts_event"].max()) + 60 * SECOND
    events = np.concatenate(parts)
    events["sequence"] = np.arange(1, len(events) + 1)
    return np.ascontiguousarray(events)
