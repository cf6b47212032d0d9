"""The Python feature engine: applies events, keeps time, reads rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.checks import (
    JUMP_NS,
    StreamOrder,
    as_record,
    check_arguments,
    check_detectors,
    check_jump,
)
from quantumtrader._fallback.features.detect.detection import EVIDENCE, Sink, codes, parameters
from quantumtrader._fallback.features.feed import Feed, Record
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Feature, create
from quantumtrader._fallback.features.sampler import Sampler
from quantumtrader._fallback.features.session import Change, Session
from quantumtrader._protocols import Float64, Int8, Int32, Int64, UInt8
from quantumtrader.types import Events, Fitted, Flag, Kind

_MORE = int(Flag.MORE)
# Plain integers: comparing with enum members costs more than what follows.
_TRADE, _QUOTE, _LEVEL, _ORDER, _SESSION, _GAP, _BAR = (
    int(kind) for kind in (Kind.TRADE, Kind.QUOTE, Kind.LEVEL, Kind.ORDER, Kind.SESSION, Kind.GAP, Kind.BAR)
)
_MARKET = frozenset((_TRADE, _QUOTE, _LEVEL, _ORDER, _BAR))
_BEGINNING = -(1 << 63)


class FeatureEngine:
    """Features over a stream of events; see ``quantumtrader._protocols.FeatureEngineProtocol``.

    Parameters
    ----------
    names : sequence of str
        Catalogue names, in column order.
    tick_size : float
        Points per tick.
    point_value : float
        Money per point and contract.
    clock : str
        ``event``, ``bar``, a time such as ``100ms``, or a count such as ``50trades``.
    warmup : str
        ``full``, or ``partial``: time-window features from the first event on.
    rlp_sign : str
        ``drop``: retail-liquidity prints are unsigned; ``quote``: signed against the mid (Lee and Ready, 1991).
    session_seconds : float, optional
        Scheduled length of the continuous session; None where it is not known.
    fitted : Fitted, optional
        What was fitted off the hot path.
    detect : sequence of str, optional
        Kinds of detections to collect.
    settings : dict of str to float, optional
        Thresholds of the detectors that differ from the defaults.
    """

    def __init__(
        self,
        names: Sequence[str],
        tick_size: float,
        point_value: float,
        clock: str = "event",
        warmup: str = "full",
        rlp_sign: str = "drop",
        session_seconds: float | None = None,
        fitted: Fitted | None = None,
        detect: Sequence[str] | None = None,
        settings: dict[str, float] | None = None,
    ) -> None:
        self._detect = check_detectors(detect)
        self._settings = parameters(settings)
        detecting = bool(self._detect)
        check_arguments(names, tick_size, point_value, warmup, rlp_sign, session_seconds, fitted, detecting)
        self._names = list(names)
        self._tick_size = tick_size
        self._tick_value = tick_size * point_value
        self._fitted = fitted or Fitted()
        self._clock = clock
        self._session_seconds = session_seconds
        self._partial = warmup == "partial"
        self._rlp_by_quote = rlp_sign == "quote"
        self.reset()

    @property
    def names(self) -> list[str]:
        """Feature names in column order."""
        return list(self._names)

    @property
    def now_ns(self) -> int:
        """Engine time: the greatest ``ts_event`` seen; the least int64 before the first event."""
        return self._now

    def reset(self) -> None:
        """Return to the state of a new engine."""
        self._now = _BEGINNING
        self._count = 0
        self._order = StreamOrder()
        self._session = Session()
        self._sampler = Sampler(self._clock)
        self._sink = Sink(self._detect)
        self._build(Feed())
        self._clear_samples()

    def update(self, event: np.void) -> bool:
        """Apply one event; True when a sample became due (read it with ``take``)."""
        due = len(self._times)
        record = as_record(event)
        self._order.check_one(record)
        self._apply(0, record)
        return len(self._times) > due

    def update_many(self, events: Events) -> int:
        """Apply events in order; returns how many samples became due."""
        due = len(self._times)
        self._order.check(events)
        for index, record in enumerate(events.tolist()):
            self._apply(index, record)
        return len(self._times) - due

    def take(self) -> tuple[Int64, Float64, Int64]:
        """Hand over the samples due since the last call: times, values, events applied when each was taken."""
        shape = (len(self._times), len(self._names))
        taken = (
            np.array(self._times, np.int64),
            np.array(self._rows, np.float64).reshape(shape),
            np.array(self._counts, np.int64),
        )
        self._clear_samples()
        return taken

    def take_detections(self) -> tuple[Int64, UInt8, Int8, Float64, Float64, Int64, Float64]:
        """Hand over the detections since the last call, by the time at which they became certain.

        Arrays of times, codes of kinds, sides, scores, confidences, prices, and evidence (n, 6).
        """
        found = self._sink.take()
        return (
            np.array([d.ts for d in found], np.int64),
            np.array([codes()[d.kind] for d in found], np.uint8),
            np.array([d.side for d in found], np.int8),
            np.array([d.score for d in found], np.float64),
            np.array([d.confidence for d in found], np.float64),
            np.array([d.px for d in found], np.int64),
            np.array([d.evidence for d in found], np.float64).reshape(len(found), EVIDENCE),
        )

    @property
    def dropped(self) -> int:
        """What detectors dropped because a table was full."""
        return 0 if self._flow.detectors is None else self._flow.detectors.dropped

    def snapshot(self) -> Float64:
        """Feature values now, shape (n_features,)."""
        return np.array(self._read(self._now), np.float64)

    def footprint(self) -> tuple[Int32, Int64, Int64, Int64]:
        """Price rows of the last closed five-minute bar, from the lowest up: price, bought, sold, total volume."""
        last = self._flow.footprints.last
        px, buy, sell, total = zip(*last.rows, strict=True) if last is not None and last.rows else ((),) * 4
        return (
            np.array(px, np.int32),
            np.array(buy, np.int64),
            np.array(sell, np.int64),
            np.array(total, np.int64),
        )

    def _build(self, feed: Feed) -> None:
        self._flow = Flow(
            self._tick_size, self._rlp_by_quote, feed, self._session_seconds, self._settings, self._sink
        )
        self._flow.tick_value, self._flow.fitted = self._tick_value, self._fitted
        self._flow.bars.wanted = self._sampler.every_bar
        if self._detect:
            self._flow.want_detector(*self._detect)
        self._features: list[Feature] = [create(name, self._flow) for name in self._names]
        self._needs = [self._need(feature) for feature in self._features]

    def _need(self, feature: Feature) -> tuple[Feature, int, bool, bool, bool]:
        """Return a feature with its time warm-up and whether it needs a touch, touch sizes, a book."""
        inputs = feature.spec.inputs
        book = not inputs.isdisjoint({"L2", "L3"})
        touch = book or "L1" in inputs
        return feature, 0 if self._partial else feature.spec.window_ns, touch, feature.needs_sizes, book

    def _apply(self, index: int, record: Record) -> None:
        t = max(self._now, record[0])
        if t - self._now > JUMP_NS:
            check_jump(index, self._now, t, self._sampler, self._flow.bars, self._flow.footprints)
        self._advance(t)
        self._now = self._flow.now = t
        kind = record[12]
        if kind == _SESSION:
            self._change(t, self._session.mark(record[13]))
        elif not self._session.known:
            self._change(t, self._session.first_event())
        flow, session = self._flow, self._session
        if session.first is None and session.open and session.start is not None and kind in _MARKET:
            session.first = t
            flow.first_event(session.start, t)
            self._sampler.first_event(session.start, t)
        if kind == _TRADE:
            trade = flow.tape.trade(
                t, record[4], record[6], record[14], record[11], flow.touch.current, *record[8:10]
            )
            if trade is not None:
                self._sampler.count_trade()
        elif kind in (_LEVEL, _ORDER):
            if not flow.feed.change(record):
                flow.break_chain()
        elif kind == _QUOTE:
            flow.feed.quote(record[4], record[6], record[5], record[7])
        elif kind == _GAP:
            flow.feed.gap(record)
            flow.break_chain()
        self._count += 1
        if kind == _BAR:
            prices = record[4], record[5], record[8], record[9]
            flow.bars.source_bar(Bar(*prices, record[6], None, None, start=record[3], end=t))
        ends_packet = not record[11] & _MORE
        if ends_packet:
            flow.end_packet(t)
        if kind == _BAR:
            self._bar_row(t)
        if ends_packet and self._sampler.due_after_packet():
            self._row(t)

    def _advance(self, t: int) -> None:
        """Let time pass to ``t``: close bars that ended, take samples that were due before."""
        while True:
            end, point = self._flow.bars.next_end, self._sampler.next_point
            five = self._flow.footprints.next_end
            if five is not None and five <= t and all(x is None or five <= x for x in (end, point)):
                # Before the one-minute bar of the same time, so that a row of the bar clock sees it.
                self._flow.pass_time(five)
                self._flow.footprints.roll()
            elif end is not None and end <= t and (point is None or end <= point):
                self._flow.bars.roll()
                self._bar_row(end)
            elif point is not None and point < t:
                self._row(point)
                self._sampler.passed()
            else:
                break
        self._flow.advance(t)

    def _change(self, t: int, change: Change) -> None:
        if Change.CLOSE in change:
            self._flow.footprints.stop(t)
            if self._flow.bars.stop(t):
                self._bar_row(t)
            self._sampler.stop()
        if Change.ROLL in change:
            self._build(Feed(self._flow.feed.book_class))
            self._sampler.stop()
        if Change.START in change:
            self._session.begin(t)
            self._flow.begin(t)
            for feature in self._features:
                feature.restart()
            self._sampler.start()

    def _bar_row(self, t: int) -> None:
        if self._sampler.every_bar and self._sampler.sampling:
            self._row(t)

    def _row(self, t: int) -> None:
        self._times.append(t)
        self._rows.append(self._read(t))
        self._counts.append(self._count)

    def _read(self, t: int) -> list[float]:
        self._flow.advance(t)
        if self._session.start is None:
            return [NAN] * len(self._needs)
        elapsed = -1 if self._session.first is None else t - self._session.first
        current = self._flow.touch.current
        sized = current is not None and current.sized
        has_book = self._flow.by_book
        row = []
        for feature, window_ns, touch, sizes, book in self._needs:
            if (
                (window_ns and elapsed < window_ns)
                or (touch and current is None)
                or (sizes and not sized)
                or (book and not has_book)
            ):
                row.append(NAN)
            else:
                row.append(feature.value(t))
        return row

    def _clear_samples(self) -> None:
        self._times: list[int] = []
        self._rows: list[list[float]] = []
        self._counts: list[int] = []
