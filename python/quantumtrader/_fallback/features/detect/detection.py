"""What a detector says, and who keeps it."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from types import SimpleNamespace
from typing import Any, NamedTuple

from quantumtrader.exceptions import ConfigError

EVIDENCE = 6
"""Numbers of evidence per detection."""
MAX_DETECTIONS = 1 << 16
"""Detections kept until they are taken; beyond this the older half is dropped and counted."""
NAN = float("nan")


class Detection(NamedTuple):
    """Something detected; ``evidence`` holds the numbers named by its kind."""

    ts: int
    kind: str
    side: int
    score: float
    confidence: float
    px: int
    evidence: tuple[float, ...]


@cache
def declared() -> dict[str, Any]:
    """Return kinds and parameters as the Rust engine declares them."""
    text = (resources.files("quantumtrader._generated") / "detectors.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


@cache
def codes() -> dict[str, int]:
    """Return the code of each kind, by name."""
    return {kind["name"]: kind["code"] for kind in declared()["kinds"]}


def _number(x: float) -> str:
    return str(int(x)) if float(x).is_integer() else repr(x)


def parameters(given: dict[str, float] | None = None) -> SimpleNamespace:
    """Return the thresholds as attributes: defaults, changed by ``given``."""
    table = {p["name"]: p for p in declared()["parameters"]}
    values = {name: p["default"] for name, p in table.items()}
    for name, value in sorted((given or {}).items()):
        if name not in table:
            raise ConfigError(f'detector setting "{name}" is not known')
        p = table[name]
        if not p["low"] <= value <= p["high"] or (p["whole"] and not float(value).is_integer()):
            number = "a whole number" if p["whole"] else "a number"
            unit = f" {p['unit']}" if p["unit"] else ""
            raise ConfigError(
                f"{name} is {_number(value)}; expected {number} from {_number(p['low'])} to {_number(p['high'])}{unit}"
            )
        values[name] = value
    return SimpleNamespace(**{n: int(v) if table[n]["whole"] else float(v) for n, v in values.items()})


class Sink:
    """Collects the kinds that somebody asked for; outlives contracts."""

    def __init__(self, kinds: list[str]) -> None:
        self._kinds = frozenset(kinds)
        self._found: list[Detection] = []
        self.dropped = 0

    def push(
        self, ts: int, kind: str, side: int, score: float, confidence: float, px: int, *evidence: float
    ) -> None:
        """Take a detection."""
        if kind not in self._kinds:
            return
        if len(self._found) == MAX_DETECTIONS:
            del self._found[: MAX_DETECTIONS // 2]
            self.dropped += MAX_DETECTIONS // 2
        padded = (*(float(x) for x in evidence), *[NAN] * (EVIDENCE - len(evidence)))
        self._found.append(Detection(ts, kind, side, score, confidence, px, padded))

    def take(self) -> list[Detection]:
        """Hand over what was found since the last call."""
        found, self._found = self._found, []
        return found


class Held:
    """The value of the latest detection, as a held signal."""

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None

    def set(self, ts: int, value: float) -> None:
        """Take a detection with its signed value."""
        self._last = ts, value

    def live(self, t: int, hold: int) -> float | None:
        """Return the value while it is younger than ``hold``."""
        return None if self._last is None or t - self._last[0] >= hold else self._last[1]
