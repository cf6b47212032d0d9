"""How the splits divided the sessions: the picture that shows whether a test could have been seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.training.spans import Spans
from quantumtrader.training.splits import CombinatorialPurged, Split, Splitter

__all__ = ["PARTS", "SplitPicture", "split_picture"]

PARTS = ("train", "purged", "embargoed", "test")


@dataclass(frozen=True, slots=True)
class SplitPicture:
    """Rows by split, session and part.

    Parameters
    ----------
    scheme : str
        Name of the splitter.
    sessions : ndarray of int64, shape (sessions,)
        Dates as days since 1970.
    rows : ndarray of int64, shape (splits, sessions, 4)
        Rows in each of ``PARTS``. What a rolling window leaves aside is in none.
    """

    scheme: str
    sessions: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


def split_picture(splitter: Splitter, spans: Spans) -> SplitPicture:
    """Divide ``spans`` once more, and count."""
    sessions = spans.sessions
    place = np.searchsorted(sessions, spans.session)
    everything = isinstance(splitter, CombinatorialPurged)
    table = [
        [np.bincount(place[rows], minlength=len(sessions)) for rows in _parts(split, spans, everything)]
        for split in splitter.split(spans)
    ]
    counts = np.array(table, np.int64).reshape(-1, len(PARTS), len(sessions)).transpose(0, 2, 1)
    return SplitPicture(type(splitter).__name__, sessions, np.ascontiguousarray(counts))


def _parts(split: Split, spans: Spans, everything: bool) -> list[npt.NDArray[np.int64]]:
    used = np.zeros(len(spans), np.bool_)
    used[split.train] = used[split.test] = True
    # Sessions that are tested one after another are one block, from its first decision to its last look.
    tested = np.isin(spans.sessions, spans.session[split.test])
    edges = np.flatnonzero(np.diff(np.concatenate(([0], tested.astype(np.int8), [0]))))
    purged = np.zeros(len(spans), np.bool_)
    for begin, end in edges.reshape(-1, 2).tolist():
        block = (spans.session >= spans.sessions[begin]) & (spans.session <= spans.sessions[end - 1])
        purged |= spans.intersects(int(spans.t0[block].min()), int(spans.t1[block].max()))
    purged &= ~used
    window = np.ones(len(spans), np.bool_)
    if not everything:  # a rolling window: what lies before and after it is not embargoed but unused
        chosen = np.flatnonzero(used)
        window[: chosen[0]] = window[chosen[-1] + 1 :] = False
    return [split.train, np.flatnonzero(purged), np.flatnonzero(window & ~used & ~purged), split.test]
