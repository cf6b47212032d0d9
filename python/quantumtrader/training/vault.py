"""The vault: the newest sessions, read once per release, every reading on record.

What was looked at while choosing cannot judge the choice. So the last share of the sessions is out of reach
of labels, splits and tuning, and opening it writes a line that says who, when and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.spans import Spans
from quantumtrader.training.trials import Trial, TrialLedger

__all__ = ["Vault", "require_reason"]

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Vault:
    """A division of sessions into those to work with and those that are locked away.

    Parameters
    ----------
    development, locked : ndarray of int64
        Session dates as days since 1970, ascending; every locked one is later than every other.
    ledger : TrialLedger
        Where openings are written.
    """

    development: Int64
    locked: Int64
    ledger: TrialLedger

    @classmethod
    def seal(
        cls, sessions: Int64, ledger: TrialLedger | Path, share: float = 0.2, newest_from: int | None = None
    ) -> Vault:
        """Lock the last sessions away.

        Parameters
        ----------
        sessions : ndarray of int64
            Session dates as days since 1970.
        ledger : TrialLedger or Path
            Where openings are written.
        share : float
            Of the sessions, rounded up; at least one is locked and at least one is not.
        newest_from : int, optional
            First session of the newest contract, which is locked whatever the share.
        """
        if not 0 < share < 1:
            raise ConfigError(f"vault: share is {share}, expected a number between 0 and 1")
        dates = np.unique(sessions)
        if len(dates) < 2:
            raise ConfigError(f"vault: {len(dates)} session(s) cannot be divided; record more")
        count = min(ceil(share * len(dates)), len(dates) - 1)
        first = dates[len(dates) - count]
        if newest_from is not None and dates[0] < newest_from < first:
            first = newest_from
        book = ledger if isinstance(ledger, TrialLedger) else TrialLedger(ledger)
        return cls(dates[dates < first], dates[dates >= first], book)

    def rows(self, spans: Spans) -> Int64:
        """Return the rows to work with: those whose session is not locked and whose label does not look into
        a locked one.
        """
        begins = spans.t0[np.isin(spans.session, self.locked)]
        limit = begins.min() if len(begins) else np.iinfo(np.int64).max
        return np.flatnonzero(np.isin(spans.session, self.development) & (spans.t1 < limit))

    def open(self, spans: Spans, *, model: str, who: str, why: str) -> Int64:
        """Return the locked rows, after writing down that they were read.

        Parameters
        ----------
        spans : Spans
            All samples.
        model : str
            Hash or version of what is judged: a model may be judged once.
        who, why : str
            Not empty.

        Raises
        ------
        ConfigError
            This model was judged before, or who and why are missing.
        """
        require_reason(who, why)

        def opened(before: list[Trial]) -> Trial:
            looks = [t.parameters for t in before if t.study == "vault"]
            judged = [told for told in looks if told.get("model") == model]
            if judged:
                raise ConfigError(
                    f"the vault was opened for {model} before, by {judged[0]['who']}: a second look is no test any more"
                )
            about = {"model": model, "who": who, "why": why, "openings": len(looks) + 1}
            dates = tuple(str(day) for day in self.locked.astype("datetime64[D]"))
            return Trial("vault", about, dates, (0.0,) * len(dates))

        self.ledger.append(opened)
        return np.flatnonzero(np.isin(spans.session, self.locked))


def require_reason(who: str, why: str) -> None:
    """Refuse to open a vault without saying who does, and why.

    Raises
    ------
    ConfigError
        One is missing.
    """
    if not who or not why:
        raise ConfigError("opening the vault needs a name and a reason: both are written down")
