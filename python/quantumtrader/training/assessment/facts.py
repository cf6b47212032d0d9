"""What a training was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.training.dataset import Dataset
from quantumtrader.types import Instrument

__all__ = ["DataFacts", "data_facts"]


@dataclass(frozen=True, slots=True)
class DataFacts:
    """The data in numbers.

    Parameters
    ----------
    symbol : str
        Instrument.
    tick_size : float
        Points of one tick: all ticks of the assessment are of this size.
    exchange_ticks : int
        How many of them are one tick of the exchange; more than 1 only in adjusted series.
    first, last : str
        Dates of the first and the last session.
    sessions, rows : int
        Labelled rows and their sessions.
    n_eff : float
        Effective rows: the sum of average uniqueness.
    tested : int
        Rows with an out-of-sample prediction.
    dropped : dict of str to int
        Rows without a label, by reason.
    classes : dict of str to float
        Share of each class.
    label : str
        Kind of label.
    measured_from : dict
        What the label depends on.
    contracts : tuple of str
        In the order of their first row; empty where unknown.
    features : int
        Columns.
    clock : str
        When rows are taken.
    manifest : str
        Hash of what the columns are.
    engine : str
        Engine and version that computed them.
    sha256 : str
        Hash of rows, labels and spans.
    reasons : tuple of str
        Why it is insufficient; empty where it is not.
    """

    symbol: str
    tick_size: float
    exchange_ticks: int
    first: str
    last: str
    sessions: int
    rows: int
    n_eff: float
    tested: int
    dropped: Mapping[str, int]
    classes: Mapping[str, float]
    label: str
    measured_from: Mapping[str, Any]
    contracts: tuple[str, ...]
    features: int
    clock: str
    manifest: str
    engine: str
    sha256: str
    reasons: tuple[str, ...]


def data_facts(
    data: Dataset, tested: int, contracts: npt.NDArray[np.str_] | None, instrument: Instrument
) -> DataFacts:
    """Collect the facts; ``contracts`` has one name per row, empty where unknown."""
    days = data.spans.sessions.astype("datetime64[D]")
    names: dict[str, None] = {} if contracts is None else dict.fromkeys(map(str, contracts))
    return DataFacts(
        symbol=data.symbol,
        tick_size=instrument.tick_size,
        exchange_ticks=instrument.ticks_per_exchange_tick,
        first=str(days[0]),
        last=str(days[-1]),
        sessions=len(days),
        rows=len(data),
        n_eff=data.n_eff,
        tested=tested,
        dropped=dict(sorted(data.dropped.items())),
        classes={str(c): float((data.y == c).mean()) for c in data.classes},
        label=data.label,
        measured_from=dict(sorted(data.measured_from.items())),
        contracts=tuple(name for name in names if name),
        features=len(data.names),
        clock=data.manifest.clock,
        manifest=data.manifest.hash,
        engine=f"{data.manifest.engine} {data.manifest.version}",
        sha256=data.sha256,
        reasons=data.sufficiency().reasons,
    )
