"""Live a recorded session again, and compare: rows, signals, orders, to the bit.

A paper session follows from its events and the commands that were given. A real one follows from those, its turns and
the broker's answers, all of which are on the tape. Of a session whose process died, what had reached the disk is compared.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader import _backend
from quantumtrader.app.live.gateways import DifferenceError, ReplayGateway, TapeEndError
from quantumtrader.app.live.loop import LiveLoop, Sample
from quantumtrader.app.live.runner import EVENTS, ORDERS, TAPE, WARMUP, execute
from quantumtrader.app.live.samples import SampleLog, read_samples
from quantumtrader.app.live.spec import SessionSpec, build
from quantumtrader.app.live.tape import TapeReader
from quantumtrader.data.journal import JournalReader
from quantumtrader.exceptions import DataAccessError, DataError, QuantumTraderError
from quantumtrader.execution import OrderJournal
from quantumtrader.execution.order_journal import Record, read_journal
from quantumtrader.types import Events, empty_events

__all__ = ["Relived", "relive"]

_BATCH = 8_192


@dataclass(frozen=True, slots=True)
class Relived:
    """What came of living a session again.

    Parameters
    ----------
    folder : Path
        The session.
    mode : str
        ``paper`` or ``real``.
    synthetic : bool
        Whether its market was made.
    events, samples, records, calls : int
        Events fed, rows compared, records of the order journal compared, answers of the broker given again.
    entries : int
        Trades that were started.
    ended : str
        Why the session had ended; empty when its process died.
    differences : tuple of str
        Everything that is not the same; the first of each kind.
    remarks : tuple of str
        What could not be compared.
    """

    folder: Path
    mode: str
    synthetic: bool
    events: int
    samples: int
    records: int
    calls: int
    entries: int
    ended: str
    differences: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether everything that was compared is the same to the bit."""
        return not self.differences


@dataclass(slots=True)
class _State:
    differences: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    ended: str = ""


class _Stream:
    """The recorded events, in pieces of any size."""

    def __init__(self, path: Path) -> None:
        self._parts: Iterator[Events] = iter(JournalReader(path))
        self._part: Events = empty_events()

    def take(self, count: int) -> Events:
        """Return the next ``count`` events, fewer at the end."""
        taken: list[Events] = []
        while count > 0:
            if not len(self._part):
                found = next(self._parts, None)
                if found is None:
                    break
                self._part = found
                continue
            taken.append(self._part[:count])
            count -= len(taken[-1])
            self._part = self._part[len(taken[-1]) :]
        if len(taken) == 1:
            return np.ascontiguousarray(taken[0])
        return np.concatenate(taken) if taken else empty_events()


def relive(folder: Path | str) -> Relived:
    """Live a session again.

    Parameters
    ----------
    folder : path
        What ``quantumtrader run`` left behind.

    Returns
    -------
    Relived
        Whether it did the same, and where it did not.

    Raises
    ------
    DataError
        The folder holds no session, or a file of it is damaged.
    ConfigError
        The session was recorded by another version, or the strategy has changed.
    """
    folder = Path(folder)
    if not (folder / TAPE).is_file():
        raise DataAccessError(
            f"there is no session: {TAPE} is missing", path=folder, remedy="Name its folder"
        )
    reader = TapeReader(folder / TAPE)
    spec = SessionSpec.from_header(reader.header["session"])
    state = _State()
    if reader.header["engine"] != _backend.engine().name:
        state.remarks.append(
            f"recorded on the {reader.header['engine']} engine, lived again on the {_backend.engine().name} one"
        )
    before = _records(folder, reader.header)
    first = int(reader.header["order_records"])
    with tempfile.TemporaryDirectory(prefix="quantumtrader-") as work:
        path = Path(work) / ORDERS
        _copy(before[:first], path)
        with OrderJournal(path, power_safe=False) as journal:
            gateway = ReplayGateway(reader, spec.account, spec.instrument.symbol)
            log: list[SampleLog] = []
            loop = build(
                spec, journal, gateway if spec.mode == "real" else None, lambda sample: _log(log, sample)
            )
            log.append(SampleLog(Path(work), loop.names))
            if reader.header["warmup"]:
                loop.warm_up(JournalReader(folder / WARMUP).read())
            stream = _Stream(folder / EVENTS)
            try:
                if spec.mode == "real":
                    _real(loop, reader, gateway, stream, state)
                else:
                    _paper(loop, reader, stream, state)
            except TapeEndError as error:
                state.remarks.append(str(error))
            except DifferenceError as error:
                state.differences.append(str(error))
            finally:
                log[0].close()
        again, _ = read_journal(path)
        if not state.ended:
            state.remarks.append(
                "the session has no end: its process died; what reached the disk is compared"
            )
        samples = _compare_samples(folder, Path(work), state)
    records = _compare_records(_of_session(before[first:], again[first:]), again[first:], state)
    return Relived(
        folder,
        spec.mode,
        spec.synthetic,
        loop.applied,
        samples,
        records,
        reader.calls,
        sum(record["kind"] == "plan" for record in again[first:]),
        state.ended,
        tuple(state.differences),
        tuple(state.remarks),
    )


