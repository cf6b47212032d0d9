"""The only splits there are: purged by span, with an embargo, on whole sessions.

A training row whose label looks into the test period, or whose features remember it, has seen the answer. So
rows whose span intersects the test period are purged, and rows that follow it within the embargo are left out
(López de Prado, 2018, "Advances in financial machine learning", chapters 7 and 12). There is no shuffled and
no unpurged split in this package.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Protocol

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.spans import Spans

__all__ = ["CombinatorialPurged", "PurgedWalkForward", "Split", "Splitter"]

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Split:
    """One division of the samples.

    Parameters
    ----------
    number : int
        0, 1, … in the order of the splitter.
    train, test : ndarray of int64
        Rows, ascending, without one in common.
    groups : tuple of int
        Test groups of a combinatorial split; the fold of a walk-forward one.
    purged, embargoed : int
        Rows that are in neither part, by reason.
    """

    number: int
    train: Int64
    test: Int64
    groups: tuple[int, ...]
    purged: int
    embargoed: int


class Splitter(Protocol):
    """Divides samples into training and test rows."""

    def split(self, spans: Spans) -> Iterator[Split]:
        """Yield the splits of ``spans``."""
        ...


@dataclass(frozen=True, slots=True)
class PurgedWalkForward:
    """A rolling window of sessions to train on, the next ones to test: how a model would have been deployed.

    Parameters
    ----------
    train_sessions, test_sessions : int
        Lengths of the window and of the step, in sessions.
    embargo_sessions : int
        Sessions between the two that neither uses.
    embargo_ns : int
        At least this much time between them as well: the longest look-back of a feature that crosses
        sessions, and the label's horizon.
    """

    train_sessions: int = 120
    test_sessions: int = 5
    embargo_sessions: int = 1
    embargo_ns: int = 0

    def __post_init__(self) -> None:
        _check_embargo(self.embargo_sessions, self.embargo_ns)
        if min(self.train_sessions, self.test_sessions) < 1:
            raise ConfigError(
                f"walk-forward: {self.train_sessions} training and {self.test_sessions} test sessions, "
                "expected at least one of each"
            )

    def split(self, spans: Spans) -> Iterator[Split]:
        """Yield the folds, oldest first; the last may test fewer sessions.

        Raises
        ------
        ConfigError
            There are too few sessions for one fold.
        """
        sessions = spans.sessions
        needed = self.train_sessions + self.embargo_sessions + 1
        if len(sessions) < needed:
            raise ConfigError(
                f"walk-forward needs {needed} sessions ({self.train_sessions} to train, {self.embargo_sessions} between, "
                f"1 to test), there are {len(sessions)}"
            )
        begins = range(self.train_sessions + self.embargo_sessions, len(sessions), self.test_sessions)
        for number, begin in enumerate(begins):
            first = begin - self.embargo_sessions - self.train_sessions
            window = sessions[first : begin - self.embargo_sessions]
            train = np.isin(spans.session, window)
            test = np.isin(spans.session, sessions[begin : begin + self.test_sessions])
            yield _divide(spans, number, train, [test], (number,), sessions, 0, self.embargo_ns)


@dataclass(frozen=True, slots=True)
class CombinatorialPurged:
    """Every choice of test groups among contiguous groups of sessions.

    ``C(groups, test_groups)`` splits; each session is tested in ``C(groups - 1, test_groups - 1)`` of them,
    and the tests make up as many complete out-of-sample paths, see :meth:`paths`.

    Parameters
    ----------
    groups, test_groups : int
        10 and 2 give 45 splits and 9 paths (ticks); 6 and 2 give 15 and 5 (book).
    embargo_sessions, embargo_ns : int
        What is left out after each test block, as in :class:`PurgedWalkForward`.
    """

    groups: int = 10
    test_groups: int = 2
    embargo_sessions: int = 1
    embargo_ns: int = 0

    def __post_init__(self) -> None:
        _check_embargo(self.embargo_sessions, self.embargo_ns)
        if not 1 <= self.test_groups < self.groups:
            raise ConfigError(
                f"combinatorial split: {self.test_groups} test groups of {self.groups}, expected at least one and not all"
            )

    @property
    def count(self) -> int:
        """Number of splits."""
        return comb(self.groups, self.test_groups)

    @property
    def path_count(self) -> int:
        """Number of complete out-of-sample paths."""
        return comb(self.groups - 1, self.test_groups - 1)

    def groups_of(self, spans: Spans) -> Int64:
        """Return the group of every sample: contiguous sessions, sizes that differ by at most one session.

        Raises
        ------
        ConfigError
            There are fewer sessions than groups.
        """
        sessions = spans.sessions
        if len(sessions) < self.groups:
            raise ConfigError(
                f"combinatorial split: {len(sessions)} sessions do not make {self.groups} groups; record more, or use fewer"
            )
        group = np.arange(len(sessions)) * self.groups // len(sessions)
        return group[np.searchsorted(sessions, spans.session)]

    def split(self, spans: Spans) -> Iterator[Split]:
        """Yield the splits in lexical order of their test groups."""
        group = self.groups_of(spans)
        sessions = spans.sessions
        for number, chosen in enumerate(combinations(range(self.groups), self.test_groups)):
            blocks = [np.isin(group, block) for block in _adjacent(chosen)]
            train = ~np.logical_or.reduce(blocks)
            yield _divide(
                spans, number, train, blocks, chosen, sessions, self.embargo_sessions, self.embargo_ns
            )

    def paths(self) -> Int64:
        """Return which split tests which group on which path.

        Returns
        -------
        ndarray of int64, shape (paths, groups)
            Number of the split. Each pair of split and group is in exactly one path.
        """
        table = np.empty((self.path_count, self.groups), np.int64)
        used = [0] * self.groups
        for number, chosen in enumerate(combinations(range(self.groups), self.test_groups)):
            for g in chosen:
                table[used[g], g] = number
                used[g] += 1
        return table


def _adjacent(chosen: tuple[int, ...]) -> list[list[int]]:
    """Join neighbouring groups into blocks."""
    blocks: list[list[int]] = []
    for g in chosen:
        if blocks and blocks[-1][-1] == g - 1:
            blocks[-1].append(g)
        else:
            blocks.append([g])
    return blocks


def _divide(
    spans: Spans,
    number: int,
    train: npt.NDArray[np.bool_],
    blocks: list[npt.NDArray[np.bool_]],
    groups: tuple[int, ...],
    sessions: Int64,
    embargo_sessions: int,
    embargo_ns: int,
) -> Split:
    purged, embargoed = np.zeros(len(spans), np.bool_), np.zeros(len(spans), np.bool_)
    for test in blocks:
        # From the first decision to the last look of the block: also what lies between two of its samples.
        first, last = int(spans.t0[test].min()), int(spans.t1[test].max())
        purged |= spans.intersects(first, last)
        after = np.searchsorted(sessions, spans.session[test].max()) + 1
        embargoed |= np.isin(spans.session, sessions[after : after + embargo_sessions])
        embargoed |= (spans.t0 > last) & (spans.t0 <= last + embargo_ns)
        # What a training row's label sees within the embargo before the test, the test's features remember.
        embargoed |= (spans.t1 < first) & (spans.t1 >= first - embargo_ns) & (embargo_ns > 0)
    kept = train & ~purged & ~embargoed
    rows = np.logical_or.reduce(blocks)
    return Split(
        number,
        np.flatnonzero(kept),
        np.flatnonzero(rows),
        groups,
        int((train & purged).sum()),
        int((train & embargoed & ~purged).sum()),
    )


def _check_embargo(sessions: int, ns: int) -> None:
    if sessions < 0 or ns < 0:
        raise ConfigError(f"embargo: {sessions} sessions and {ns} ns, expected 0 or more")
