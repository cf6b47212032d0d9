"""What the engine refuses: arguments and events it cannot use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import numpy as np

from quantumtrader._fallback.features.bars import Bars
from quantumtrader._fallback.features.detect.detection import codes
from quantumtrader._fallback.features.feed import Record
from quantumtrader._fallback.features.footprints import Footprints
from quantumtrader._fallback.features.numbers import SECOND
from quantumtrader._fallback.features.registry import specs
from quantumtrader._fallback.features.sampler import Sampler
from quantumtrader._fallback.features.suggestions import suggestion
from quantumtrader.exceptions import ConfigError, DataError, UnknownFeatureError, UnsortedEventsError
from quantumtrader.types import EVENT, Events, Fitted

MICROPRICE_STATES = 30
"""Tenths of the imbalance times spreads of 1 to 3 ticks."""
MAX_SAMPLES = 1_000_000
"""Rows or bars that one step of time may make; more is a wrong time stamp."""
JUMP_NS = MAX_SAMPLES
"""No shorter step of time can make so many rows: a grid has at most one point per nanosecond."""


def check_jump(index: int, now: int, t: int, sampler: Sampler, bars: Bars, footprints: Footprints) -> None:
    """Raise unless the step of time from ``now`` to ``t``, by event ``index``, makes a sane number of rows and bars."""
    for count, what in (
        (sampler.points_before(t), f'samples of "{sampler.clock}"'),
        (bars.ends_by(t), "one-minute bars"),
        (footprints.ends_by(t), "five-minute bars"),
    ):
        if count > MAX_SAMPLES:
            raise DataError(
                f"event {index}: time jumps {(t - now) // SECOND} s ahead, which makes {count} {what}",
                remedy="Check ts_event, or end the session with a CLOSED marker",
            )


def check_arguments(
    names: Sequence[str],
    tick_size: float,
    point_value: float,
    warmup: str,
    rlp_sign: str,
    session_seconds: float | None = None,
    fitted: Fitted | None = None,
    detecting: bool = False,
) -> None:
    """Raise what ``FeatureEngine`` documents for arguments it cannot use."""
    if not names and not detecting:
        raise ConfigError("names is empty; give at least one feature")
    seen = set()
    for name in names:
        if name not in specs():
            raise UnknownFeatureError(f'no feature "{name}" in the catalogue{suggestion(name, specs())}')
        if name in seen:
            raise ConfigError(f'feature "{name}" is given twice')
        seen.add(name)
    numbers = {"tick_size": tick_size, "point_value": point_value}
    if session_seconds is not None:
        numbers["session_seconds"] = float(session_seconds)
    for what, value in numbers.items():
        if not (math.isfinite(value) and value > 0):
            raise ConfigError(f"{what} is {value}; expected a positive number")
    check_fitted(fitted or Fitted())
    if warmup not in ("full", "partial"):
        raise ConfigError(f'warmup "{warmup}" is not known; use "full" or "partial"')
    if rlp_sign not in ("drop", "quote"):
        raise ConfigError(f'rlp_sign "{rlp_sign}" is not known; use "drop" or "quote"')


def check_fitted(fitted: Fitted) -> None:
    """Raise unless what was fitted can be used."""
    if fitted.microprice is not None and len(fitted.microprice[1]) != MICROPRICE_STATES:
        states = len(fitted.microprice[1])
        raise ValueError(f"the micro-price table has {states} states; expected {MICROPRICE_STATES}")
    if fitted.vpin_bucket is not None and fitted.vpin_bucket < 1:
        raise ConfigError(f"vpin_bucket is {fitted.vpin_bucket}; expected at least 1 contract")
    for x in () if fitted.microprice is None else fitted.microprice[1]:
        if math.isinf(x):
            raise ConfigError(f"the micro-price table holds {x}; expected numbers or NaN")
    for (before, _), (after, _) in pairwise(fitted.pin):
        if before >= after:
            raise ConfigError(f"pin is not in order of time: {before} before {after}; sort it")
    for t, p in fitted.pin:
        if not 0 <= p <= 1:
            text = "NaN" if math.isnan(p) else p
            raise ConfigError(f"pin is {text} at {t}; expected a share between 0 and 1")


def as_record(event: object) -> Record:
    """Return one event as plain integers."""
    if isinstance(event, np.ndarray) and event.size == 1:
        event = event.reshape(1)[0]
    if not isinstance(event, np.void) or event.dtype != EVENT:
        raise ValueError(f"an event must be a quantumtrader.EVENT record, got {_describe(event)}")
    return cast(Record, event.item())


class StreamOrder:
    """Checks that ``ts_recv`` and ``sequence`` never run backwards, from call to call."""

    def __init__(self) -> None:
        self._last = {"ts_recv": -(1 << 63), "sequence": -(1 << 63)}

    def check(self, events: Events) -> None:
        """Raise unless ``events`` is a contiguous array of records that continues the stream."""
        if not isinstance(events, np.ndarray) or events.dtype != EVENT or events.ndim != 1:
            raise ValueError(
                "events must be a one-dimensional array of quantumtrader.EVENT (64-byte records), "
                f"got {_describe(events)}"
            )
        if not events.flags.c_contiguous:
            raise ValueError(
                "events must be contiguous: pass np.ascontiguousarray(events), or slice with step 1"
            )
        if len(events) == 0:
            return
        broken = [b for b in (self._first_break(events, field) for field in self._last) if b is not None]
        if broken:
            index, field = min(broken, key=lambda b: b[0])
            before = self._last[field] if index == 0 else int(events[field][index - 1])
            _refuse(field, index, int(events[field][index]), before)
        for field in self._last:
            self._last[field] = int(events[field][-1])

    def check_one(self, record: Record) -> None:
        """Raise unless ``record`` continues the stream."""
        stamps = {"ts_recv": record[1], "sequence": record[2]}
        for field, value in stamps.items():
            if value < self._last[field]:
                _refuse(field, 0, value, self._last[field])
        self._last = stamps

    def _first_break(self, events: Events, field: str) -> tuple[int, str] | None:
        values = events[field]
        if values[0] < self._last[field]:
            return 0, field
        breaks = np.flatnonzero(values[1:] < values[:-1])
        return (int(breaks[0]) + 1, field) if len(breaks) else None


def _refuse(field: str, index: int, value: int, before: int) -> None:
    raise UnsortedEventsError(
        f"{field} runs backwards at event {index}: {value} after {before}",
        remedy="Sort the events by ts_recv and sequence",
    )


def _describe(value: object) -> str:
    return str(getattr(value, "dtype", None) or type(value))


def check_detectors(detect: Sequence[str] | None) -> list[str]:
    """Return the kinds of detections to collect; raise what ``FeatureEngine`` documents for those it does not know."""
    kinds = list(detect or ())
    for k, kind in enumerate(kinds):
        if kind not in codes():
            raise ConfigError(f'detector "{kind}" is not known; use {", ".join(codes())}')
        if kind in kinds[:k]:
            raise ConfigError(f'detector "{kind}" is given twice')
    return kinds
