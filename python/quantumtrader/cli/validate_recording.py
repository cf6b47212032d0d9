"""The part of ``quantumtrader validate`` that looks at recordings: journals, and what the lake has of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from quantumtrader.cli import output

if TYPE_CHECKING:
    from datetime import date

    from quantumtrader.config import Settings
    from quantumtrader.data.quality import Finding
    from quantumtrader.data.replayability import Replayability
    from quantumtrader.types import Events, Instrument

INVALID = 3
_COLOUR = {"error": "red", "warning": "yellow", "info": "dim"}


@dataclass(frozen=True, slots=True)
class CheckedJournal:
    """What was found in one journal.

    Parameters
    ----------
    path : Path
        The journal.
    description : str
        One line: how many events of what, from where.
    sequence : tuple of Finding
        Of the journal as a whole.
    replay : tuple of Replayability
        Of each instrument.
    """

    path: Path
    description: str
    sequence: tuple[Finding, ...]
    replay: tuple[Replayability, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing forbids using it."""
        return all(f.severity != "error" for f in self.sequence) and all(r.valid for r in self.replay)


def is_recording(path: Path) -> bool:
    """Whether ``path`` is a journal, or a folder of journals."""
    from quantumtrader.data.journal import SUFFIX, is_journal
    from quantumtrader.data.roll import journals_in

    if path.is_dir():
        return bool(journals_in(path))
    return is_journal(path) or (path.suffix == SUFFIX and path.is_file())


def check_journals(
    path: Path, symbol: str | None, settings: Settings, *, until_damage: bool = False
) -> list[CheckedJournal]:
    """Check a journal, or every one of a folder; of one symbol, or of all."""
    from quantumtrader.data.roll import journals_in

    paths = journals_in(path) if path.is_dir() else [path]
    with output.progress(f"replaying {path.name}"):
        return [_check_journal(journal, symbol, settings, until_damage) for journal in paths]


def check_lake(path: Path, instrument: Instrument, settings: Settings) -> dict[date, Replayability]:
    """Replay the sessions of a lake that were recorded live; empty for any other source."""
    from quantumtrader import _backend
    from quantumtrader.app.collect import fresh_books
    from quantumtrader.data.calendar import Calendar
    from quantumtrader.data.lake import Lake
    from quantumtrader.data.replayability import check_replayable
    from quantumtrader.data.roll import recorded_lines

    if not (path.is_dir() and Lake.is_lake(path)):
        return {}
    lake = Lake(path, pack=_backend.core().pack_events)
    out = {}
    for day in lake.dates(instrument.symbol):
        if lines := recorded_lines(lake, instrument.symbol, day, day):
            events = lake.read(instrument.symbol, day, day)
            out[day] = check_replayable(
                [events], instrument, fresh_books(), lines, calendar=Calendar(settings)
            )
    return out


def sequences_complete(path: Path, symbol: str) -> bool:
    """Whether every session of a symbol came from journals without a silent hole in their numbers."""
    from quantumtrader.data.lake import Lake
    from quantumtrader.data.roll import rolled_note

    lake = Lake(path)
    notes = [rolled_note(lake, symbol, day) for day in lake.dates(symbol)]
    return all(note is not None and note.get("sequences_complete", False) for note in notes)


def _check_journal(path: Path, symbol: str | None, settings: Settings, until_damage: bool) -> CheckedJournal:
    from dataclasses import replace

    from quantumtrader.app.collect import fresh_books
    from quantumtrader.data.calendar import Calendar
    from quantumtrader.data.contracts import instrument as find_instrument
    from quantumtrader.data.journal import JournalReader
    from quantumtrader.data.quality import Finding
    from quantumtrader.data.replayability import check_replayable
    from quantumtrader.data.sequences import Sequences
    from quantumtrader.data.sidecar import read_sidecar, sidecar_of

    reader = JournalReader(path, until_damage=until_damage)
    header = reader.header
    if symbol is not None:
        header.index(symbol)
    sequences, total = Sequences(), 0
    for events in reader:
        sequences.add(events)
        total += len(events)
    findings = []
    if not sequences.complete:
        findings.append(
            Finding(
                "sequence",
                "error",
                sequences.holes + sequences.backwards,
                f"{sequences.holes:,} events are missing and {sequences.backwards:,} are out of order, and no gap marker "
                "says so",
                (str(sequences.first_place),),
            )
        )
    else:
        findings.append(
            Finding("sequence", "info", total, f"all {total:,} sequence numbers are accounted for")
        )
    if sequences.announced:
        findings.append(
            Finding(
                "sequence",
                "warning",
                sequences.announced,
                f"{sequences.announced:,} events were lost, as gap markers say",
            )
        )
    if reader.torn:
        findings.append(
            Finding("tear", "warning", 1, f"the last {reader.torn:,} bytes were not written to the end")
        )
    if reader.damage is not None:
        findings.append(Finding("damage", "error", 1, str(reader.damage)))
    replay = []
    for row in header.instruments:
        if symbol in (None, row.symbol):
            instrument = replace(find_instrument(row.symbol, settings), tick_size=row.tick_size)
            replay.append(
                check_replayable(
                    _of(reader, row.index),
                    instrument,
                    fresh_books(),
                    read_sidecar(sidecar_of(path)),
                    calendar=Calendar(settings),
                )
            )
    names = ", ".join(row.symbol for row in header.instruments)
    made = " [synthetic]" if header.synthetic else ""
    text = f"{path.name}: {total:,} events of {names} from {header.source}{made}"
    return CheckedJournal(path, text, tuple(findings), tuple(replay))


def _of(parts: Iterator[Events] | Any, index: int) -> Iterator[Events]:
    for events in parts:
        yield events[events["instrument"] == index]


def as_dict(result: Replayability) -> dict[str, Any]:
    """Return the result with its verdict, for JSON."""
    return {"valid": result.valid, **output.plain(result)}


def show(checked: Sequence[CheckedJournal], *, as_json: bool) -> None:
    """Print what was found, and leave with exit code 3 when anything forbids using it."""
    valid = all(journal.valid for journal in checked)
    if as_json:
        output.print_json(
            {
                "valid": valid,
                "journals": [
                    {
                        "valid": journal.valid,
                        "path": journal.path,
                        "source": journal.description,
                        "sequence": journal.sequence,
                        "replay": [as_dict(result) for result in journal.replay],
                    }
                    for journal in checked
                ],
            }
        )
    else:
        from rich.markup import escape

        for journal in checked:
            output.line(escape(journal.description))
            show_findings(journal.sequence)
            for result in journal.replay:
                show_replay(f"{result.symbol}, replayed", result)
        output.line("[green]valid[/green]" if valid else "[red]invalid[/red]")
    if not valid:
        raise typer.Exit(INVALID)


def show_replay(title: str, result: Replayability) -> None:
    """Print the result for one instrument."""
    output.line(f"{title}: {result.agreed} of {result.checkpoints} checkpoints agree")
    show_findings(result.findings)


def show_findings(findings: Sequence[Finding]) -> None:
    """Print a table of findings; nothing when there are none."""
    if findings:
        output.table(
            f"{len(findings)} finding{'s' * (len(findings) > 1)}",
            ("severity", "check", "count", "what", "first"),
            [
                (
                    f"[{_COLOUR[f.severity]}]{f.severity}[/]",
                    f.check,
                    f.count,
                    f.message,
                    f.places[0] if f.places else "",
                )
                for f in findings
            ],
        )