def _log(log: list[SampleLog], sample: Sample) -> None:
    log[0].write(sample)


def _records(folder: Path, header: dict[str, Any]) -> list[Record]:
    own = folder / ORDERS
    return read_journal(own if own.is_file() else Path(header["orders"]))[0]


def _of_session(records: list[Record], again: list[Record]) -> list[Record]:
    """Leave out what later sessions have written into the same journal.

    A session begins anew in the journal when its gateway does, so how often it began is taken from what it does now.
    """
    begun = sum(record["kind"] == "session" for record in again)
    starts = [k for k, record in enumerate(records) if record["kind"] == "session"]
    return records[: starts[begun]] if len(starts) > begun else records


def _copy(records: list[Record], path: Path) -> None:
    with OrderJournal(path, power_safe=False) as journal:
        for record in records:
            fields = {k: v for k, v in record.items() if k not in ("n", "kind", "ts")}
            journal.append(record["kind"], record["ts"], **fields)


def _real(loop: LiveLoop, reader: TapeReader, gateway: ReplayGateway, stream: _Stream, state: _State) -> None:
    while (line := reader.next()) is not None:
        match line[0]:
            case "turns":
                now = line[2]
                for events, step in line[3]:
                    now += step
                    gateway.begin_turn()
                    batch = stream.take(events)
                    if len(batch) < events:
                        state.remarks.append("the events journal ends before the tape")
                        return
                    _turn(loop, batch, now)
                    gateway.end_turn()
            case "connected":
                gateway.connected = line[2]
            case "command":
                execute(loop, line[3], line[4])
            case "end":
                state.ended = line[3]
            case "call":
                raise DifferenceError(f"turn {line[1]}: {line[3]} was asked then, and is not now")
            case other:
                raise DataError(f"the tape has the unknown entry {other!r}", path=reader.path)


def _paper(loop: LiveLoop, reader: TapeReader, stream: _Stream, state: _State) -> None:
    while (line := reader.next()) is not None:
        _feed(loop, stream, line[2] - loop.applied)
        if loop.applied < line[2]:
            state.remarks.append("the events journal ends before the tape")
            return
        if line[0] == "command":
            execute(loop, line[3], line[4])
        elif line[0] == "end":
            state.ended = line[3]
    if not state.ended:
        _feed(loop, stream, None)


def _feed(loop: LiveLoop, stream: _Stream, count: int | None) -> None:
    """Live through the next ``count`` events, or all that are left."""
    while count is None or count > 0:
        batch = stream.take(_BATCH if count is None else min(count, _BATCH))
        if not len(batch):
            return
        _turn(loop, batch, 0)
        count = None if count is None else count - len(batch)


def _turn(loop: LiveLoop, events: Events, now: int) -> None:
    try:
        loop.turn(events, now)
    except (DifferenceError, TapeEndError):
        raise
    except QuantumTraderError:
        pass  # it failed then as well: what it led to is on the tape


def _compare_samples(folder: Path, work: Path, state: _State) -> int:
    names, then, words = read_samples(folder)
    names_now, now, words_now = read_samples(work)
    if names != names_now:
        state.differences.append(f"features were {', '.join(names)}, and are {', '.join(names_now)}")
        return 0
    count = len(then) if state.ended else min(len(then), len(now))
    if len(now) < count:
        state.differences.append(f"there were {len(then)} rows, and are {len(now)}")
        count = len(now)
    elif state.ended and len(now) > len(then):
        state.differences.append(f"there were {len(then)} rows, and are {len(now)}")
    for name in ("ts", "count", "bracket", "values") if count else ():
        a, b = then[name][:count], now[name][:count]
        # Bit by bit: NaN equals NaN, and 0.0 is not -0.0.
        same = (np.ascontiguousarray(a).view("u1") == np.ascontiguousarray(b).view("u1")).reshape(count, -1)
        if not same.all():
            at = int(np.argmin(same.all(axis=1)))
            state.differences.append(f"row {at} at {then['ts'][at]}: {name} was {a[at]!r}, and is {b[at]!r}")
    for at in range(count):
        old, new = words[then["word"][at]], words_now[now["word"][at]]
        if old != new:
            state.differences.append(
                f"row {at} at {then['ts'][at]}: {' '.join(old)} was said, now {' '.join(new)}"
            )
            break
    return count


def _compare_records(then: list[Record], now: list[Record], state: _State) -> int:
    count = min(len(then), len(now))
    for old, new in zip(then, now, strict=False):
        if old != new:
            state.differences.append(f"order journal: record {old['n']} was {old}, and is {new}")
            return int(old["n"]) - int(then[0]["n"])
    if len(then) != len(now):
        text = f"the order journal had {len(then)} records of this session, and has {len(now)}"
        (state.differences if state.ended else state.remarks).append(text)
    return count
