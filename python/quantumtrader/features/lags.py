"""Columns of earlier rows: ``cvd_session@3`` is ``cvd_session`` three rows before, within the same session.

A model with a memory reads a stretch of rows. With these columns each row holds its own stretch, computed while
streaming like any other column, so data sets, golden events and live trading get it in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from quantumtrader._protocols import Float64, Int64
from quantumtrader.exceptions import ConfigError
from quantumtrader.types import Instrument

__all__ = ["MOST_ROWS", "LaggedRows", "lagged", "split_lag"]

MOST_ROWS = 10_000
"""Rows back, at most."""
_NAME = re.compile(r"(.+)@([1-9]\d{0,5})")


def split_lag(name: str) -> tuple[str, int]:
    """Return a column's feature, and how many rows back it looks: 0 for a name without ``@``."""
    found = _NAME.fullmatch(name)
    return (name, 0) if found is None else (found[1], int(found[2]))


def lagged(names: Sequence[str], rows: int | Iterable[int]) -> tuple[str, ...]:
    """Return the columns that hold a stretch of rows, row by row from the newest.

    Parameters
    ----------
    names : sequence of str
        Features.
    rows : int or iterable of int
        How many rows, the newest counted; or which, as rows back (0 is the newest): ``(0, 1, 2, 4, 8, 16)`` spans
        17 rows with six.

    Raises
    ------
    ConfigError
        If there are none, one comes twice, or one is negative or too far back.

    Examples
    --------
    >>> lagged(["ret_1", "delta_1m"], 2)
    ('ret_1', 'delta_1m', 'ret_1@1', 'delta_1m@1')
    """
    steps = tuple(range(rows)) if isinstance(rows, int) else tuple(rows)
    if not (steps and names) or len(set(steps)) != len(steps) or min(steps) < 0 or max(steps) > MOST_ROWS:
        raise ConfigError(
            f"{len(names)} features of rows {steps[:8]} back: expected at least one of each, every row once, "
            f"0 to {MOST_ROWS}"
        )
    return tuple(f"{name}@{k}" if k else name for k in steps for name in names)


class LaggedRows:
    """Makes the columns of a row from those of it and of rows before it.

    Memory is the rows of the greatest lag.

    Parameters
    ----------
    columns : ndarray of int64, shape (n_columns,)
        Place of each column's feature in a row of the engine.
    lags : ndarray of int64, shape (n_columns,)
        Rows back of each column.
    instrument : Instrument
        Says to which session a row belongs.
    """

    def __init__(self, columns: Int64, lags: Int64, instrument: Instrument) -> None:
        if lags.max() > MOST_ROWS:
            raise ConfigError(f"a column looks {lags.max()} rows back, at most {MOST_ROWS} are kept")
        self._columns, self._instrument = columns, instrument
        self._places = {int(lag): np.flatnonzero(lags == lag) for lag in np.unique(lags)}
        self._depth = int(lags.max())
        self.reset()

    def reset(self) -> None:
        """Forget all rows."""
        self._past: Float64 | None = None
        self._sessions = np.empty(0, np.int64)

    def expand(self, times: Int64, values: Float64, *, keep: bool = True) -> Float64:
        """Return the columns of the rows that follow those of the last call.

        Parameters
        ----------
        times : ndarray of int64, shape (n,)
            ns UTC.
        values : ndarray of float64, shape (n, n_features)
            Rows of the engine.
        keep : bool
            Whether they become the past of the next call.

        Returns
        -------
        ndarray of float64, shape (n, n_columns)
            NaN where the session had no row so far back.
        """
        from quantumtrader.data.sessions import session_days

        n = len(values)
        rows = values if self._past is None else np.concatenate((self._past, values))
        sessions = np.concatenate((self._sessions, session_days(times, self._instrument)))
        first = len(rows) - n
        out = np.full((n, len(self._columns)), np.nan)
        for lag, places in self._places.items():
            begin = max(0, lag - first)  # rows of this call whose earlier row is not there
            if begin >= n:
                continue
            then, now = slice(first + begin - lag, len(rows) - lag), slice(first + begin, len(rows))
            same = sessions[then] == sessions[now]
            earlier = rows[then][:, self._columns[places]]
            out[begin:, places] = np.where(same[:, None], earlier, np.nan)
        if keep:
            self._past = rows[max(0, len(rows) - self._depth) :].copy()
            self._sessions = sessions[max(0, len(rows) - self._depth) :].copy()
        return out
