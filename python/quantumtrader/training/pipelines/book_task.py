"""Decisions of a book model: when something happened at the touch, and the targets of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.labels import (
    Labels,
    Latency,
    Pace,
    PricePath,
    RoundTrips,
    direction,
    order_imbalance,
    price_move,
    round_trips,
    spread_change,
)
from quantumtrader.training.labels.book import MINUTE_NS
from quantumtrader.training.pipelines.prepared import RegimeTrack
from quantumtrader.training.rows import Rows
from quantumtrader.training.spans import Spans

__all__ = ["HORIZONS", "TARGETS", "BookTask", "Target", "decisions_at", "targets_of"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

HORIZONS = {"direction_05": 0.5, "direction_1": 1.0, "direction_2": 2.0, "direction_4": 4.0}
"""Direction targets, and their horizons in mean times between two changes of the mid."""
TARGETS = (*HORIZONS, "spread_change", "price_move_1min", "order_imbalance")
_ALIASES = {"direction": tuple(HORIZONS), "price_move": ("price_move_1min",)}
_SHOCK = 0.5
"""A step of the touch's imbalance of so much is an event."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target.

    Parameters
    ----------
    name : str
    horizon_ns : int
    label : callable
        From path and decision times to labels.
    paid : bool
        Whether trading it means something.
    """

    name: str
    horizon_ns: int
    label: Callable[[PricePath, Int64], Labels]
    paid: bool


def targets_of(names: tuple[str, ...], pace: Pace) -> tuple[Target, ...]:
    """Return targets by name, their horizons by the market's pace; ``direction`` stands for all four horizons.

    Raises
    ------
    ConfigError
        A name is not known.
    """
    wanted = [one for name in names for one in _ALIASES.get(name, (name,))]
    out = []
    tau = int(pace.tau_ns)
    for name in dict.fromkeys(wanted):
        if name in HORIZONS:
            horizon = max(1, int(HORIZONS[name] * pace.tau_ns))
            dead = pace.dead_zone_ticks
            label: Any = partial(_direction, horizon_ns=horizon, dead_zone_ticks=dead, name=name)
            out.append(Target(name, horizon, label, True))
        elif name == "price_move_1min":
            label = partial(_price_move, dead_zone_ticks=pace.dead_zone_ticks)
            out.append(Target(name, MINUTE_NS, label, True))
        elif name == "spread_change":
            out.append(Target(name, tau, partial(_spread_change, horizon_ns=tau), False))
        elif name == "order_imbalance":
            out.append(Target(name, tau, partial(_order_imbalance, horizon_ns=tau), False))
        else:
            raise ConfigError(f"no book target {name!r}; there are direction, {', '.join(TARGETS)}")
    return tuple(out)


def _direction(path: PricePath, times: Int64, **given: Any) -> Labels:
    return direction(path, times, **given)


def _price_move(path: PricePath, times: Int64, **given: Any) -> Labels:
    return price_move(path, times, **given)


def _spread_change(path: PricePath, times: Int64, **given: Any) -> Labels:
    return spread_change(path, times, **given)


def _order_imbalance(path: PricePath, times: Int64, **given: Any) -> Labels:
    return order_imbalance(path, times, **given)


def decisions_at(path: PricePath, times: Int64, heartbeat_ns: int) -> Int64:
    """Return the rows at which something happened: mid or spread changed, the touch's imbalance jumped, or a heartbeat.

    Only what is known at the row decides. Rows of one instant count as their last.
    """
    if not len(times):
        return np.arange(0)
    last = np.flatnonzero(np.concatenate((times[1:] != times[:-1], [True])))
    known = path.last_known(times[last], path.segment_of(times[last]))
    bid, ask = path.at(path.last_bid, known), path.at(path.last_ask, known)
    bid_size, ask_size = path.at(path.bid_size, known), path.at(path.ask_size, known)
    with np.errstate(invalid="ignore", divide="ignore"):
        imbalance = (bid_size - ask_size) / (bid_size + ask_size)
    event = np.zeros(len(last), np.bool_)
    with np.errstate(invalid="ignore"):
        event[1:] = (np.diff(bid) != 0) | (np.diff(ask) != 0) | (np.abs(np.diff(imbalance)) >= _SHOCK)
    event &= ~np.isnan(bid)
    beat = times[last] // heartbeat_ns
    event[1:] |= beat[1:] != beat[:-1]
    event[0] = True
    return last[event]


@dataclass
class BookTask:
    """Labels the decisions of each part for all targets at once: events are replayed once.

    Parameters
    ----------
    targets : tuple of Target
        The first one is what the data set is built with.
    heartbeat_ns : int
    latency : Latency
    used_from : int
        Decisions before this time are left out: the pace was measured there.
    used_until : int
        Those from this time on too: the vault.
    thin : int
        Every so many-th decision counts.
    max_rows : int
        Where a target has more labels, they are only counted: what is kept would not fit into memory.
    """

    targets: tuple[Target, ...]
    heartbeat_ns: int
    latency: Latency
    used_from: int
    used_until: int
    thin: int = 1
    max_rows: int = 1 << 62
    counts: dict[str, int] = field(default_factory=dict)
    regimes: RegimeTrack = field(default_factory=RegimeTrack)
    found: dict[str, list[tuple[Labels, Float64, Int64, RoundTrips | None]]] = field(default_factory=dict)

    def label(self, path: PricePath, rows: Rows) -> Labels:
        """Label for every target; returns the labels of the first."""
        self.regimes.observe(rows)
        due = decisions_at(path, rows.times, self.heartbeat_ns)[:: self.thin]
        times = rows.times[due]
        due = due[(times >= self.used_from) & (times < self.used_until)]
        first: Labels | None = None
        for target in self.targets:
            labels = target.label(path, rows.times[due])
            inside = labels.spans.t1 < self.used_until
            kept = np.flatnonzero(inside)
            labels = (
                replace(
                    labels,
                    rows=labels.rows[kept],
                    spans=labels.spans[kept],
                    y=labels.y[kept],
                    dropped=labels.dropped,
                )
                if not inside.all()
                else labels
            )
            at = due[labels.rows]
            self.counts[target.name] = self.counts.get(target.name, 0) + len(at)
            if not self.too_many:
                trips = None
                if target.paid:
                    trips = round_trips(path, rows.times[at], target.horizon_ns, self.latency)
                self.found.setdefault(target.name, []).append(
                    (labels, rows.frame.values[at], rows.ts_feature_max[at], trips)
                )
            if first is None:
                n = 0 if self.too_many else len(at)
                first = Labels(
                    labels.name, at[:n], labels.spans[:n], labels.y[:n], labels.measured_from, labels.dropped
                )
        if self.too_many:
            self.found.clear()
        assert first is not None  # there is a target
        return first

    @property
    def too_many(self) -> bool:
        """Whether a target has more labels than ``max_rows``."""
        return max(self.counts.values(), default=0) > self.max_rows

    def dataset(self, target: Target, first: Dataset, broken: Int64) -> Dataset:
        """Return the rows of a target but those of broken sessions, on the columns of the data set of the first one."""
        parts = [p for p in self.found[target.name] if len(p[0])]
        if not parts:
            return first.take(np.arange(0))
        labels = [p[0] for p in parts]
        spans = Spans(
            *(np.concatenate([getattr(x.spans, f) for x in labels]) for f in ("t0", "t1", "session"))
        )
        trips = None
        if target.paid:
            names = ("buy_ticks", "sell_ticks", "buy_left", "sell_left")
            trips = RoundTrips(*(np.concatenate([getattr(p[3], f) for p in parts]) for f in names))
        dropped: dict[str, int] = {}
        for found in self.found[target.name]:
            for reason, count in found[0].dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
        kept = np.flatnonzero(~np.isin(spans.session, broken))
        if len(kept) < len(spans):
            dropped["session with a gap"] = len(spans) - len(kept)
        made = first.derived(
            X=np.concatenate([p[1] for p in parts]),
            y=np.concatenate([x.y for x in labels]),
            spans=spans,
            ts_feature_max=np.concatenate([p[2] for p in parts]),
            label=target.name,
            measured_from={
                **labels[0].measured_from,
                "heartbeat_ns": self.heartbeat_ns,
                "thin": self.thin,
                **(self.latency.facts() if target.paid else {}),
            },
            trips=trips,
            dropped=dropped,
        )
        return made.take(kept)
