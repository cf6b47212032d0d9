"""How far back features look: what the embargo between test and training must cover."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from quantumtrader.features.catalogue import catalogue
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.training.spans import Spans

__all__ = ["BAR_NS", "LookBack", "decided_ns", "longest_window", "look_backs", "named"]

BAR_NS = 60 * 10**9
"""Bars of features that are made from prints, ns."""
_WINDOW = re.compile(r"(?:τ = |event, held )?(\d+) (× 5 min bar|bars?|sessions?|min|s)\b")
_UNIT_NS = {"s": 10**9, "min": 60 * 10**9, "× 5 min bar": 300 * 10**9}
_SESSIONS = {"vpin_50": 6, "vpin_bvc_50": 6}
"""Fifty buckets are the mean volume of one session, and their size is of the five sessions before."""
_TOLD = 6


@dataclass(frozen=True, slots=True)
class LookBack:
    """How far back one feature looks.

    Averages that never forget count by their window and their warm-up.

    Parameters
    ----------
    ns : int
        Time of trading, ns.
    sessions : int
        Earlier sessions that a row can know of; 0 where the feature starts anew with each session.
    daily : bool
        Whether its window is counted in sessions.
    """

    ns: int
    sessions: int
    daily: bool = False


def look_backs(manifest: FeatureManifest, bar_ns: int, session_ns: float) -> dict[str, LookBack]:
    """Return how far back each column looks.

    Columns of earlier rows (``name@k``) stay within the session, and so reach over no more sessions than the feature.

    Parameters
    ----------
    manifest : FeatureManifest
        Columns; one that is no feature of the catalogue, such as a score, looks back on nothing here.
    bar_ns : int
        Length of a bar of the features, ns.
    session_ns : float
        How long a session is traded, ns.
    """
    known = {entry.name: entry for entry in catalogue()}
    found = {}
    for name, feature in zip(manifest.names, manifest.features, strict=True):
        entry = known.get(feature.partition("@")[0])
        if entry is None:
            continue
        daily = entry.name in _SESSIONS or "session" in entry.window
        if entry.name in _SESSIONS:
            length = _SESSIONS[entry.name] * session_ns
        else:
            length = _window_ns(entry.window, entry.warmup_items or 0, bar_ns, session_ns)
            length = max(length, entry.warmup_ns or 0)
        anew = entry.reset == "session" or entry.window == "state"
        found[name] = LookBack(int(length), 0 if anew else math.ceil(length / session_ns), daily)
    return found


def longest_window(found: Iterable[LookBack]) -> int:
    """Return the longest look-back that is not counted in sessions, ns; 0 without any."""
    return max((one.ns for one in found if not one.daily), default=0)


def _window_ns(window: str, items: int, bar_ns: int, session_ns: float) -> float:
    match = _WINDOW.match(window)
    count, unit = (int(match[1]), match[2]) if match else (0, "")
    if unit.startswith("session"):
        return count * session_ns
    if unit in _UNIT_NS:
        return count * _UNIT_NS[unit]
    if unit.startswith("bar"):
        return max(count, items) * bar_ns
    if window == "session":
        return max(session_ns, items * bar_ns)
    return items * bar_ns if window == "recursion" else 0


def decided_ns(spans: Spans, least: int = 1) -> float:
    """Return the median time from the first decision of a session to its last, ns; at least ``least``."""
    first = np.searchsorted(spans.session, spans.sessions)
    last = np.searchsorted(spans.session, spans.sessions, "right") - 1
    return float(max(np.median(spans.t0[last] - spans.t0[first]), least))


def named(names: Iterable[str]) -> str:
    """Return some names as text, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - _TOLD} more" if len(every) > _TOLD else ""
    return ", ".join(every[:_TOLD]) + more
