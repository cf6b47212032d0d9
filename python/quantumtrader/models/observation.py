"""Which sessions after a training may be recorded for a version, and in which order.

A session counts once, in the order of happening, and none between two that count may be left out without a word: whoever
could choose among sessions would choose those that were kind to the model.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from quantumtrader.data.calendar import Calendar
from quantumtrader.exceptions import ConfigError, DataError, PromotionError
from quantumtrader.models.manifest import ModelManifest
from quantumtrader.models.records import ChainedFile
from quantumtrader.models.states import ModelState
from quantumtrader.types import Instrument

if TYPE_CHECKING:
    from quantumtrader.models.registry import ModelRegistry

__all__ = [
    "LOOKED_AT",
    "LOOKS",
    "OBSERVED",
    "Observed",
    "ObservedSession",
    "append_look",
    "due_sessions",
    "require_comparable",
    "require_state",
    "trained_until",
]

LOOKS = "looks.jsonl"
"""File of a model, one line for each look at sessions after its training."""
LOOKED_AT = "looked at"
"""A look that judged the model; sessions of it are no observation any more."""
OBSERVED = "observed"
"""A look for the promotion gate."""

_DAY = timedelta(days=1)
_TOLD = 8  # dates in a message


@dataclass(frozen=True, slots=True)
class ObservedSession:
    """What one session brought.

    Parameters
    ----------
    session : date
    result : float
        Net ticks of one contract, after fees and slippage, in ticks of the training: the unit of the predicted interval.
    gross : float
        The same before fees and slippage.
    trades : int
        Round trips.
    """

    session: date
    result: float
    gross: float
    trades: int


@dataclass(frozen=True, slots=True)
class Observed:
    """What was recorded.

    Parameters
    ----------
    model : str
        Name and version.
    state : ModelState
        Of the model during these sessions.
    synthetic : bool
        Whether model or sessions were generated.
    sessions : tuple of ObservedSession
        In the order of happening.
    left_out : dict of date to str
        Sessions that do not count, and why.
    """

    model: str
    state: ModelState
    synthetic: bool
    sessions: tuple[ObservedSession, ...]
    left_out: dict[date, str] = field(default_factory=dict)


def require_state(registry: ModelRegistry, manifest: ModelManifest, *wanted: ModelState) -> ModelState:
    """Return the state of a version.

    Raises
    ------
    PromotionError
        It is another than the ones wanted.
    """
    state = registry.states(manifest.name).of(manifest.version)
    if state not in wanted:
        ways = {
            ModelState.CANDIDATE: "promote it into the shadow first",
            ModelState.SHADOW: "a shadow is observed on a recording (--input)",
            ModelState.CANARY: "a canary is observed by the folders of its sessions (--session)",
            ModelState.LIVE: "a live model is observed by the folders of its sessions (--session)",
            ModelState.RETIRED: "it predicts no more",
        }
        raise PromotionError(f"{manifest.id} is {state}: {ways[state]}", (f"state is {state}",))
    return state


def require_comparable(manifest: ModelManifest, product: str, *, synthetic: bool, where: str) -> None:
    """Refuse sessions that say nothing of a model.

    Raises
    ------
    DataError
        They are of another product, or generated while the model was trained on a recording.
    """
    trained = manifest.instrument["product"]
    if product != trained:
        raise DataError(f"{where}: sessions of {product}; {manifest.id} was trained on {trained}")
    if synthetic and not manifest.data["synthetic"]:
        raise DataError(
            f"{where}: synthetic sessions say nothing of {manifest.id}, which was trained on a recording",
            remedy="Give recorded sessions",
        )


def trained_until(manifest: ModelManifest) -> date:
    """Return the last session that was recorded when a model was trained; those it had locked away are among them."""
    until = manifest.data.get("recorded_until")
    if until is None and (sessions := manifest.data.get("sessions")):
        until = sessions[-1]
    if until is not None:
        return date.fromisoformat(str(until))
    return datetime.fromtimestamp(int(manifest.data["to_ns"]) // 10**9, UTC).date()


def due_sessions(
    registry: ModelRegistry,
    manifest: ModelManifest,
    there: Sequence[date],
    instrument: Instrument,
    *,
    since: date,
    absent: Collection[date] = (),
    calendar: Calendar | None = None,
) -> tuple[tuple[date, ...], dict[date, str]]:
    """Return which sessions are to be recorded next for a version, and which do not count, each with why.

    Parameters
    ----------
    registry : ModelRegistry
    manifest : ModelManifest
        The version.
    there : sequence of date
        Sessions that are at hand, ascending.
    instrument : Instrument
        Its hours say which dates have a session; without hours nobody knows, and none is missed.
    since : date
        Last date before the first session that can count.
    absent : collection of date
        Sessions that nobody has: the user answers for them.
    calendar : Calendar, optional
        B3's days unless it says otherwise.

    Raises
    ------
    DataError
        No session is left, one is missing between those that count, or the last one is not over.
    ConfigError
        A session is said to be absent that is there.
    """
    days = calendar or Calendar()
    told = sorted(set(absent) & set(there))
    if told:
        raise ConfigError(f"{told[0]} is said to be absent, but it is there")
    before = [
        date.fromisoformat(line["session"])
        for line in registry.performance(manifest.name).lines(manifest.version)
    ]
    last = max(before, default=since)
    judged, until = _judged(registry, manifest), _valid_until(manifest)
    left_out: dict[date, str] = {}
    for day in there:
        if day in before:
            left_out[day] = "recorded already"
        elif day <= since:
            left_out[day] = "known when it was trained, or before its state"
        elif day <= last:
            left_out[day] = f"earlier than {last}, which is recorded"
        elif day in judged:
            left_out[day] = "it was judged on it (evaluate model)"
        elif until is not None and day > until:
            left_out[day] = f"after {until}, until which it was valid"
    due = tuple(day for day in there if day not in left_out)
    if not due:
        raise DataError(
            f"{manifest.id}: no session is left to observe: {_reasons(left_out)}",
            remedy=f"Give sessions after {max(last, since)}",
        )
    begin = max(last, since) + _DAY
    missing = [
        day
        for day in days.session_dates(instrument, begin, due[-1])
        if day not in there and day not in absent and day not in judged
    ]
    if missing:
        shown = ", ".join(map(str, missing[:_TOLD])) + (
            f" and {len(missing) - _TOLD} more" * (len(missing) > _TOLD)
        )
        raise DataError(
            f"{manifest.id}: {len(missing)} sessions before {due[-1]} are missing: {shown}",
            remedy="Give them too; one that nobody has is named by --absent, with --why",
        )
    bounds = days.session(instrument, due[-1])
    if bounds is not None and registry.clock.now_ns() < bounds.close_ns:
        raise DataError(
            f"{manifest.id}: the session of {due[-1]} is not over", remedy="Wait for its close, or give --end"
        )
    return due, left_out


def append_look(
    registry: ModelRegistry,
    manifest: ModelManifest,
    sessions: Sequence[date],
    symbol: str,
    who: str,
    *,
    how: str,
    absent: Collection[date] = (),
    why: str = "",
    events_lost: Collection[date] = (),
) -> int:
    """Append a line to the looks of a model; returns how many looks before it shared a session.

    Parameters
    ----------
    registry, manifest
        Whose look.
    sessions : sequence of date
        What is looked at, ascending.
    symbol : str
        Of the recording.
    who : str
    how : str
        ``LOOKED_AT`` or ``OBSERVED``.
    absent : collection of date
        Sessions between them that nobody has.
    why : str
        Why they are absent.
    events_lost : collection of date
        Sessions among them that were at hand and do not count: events of them were lost.
    """
    file = ChainedFile(registry.root / manifest.name / LOOKS)
    line = {
        "ts": registry.clock.now_ns(),
        "version": manifest.version,
        "manifest": manifest.hash,
        "who": who,
        "symbol": symbol,
        "first": str(sessions[0]),
        "last": str(sessions[-1]),
        "sessions": len(sessions),
        "how": how,
        "absent": sorted(map(str, absent)),
        "why": why,
        "events_lost": sorted(map(str, events_lost)),
    }
    earlier = [x for x in file.read() if x["first"] <= line["last"] and x["last"] >= line["first"]]
    file.append(lambda lines: line)
    return len(earlier)


def _valid_until(manifest: ModelManifest) -> date | None:
    """Return the last date before the end of the model's time; None without an end."""
    end = manifest.limits["valid_until_ns"]
    return None if end is None else datetime.fromtimestamp((int(end) - 1) // 10**9, UTC).date()


def _judged(registry: ModelRegistry, manifest: ModelManifest) -> set[date]:
    """Return the sessions that this version was judged on by a look of a person."""
    found: set[date] = set()
    for line in ChainedFile(registry.root / manifest.name / LOOKS).read():
        # Lines of before sessions were observed do not say how: all were looks.
        if line["version"] == manifest.version and line.get("how", LOOKED_AT) == LOOKED_AT:
            first, last = date.fromisoformat(line["first"]), date.fromisoformat(line["last"])
            found |= {first + n * _DAY for n in range((last - first).days + 1)}
    return found


def _reasons(left_out: dict[date, str]) -> str:
    counts: dict[str, int] = {}
    for why in left_out.values():
        counts[why] = counts.get(why, 0) + 1
    return "; ".join(f"{n} {why}" for why, n in counts.items()) or "there is none"
