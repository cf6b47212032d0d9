"""The feature guard in front of models: which columns of a row no model may see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from quantumtrader.features.guards import FeatureGuard, Reason

__all__ = ["RowGuard"]

_WRONG = np.uint16(0xFFFF ^ int(Reason.WARMUP | Reason.MISSING))


class RowGuard:
    """Judges rows one after the other. What is NaN is for each model to judge: some columns of it may be.

    Parameters
    ----------
    names : sequence of str
        Columns of the rows.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._guard = FeatureGuard(names)

    def observe(
        self, ts: int, row: npt.NDArray[np.float64], inputs: Sequence[int] | npt.NDArray[np.int64] | None
    ) -> dict[str, Reason]:
        """Return the blocked columns, and why.

        Parameters
        ----------
        ts : int
            Sample time, ns UTC.
        row : ndarray of float64, shape (n_features,)
            Values; NaN is missing.
        inputs : sequence of int, shape (4,), or None
            Prints, quote, book and bar records that had arrived when the row was read (``InputCounter``). None where nobody
            counts: a dead feed is then noticed only when the windows have run empty.
        """
        verdict = self._guard.observe(ts, row, inputs)
        codes = verdict.codes & _WRONG
        return {verdict.names[k]: Reason(int(codes[k])) for k in np.flatnonzero(codes)}
