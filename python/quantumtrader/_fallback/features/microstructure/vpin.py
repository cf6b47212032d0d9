"""Volume-synchronised probability of informed trading (Easley, López de Prado and O'Hara, 2012)."""

from __future__ import annotations

from collections import deque
from math import erfc, sqrt

import numpy as np

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print

_BUCKETS, _SESSIONS, _CHANGES = 50, 5, 60


class _Buckets:
    """Volume buckets, whose size is known once five sessions have passed, or given for sessions from some time on."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._sessions: deque[int] = deque(maxlen=_SESSIONS)
        self._volume = 0
        self._size: int | None = None
        self._filled, self._net = 0, 0.0
        self._closed: deque[float] = deque(maxlen=_BUCKETS)

    def begin_session(self) -> None:
        if self._volume:
            self._sessions.append(self._volume)
        self._volume, self._filled, self._net = 0, 0, 0.0
        start, given = self._flow.session_start, self._flow.fitted
        self._size = None
        if given.vpin_bucket is not None:
            if given.vpin_from_ns is None or (start is not None and start >= given.vpin_from_ns):
                self._size = given.vpin_bucket
        elif len(self._sessions) == _SESSIONS:
            self._size = max(1, sum(self._sessions) // (_SESSIONS * _BUCKETS))

    def add(self, contracts: int, net: float) -> None:
        """Count contracts of which each is worth ``net`` bought less sold."""
        self._volume += contracts
        self.fill(contracts, net)

    def fill(self, contracts: int, net: float) -> None:
        if self._size is None:
            return
        while contracts:
            if self._filled == 0 and contracts > (_BUCKETS + 1) * self._size:
                # Of a print that fills many buckets only the last ones are remembered.
                contracts = _BUCKETS * self._size + contracts % self._size
            part = min(contracts, self._size - self._filled)
            contracts -= part
            self._filled += part
            self._net += part * net
            if self._filled == self._size:
                self._closed.append(min(1.0, abs(self._net / self._size)))
                self._filled, self._net = 0, 0.0

    def count(self, contracts: int) -> None:
        """Count volume of the session that fills no bucket."""
        self._volume += contracts

    @property
    def mean(self) -> float:
        """Mean imbalance of the last fifty buckets; NaN before as many."""
        return sum(self._closed) / _BUCKETS if len(self._closed) == _BUCKETS else NAN


@feature("vpin_50")
class Vpin(Feature):
    """By the aggressor of each print."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._buckets = _Buckets(flow)
        flow.tape.listeners.append(self._on_print)

    def restart(self) -> None:
        """Begin a session: the open bucket is dropped, the closed ones stay."""
        self._buckets.begin_session()

    def _on_print(self, trade: Print) -> None:
        self._buckets.add(trade.size, float(trade.side))

    def value(self, t: int) -> float:
        """Return the mean."""
        return self._buckets.mean


@feature("vpin_bvc_50")
class BulkVpin(HeldFeature):
    """By bulk classification of one-minute bars."""

    bars = _CHANGES + 1

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._buckets = _Buckets(flow)

    def restart(self) -> None:
        """Begin a session: the open bucket is dropped, the closed ones stay."""
        self._buckets.begin_session()

    def close(self, bar: Bar) -> float:
        """Return the mean."""
        self._buckets.count(bar.volume)
        if self.full:
            changes = np.diff([b.close for b in self.last]).astype(np.float64)
            deviation = float(changes.std()) if np.ptp(changes) else 0.0
            z = changes[-1] / deviation if deviation else 0.0
            self._buckets.fill(bar.volume, 2 * (0.5 * erfc(-z / sqrt(2))) - 1)
        return self._buckets.mean
