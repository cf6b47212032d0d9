"""What a recording itself proves: hidden executions, native icebergs, executions of one time over several rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quantumtrader.evaluation.scoring import Episode, Share, wilson
from quantumtrader.evaluation.survival import Survival, kaplan_meier
from quantumtrader.evaluation.units import SECOND
from quantumtrader.exceptions import DataFormatError
from quantumtrader.features import Detection
from quantumtrader.types import Events, Flag, Kind


def one_time_sweeps(events: Events, rows: int = 3) -> list[Episode]:
    """Return the executions of one exchange time and side that lie on several rows.

    This is nearly the detector's own rule, so agreement says that it is applied as meant, not that it is right; and
    where times are coarse, orders of several participants share one.
    """
    trades = events[(events["kind"] == Kind.TRADE) & (events["side"] != 0)]
    if not len(trades):
        return []
    new = (np.diff(trades["ts_event"]) != 0) | (np.diff(trades["side"]) != 0)
    out = []
    for part in np.split(trades, np.flatnonzero(new) + 1):
        px = np.unique(part["px"])
        if len(px) >= rows:
            t = int(part["ts_event"][0])
            out.append(Episode("sweep", int(part["side"][0]), t, t, t, tuple(px.tolist())))
    return out


@dataclass(frozen=True, slots=True)
class Iceberg:
    """An order that was executed for more than the greatest size it displayed.

    Parameters
    ----------
    order_id : int
        Its id.
    displayed : int
        The greatest size it displayed, contracts; 0 where the file holds none.
    executed : int
        Contracts filled.
    complete : bool
        Whether its last fill ended it; else it was cancelled with a rest, or outlived the file.
    """

    order_id: int
    displayed: int
    executed: int
    complete: bool


def native_icebergs(path: Path) -> list[Iceberg]:
    """Return the orders of a by-order file that were executed for more than the greatest size they displayed.

    Fills are records of their own there (action ``F``), which the detectors never see. Fills up to the last unsigned
    trade, an opening auction's, do not count.

    Raises
    ------
    DataFormatError
        If the file has no fills.
    """
    import pyarrow.parquet as pq

    wanted = ["ts_event", "action", "side", "size", "order_id"]
    file = pq.ParquetFile(path)
    if not set(wanted) <= set(file.schema_arrow.names):
        raise DataFormatError("has no fill records", path=path, remedy="Use a market-by-order Parquet file")
    table = file.read(wanted)
    ts, size, ident = (table[n].to_numpy().astype(np.int64) for n in ("ts_event", "size", "order_id"))
    action, side = (np.asarray(table[n].to_pylist(), dtype="U1") for n in ("action", "side"))
    auction = ts[(action == "T") & (side == "N")]
    fill = (action == "F") & (ts > (auction.max() if len(auction) else np.iinfo(np.int64).min))
    shown: dict[int, int] = {}
    for k in np.flatnonzero((action == "A") | (action == "M")).tolist():
        shown[int(ident[k])] = max(shown.get(int(ident[k]), 0), int(size[k]))
    filled: dict[int, int] = {}
    last: dict[int, int] = {}
    for k in np.flatnonzero(fill).tolist():
        order = int(ident[k])
        filled[order], last[order] = filled.get(order, 0) + int(size[k]), int(ts[k])
    gone = {int(ident[k]): int(ts[k]) for k in np.flatnonzero(action == "C").tolist()}
    # The cancellation that follows a fill within its message removes the executed order.
    return [
        Iceberg(order, shown.get(order, 0), q, gone.get(order) == last[order])
        for order, q in filled.items()
        if q > shown.get(order, 0)
    ]


@dataclass(frozen=True, slots=True)
class NativeTruth:
    """Orders told of as native icebergs, against those that the fills prove.

    Parameters
    ----------
    recall, precision : Share
        By order: proven ones that were told of, and told ones that are proven.
    detections : int
        Restorations told.
    sizes : Survival
        Kaplan-Meier estimate of what a proven one is executed for. Orders cancelled with a rest are cut short; each is
        at risk only beyond what it displayed, as before that it would not be known as one.
    """

    recall: Share
    precision: Share
    detections: int
    sizes: Survival


def score_natives(proven: list[Iceberg], detections: list[Detection]) -> NativeTruth:
    """Compare order ids; a detection's id is exact up to 2**53."""
    truth = {i.order_id for i in proven}
    sizes = kaplan_meier(
        [i.executed for i in proven], [i.complete for i in proven], [i.displayed for i in proven]
    )
    told = {int(d.evidence["order_id"]) for d in detections if d.kind == "iceberg_native"}
    both = len(told & truth)
    return NativeTruth(wilson(both, len(truth)), wilson(both, len(told)), len(detections), sizes)


@dataclass(frozen=True, slots=True)
class HiddenTruth:
    """Presence of hidden executions by second, which the detectors were not told of.

    Parameters
    ----------
    name : str
        What predicts it.
    recall, precision : Share
        Seconds with a hidden execution that were predicted, and predicted seconds with one.
    base : Share
        Seconds with a hidden execution, of all seconds with a trade: the precision of a guess.
    """

    name: str
    recall: Share
    precision: Share
    base: Share


def masked(events: Events) -> Events:
    """Return the stream without the venue's word on what was hidden."""
    out = events.copy()
    out["flags"] &= ~np.uint16(int(Flag.HIDDEN))
    return out


def score_hidden(
    events: Events, detections: list[Detection], ratio: tuple[np.ndarray, np.ndarray] | None
) -> list[HiddenTruth]:
    """Score predictions by second with a trade.

    Parameters
    ----------
    events : Events
        With the flags.
    detections : list of Detection
        Of the masked stream.
    ratio : (times, values), optional
        ``hidden_volume_ratio_5m`` of the masked stream on a one-second clock; a second is predicted in which it rises.
    """
    is_trade = events["kind"] == Kind.TRADE
    hidden = is_trade & ((events["flags"] & int(Flag.HIDDEN)) != 0)
    seconds = set((events["ts_event"][is_trade] // SECOND).tolist())
    truth = set((events["ts_event"][hidden] // SECOND).tolist())
    base = wilson(len(truth), len(seconds))
    told = {
        kind: {d.ts // SECOND for d in detections if d.kind == kind} & seconds
        for kind in sorted({d.kind for d in detections})
    }
    if ratio is not None:
        times, values = ratio
        up = np.flatnonzero(np.diff(values) > 0) + 1
        told["hidden_volume_ratio_5m"] = set(((times[up] - 1) // SECOND).tolist()) & seconds
    return [
        HiddenTruth(name, wilson(len(s & truth), len(truth)), wilson(len(s & truth), len(s)), base)
        for name, s in told.items()
    ]
