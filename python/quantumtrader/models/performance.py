"""What each session brought, by version: an append-only file that the promotion gate reads."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quantumtrader.clock import Clock, LiveClock
from quantumtrader.exceptions import ModelError
from quantumtrader.models.folder import check_name, check_version
from quantumtrader.models.gate import SessionResult
from quantumtrader.models.records import ChainedFile
from quantumtrader.models.states import ModelState

__all__ = ["PerformanceLog"]

FILE = "performance.jsonl"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class PerformanceLog:
    """Results of all versions of one name.

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
        self._file = ChainedFile(root / check_name(name) / FILE)
        self._clock = clock or LiveClock()

    def record(self, version: str, state: ModelState, metrics: Mapping[str, Any]) -> None:
        """Append one session: each once, in the order of happening.

        Parameters
        ----------
        version : str
            Which version.
        state : ModelState
            Its state during the session.
        metrics : mapping
            ``session`` (``YYYY-MM-DD``) and ``result``, in the unit of the model's prediction interval; any other
            finite numbers by name.

        Raises
        ------
        ModelError
            If one of the two is missing, a value is no finite number, or the session is not later than those that are
            recorded for this version: what was said of one is not said again.
        """
        session = str(metrics.get("session", ""))
        numbers = {k: v for k, v in metrics.items() if k != "session"}
        if not _DATE.fullmatch(session) or "result" not in numbers:
            raise ModelError("performance: a session (YYYY-MM-DD) and its result are needed")
        odd = [k for k, v in numbers.items() if isinstance(v, bool) or not _finite(v)]
        if odd:
            raise ModelError(f"performance: {odd[0]} is {numbers[odd[0]]!r}, expected a finite number")
        line = {
            "ts": self._clock.now_ns(),
            "version": check_version(version),
            "state": str(state),
            "session": session,
            "metrics": {k: float(v) for k, v in sorted(numbers.items())},
        }

        def later(lines: list[dict[str, Any]]) -> dict[str, Any]:
            last = max((x["session"] for x in lines if x["version"] == version), default="")
            if session <= last:
                raise ModelError(
                    f"performance: {session} of version {version} is not after {last}, which is recorded already",
                    path=self._file.path,
                    remedy="Each session counts once, in the order of happening",
                )
            return line

        self._file.append(later)

    def lines(self, version: str | None = None) -> list[dict[str, Any]]:
        """Return what was recorded, oldest first."""
        return [line for line in self._file.read() if version in (None, line["version"])]

    def results(self, version: str) -> list[SessionResult]:
        """Return what the gate reads."""
        return [
            SessionResult(line["session"], line["state"], line["metrics"]["result"])
            for line in self.lines(version)
        ]


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False
