"""In which state a model is, and how it got there: an append-only file for each name.

::

    candidate ─► shadow ─► canary ─► live          every state ─► retired
                                      │ ▲
                                      ▼ │ rollback: the one before is live again
                                    retired

One line is one move, also where it concerns two versions: a new live version retires the one before it, a rollback
brings that one back. Lines are never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from quantumtrader.clock import Clock, LiveClock
from quantumtrader.exceptions import ModelError, PromotionError
from quantumtrader.models.folder import check_name, check_version
from quantumtrader.models.records import ChainedFile

__all__ = ["ModelState", "Move", "StateLog", "States"]

FILE = "states.jsonl"


class ModelState(StrEnum):
    """What a model may do."""

    CANDIDATE = "candidate"
    """Nothing yet: it was trained."""
    SHADOW = "shadow"
    """Predicts beside the market; nobody trades on it."""
    CANARY = "canary"
    """Trades one lot."""
    LIVE = "live"
    """Trades; one version of a name at most."""
    RETIRED = "retired"
    """Predicts and trades no more."""

    @property
    def trades(self) -> bool:
        """Whether real orders may rest on it."""
        return self in (ModelState.CANARY, ModelState.LIVE)

    @property
    def next(self) -> ModelState | None:
        """The state after it on the way up; None at its end."""
        order = list(ModelState)
        return None if self in (ModelState.LIVE, ModelState.RETIRED) else order[order.index(self) + 1]


@dataclass(frozen=True, slots=True)
class Move:
    """One version from one state to another.

    Parameters
    ----------
    version : str
        Which version.
    origin, target : ModelState
        From where to where.
    manifest : str
        Hash of its manifest then: a folder with another one is not the model that was moved.
    """

    version: str
    origin: ModelState
    target: ModelState
    manifest: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: moves that happened together, with who, when and why."""

    ts: int
    who: str
    why: str
    kind: str
    moves: tuple[Move, ...]
    conditions: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "ts": self.ts,
            "who": self.who,
            "why": self.why,
            "kind": self.kind,
            "moves": [
                {"version": m.version, "from": str(m.origin), "to": str(m.target), "manifest": m.manifest}
                for m in self.moves
            ],
            "conditions": list(self.conditions),
        }

    @classmethod
    def from_dict(cls, line: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote."""
        moves = tuple(
            Move(check_version(m["version"]), ModelState(m["from"]), ModelState(m["to"]), m["manifest"])
            for m in line["moves"]
        )
        return cls(line["ts"], line["who"], line["why"], line["kind"], moves, tuple(line["conditions"]))


class States:
    """What a sequence of entries adds up to."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._state: dict[str, ModelState] = {}
        self._manifest: dict[str, str] = {}
        self.previous: str | None = None
        """Version that a rollback makes live again; None where there is none."""
        for entry in self.entries:
            for move in entry.moves:
                if self.of(move.version) is not move.origin:
                    raise ModelError(
                        f"{move.version} was moved from {move.origin}, but it was {self.of(move.version)}"
                    )
                self._state[move.version] = move.target
                self._manifest[move.version] = move.manifest
            left = [m.version for m in entry.moves if m.origin is ModelState.LIVE]
            if entry.kind == "rollback" or any(m.version == self.previous for m in entry.moves):
                self.previous = None  # one step, not two
            if entry.kind == "promote" and any(m.target is ModelState.LIVE for m in entry.moves):
                self.previous = left[0] if left else None
        if sum(s is ModelState.LIVE for s in self._state.values()) > 1:
            raise ModelError("two versions are live at once")

    def of(self, version: str) -> ModelState:
        """State of a version; one that was never moved is a candidate."""
        return self._state.get(version, ModelState.CANDIDATE)

    def manifest_of(self, version: str) -> str | None:
        """Hash of the manifest of a version when it was moved last; None before its first move."""
        return self._manifest.get(version)

    @property
    def live(self) -> str | None:
        """The live version."""
        return next((v for v, s in self._state.items() if s is ModelState.LIVE), None)


class StateLog:
    """The states of all versions of one name.

    Parameters
    ----------
    root : Path
        Folder of all models.
    name : str
        The model.
    clock : Clock, optional
        Stamps the lines.
    """

    def __init__(self, root: Path, name: str, clock: Clock | None = None) -> None:
        self.name = check_name(name)
        self._file = ChainedFile(root / self.name / FILE)
        self._clock = clock or LiveClock()

    def read(self) -> States:
        """Return where every version is, and how it got there."""
        return self._states(self._file.read())

    def move(
        self,
        who: str,
        why: str,
        kind: str,
        decide: Callable[[States], tuple[tuple[Move, ...], tuple[str, ...]]],
    ) -> Entry:
        """Append one entry.

        Parameters
        ----------
        who, why : str
            Neither may be empty.
        kind : str
            ``promote``, ``retire`` or ``rollback``.
        decide : callable
            Gets the present states and returns the moves and the conditions they met; raising leaves all as it was.
        """
        if not who.strip() or not why.strip():
            raise PromotionError("a move of a model needs who decides it and why")
        made: list[Entry] = []

        def make(lines: list[dict[str, Any]]) -> dict[str, Any]:
            states = self._states(lines)
            moves, conditions = decide(states)
            entry = Entry(self._clock.now_ns(), who.strip(), why.strip(), kind, moves, conditions)
            States((*states.entries, entry))  # what could not be read again is not written
            made.append(entry)
            return entry.to_dict()

        self._file.append(make)
        return made[0]

    def _states(self, lines: list[dict[str, Any]]) -> States:
        try:
            return States(Entry.from_dict(line) for line in lines)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"is no record of states ({error})", path=self._file.path) from error
