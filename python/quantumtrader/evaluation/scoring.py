"""Detections against labelled episodes: found, missed, false, late.

>>> episodes = [Episode("sweep", 1, 100, 200, 150)]
>>> score(episodes, [found("sweep", 1, 151), found("sweep", 1, 900)], hours=0.5, tolerance_ns=10).precision.share
0.5
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quantumtrader.features import Detection
from quantumtrader.types import PX_NONE

_Z = 1.959963984540054
"""Two-sided 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Episode:
    """Something that is known to have happened.

    Parameters
    ----------
    kind : str
        Detection that should tell of it.
    side : int
        Side of that detection; 0 matches any.
    start_ns, end_ns : int
        When it went on, ns UTC, both included.
    ready_ns : int
        When it was complete: the delay of a detection counts from here.
    px : tuple of int
        Rows that it was on; empty matches any.
    """

    kind: str
    side: int
    start_ns: int
    end_ns: int
    ready_ns: int
    px: tuple[int, ...] = ()

    def fits(self, detection: Detection, tolerance_ns: int) -> bool:
        """Whether a detection may tell of it."""
        return (
            detection.kind == self.kind
            and (not self.side or detection.side == self.side)
            and self.start_ns <= detection.ts <= self.end_ns + tolerance_ns
            and (not self.px or detection.px in self.px)
        )


def found(kind: str, side: int, ts: int, px: int = PX_NONE) -> Detection:
    """Return a bare detection."""
    return Detection(ts, kind, side, 1.0, 1.0, px, {})


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a small number of cases with its 95 % interval (Wilson, 1927).

    Parameters
    ----------
    hits, of : int
        How many of how many.
    share, low, high : float
        NaN, 0 and 1 of no cases.
    """

    hits: int
    of: int
    share: float
    low: float
    high: float


def wilson(hits: int, of: int) -> Share:
    """Return a share with its Wilson interval."""
    if of == 0:
        return Share(0, 0, math.nan, 0.0, 1.0)
    p, z2 = hits / of, _Z * _Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    # At the ends the interval is exact: rounding must not leave 0.9999999 of it.
    low = 0.0 if hits == 0 else middle - half
    high = 1.0 if hits == of else middle + half
    return Share(hits, of, p, low, high)


@dataclass(frozen=True, slots=True)
class Score:
    """How well detections tell of episodes.

    Parameters
    ----------
    recall : Share
        Episodes that a detection told of.
    precision : Share
        Detections that told of an episode, of those that did or that told of nothing known; repetitions are left out.
    duplicates : int
        Detections that told again of an episode already told of.
    median_delay_ms, p90_delay_ms : float
        From an episode's completion to its first detection, ms; negative where it was told before. NaN of none.
    false_per_hour : float
        Detections that tell of nothing known, per hour; NaN without a duration.
    hours : float
        Time that was watched.
    """

    recall: Share
    precision: Share
    duplicates: int
    median_delay_ms: float
    p90_delay_ms: float
    false_per_hour: float
    hours: float


def match(
    episodes: Sequence[Episode], detections: Iterable[Detection], tolerance_ns: int = 0
) -> tuple[dict[int, Detection], list[Detection], list[Detection]]:
    """Give each episode at most one detection, each detection at most one episode.

    In the order of time a detection goes to the fitting free episode that ends first. One that fits only taken
    episodes is a repetition.

    Returns
    -------
    matched : dict of int to Detection
        By place of the episode.
    repeated, other : list of Detection
        Repetitions, and what fits no episode.
    """
    order = sorted(range(len(episodes)), key=lambda k: (episodes[k].end_ns, episodes[k].start_ns))
    matched: dict[int, Detection] = {}
    repeated, other = [], []
    for d in sorted(detections, key=lambda d: d.ts):
        fitting = [k for k in order if episodes[k].fits(d, tolerance_ns)]
        free = next((k for k in fitting if k not in matched), None)
        if free is not None:
            matched[free] = d
        elif fitting:
            repeated.append(d)
        else:
            other.append(d)
    return matched, repeated, other


def score(
    episodes: Sequence[Episode],
    detections: Iterable[Detection],
    *,
    hours: float,
    tolerance_ns: int = 0,
) -> Score:
    """Score detections against all episodes that there are.

    Parameters
    ----------
    episodes : sequence of Episode
        What happened.
    detections : iterable of Detection
        Those of other kinds than the episodes count as false.
    hours : float
        Time watched, for the rate.
    tolerance_ns : int
        How long after its end an episode may be told of.
    """
    matched, repeated, other = match(episodes, detections, tolerance_ns)
    delays = sorted((d.ts - episodes[k].ready_ns) / 1e6 for k, d in matched.items())
    return Score(
        wilson(len(matched), len(episodes)),
        wilson(len(matched), len(matched) + len(other)),
        len(repeated),
        _quantile(delays, 0.5),
        _quantile(delays, 0.9),
        len(other) / hours if hours > 0 else math.nan,
        hours,
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile, linear between neighbours."""
    if not ordered:
        return math.nan
    place = share * (len(ordered) - 1)
    k = min(int(place), len(ordered) - 2) if len(ordered) > 1 else 0
    rest = place - k
    return ordered[k] + (rest * (ordered[k + 1] - ordered[k]) if rest else 0.0)
