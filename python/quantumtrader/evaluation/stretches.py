"""Stretches of continuous trading: what an interval never reaches across."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantumtrader.types import Events, Kind, Phase

_MARKET = (Kind.TRADE, Kind.QUOTE, Kind.LEVEL, Kind.ORDER)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One uninterrupted piece of continuous trading in one contract.

    Parameters
    ----------
    first, stop : int
        Places in the stream of its first event, and of the first one after it.
    start_ns : int
        When it begins: at its marker, or at the first event of a stream that begins without one.
    end_ns : int
        Engine time of its last trade, quote or book record.
    """

    first: int
    stop: int
    start_ns: int
    end_ns: int


def stretches(events: Events) -> list[Stretch]:
    """Cut a stream at its session markers.

    A stretch begins at ``OPEN``, at ``RESUME`` after an auction or a halt, and at ``ROLL`` while trading; it ends
    where the next one begins and at ``AUCTION``, ``HALT`` and ``CLOSED``. A stream without markers is one stretch.
    Those without a market record are left out.
    """
    if len(events) == 0:
        return []
    times = np.maximum.accumulate(events["ts_event"])
    market = np.flatnonzero(np.isin(events["kind"], _MARKET))
    begins: int | None = 0
    in_session = True
    out: list[Stretch] = []

    def close(stop: int) -> None:
        if begins is None:
            return
        last = int(np.searchsorted(market, stop)) - 1
        if last >= 0 and market[last] >= begins:
            out.append(Stretch(begins, stop, int(times[begins]), int(times[market[last]])))

    for k in np.flatnonzero(events["kind"] == Kind.SESSION).tolist():
        phase = int(events["action"][k])
        goes_on = phase == Phase.RESUME and (begins is not None or not in_session)
        if goes_on or (phase == Phase.ROLL and begins is None):
            continue
        close(k)
        begins = k if phase in (Phase.OPEN, Phase.RESUME, Phase.ROLL) else None
        in_session = phase in (Phase.OPEN, Phase.AUCTION) or (in_session and phase != Phase.CLOSED)
    close(len(events))
    return out
