"""The switch that stops trading: soft (entries) or hard (exits as well), shared by managers and kept in a file.

A tripped switch outlives the process: the file says so until a person clears it. The file also works the other way
round: one that appears, with any content, trips every process that looks at it (``touch`` is enough). A file that
cannot be read trips hard, because nobody knows what it says.
"""

from __future__ import annotations

import codecs
import json
import logging
import os
from collections import deque
from pathlib import Path

from quantumtrader.exceptions import DataAccessError, OrderError

__all__ = ["KillSwitch"]

_log = logging.getLogger(__name__)
_LOG_LENGTH = 1_000
_MAX_REASON = 500


class KillSwitch:
    """State of the kill switch.

    Parameters
    ----------
    path : Path, optional
        Owner-only file that keeps a trip over a restart; without one it lasts as long as the object.

    Raises
    ------
    DataAccessError
        If the folder of ``path`` does not exist.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.reason = ""
        """Why it is on; empty when it is off."""
        self.hard = False
        """Whether exits are refused as well."""
        self.epoch = 0
        """Moves so far: an approval from before the last one is void."""
        self._log: deque[str] = deque(maxlen=_LOG_LENGTH)
        self._known: tuple[int, int, int] | None = None
        if self.path is not None and not self.path.parent.is_dir():
            raise DataAccessError(
                "the kill switch has no folder to keep its file in",
                path=self.path,
                remedy="Create the folder, or choose another file",
            )
        self.refresh()

    @property
    def on(self) -> bool:
        """Whether it is tripped."""
        return bool(self.reason)

    @property
    def log(self) -> tuple[str, ...]:
        """The last thousand moves, in order."""
        return tuple(self._log)

    def trip(self, reason: str, *, hard: bool = False) -> None:
        """Switch trading off until a person clears it.

        It holds in memory before it is written: a full disk does not keep trading on, it only loses the trip at a
        restart, and says so in the log.

        Parameters
        ----------
        reason : str
            Shown in every refusal.
        hard : bool
            Refuse exits as well: for orders that run away, where each further one makes it worse.
        """
        if not reason:
            raise OrderError("kill switch: tripping it needs a reason")
        self._set(reason, self.hard or hard, f"trip{' hard' if hard else ''}: {reason}")
        if self.path is None:
            return
        try:
            self._write()
        except OSError as error:
            text = f"the trip could not be written to {self.path}: {error.strerror}; it is lost at a restart"
            self._log.append(text)
            _log.critical("kill switch: %s", text)

    def clear(self, by: str) -> None:
        """Switch trading on again; ``by`` names the person who decided so.

        Raises
        ------
        DataAccessError
            If the file cannot be removed; the switch stays on.
        """
        if not by:
            raise OrderError("kill switch: clearing it needs the name of the person who decides so")
        if self.path is not None:
            try:
                self.path.unlink(missing_ok=True)
            except OSError as error:
                raise DataAccessError(
                    f"kill switch: the file cannot be removed: {error.strerror}",
                    path=self.path,
                    remedy="Remove it by hand, then clear the switch again",
                ) from error
            self._known = None
        self._set("", False, f"clear by {by}: was {self.reason}")

    def refresh(self) -> None:
        """Look at the file: one that appeared or changed since the last look trips the switch.

        One that vanished changes nothing before a restart: only ``clear`` switches a running process on again.
        """
        if self.path is None:
            return
        try:
            found = os.stat(self.path)
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
            if stamp == self._known:
                return
            found_bytes = self.path.read_bytes()
        except FileNotFoundError:
            self._known = None
            return
        except OSError as error:
            reason = f"the kill switch file {self.path} cannot be read: {error.strerror}"
            if (self.reason, self.hard) != (reason, True):
                self._set(reason, True, f"trip hard: {reason}")
            return
        self._known = stamp
        reason, hard = _parse(_text(found_bytes), self.path)
        self._set(reason, self.hard or hard, f"trip{' hard' if hard else ''}: {reason} (from {self.path})")

    def _set(self, reason: str, hard: bool, line: str) -> None:
        self.reason, self.hard = reason, hard
        self.epoch += 1
        self._log.append(line)
        _log.warning("kill switch: %s", line)

    def _write(self) -> None:
        assert self.path is not None
        body = json.dumps({"reason": self.reason, "hard": self.hard}, ensure_ascii=False) + "\n"
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        if os.name == "posix":  # a rename lasts once its folder is on the disk
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        found = os.stat(self.path)
        self._known = (found.st_mtime_ns, found.st_ino, found.st_size)


def _text(found: bytes) -> str:
    """Text of the file; a person's ``echo … > FILE`` in Windows PowerShell writes UTF-16."""
    utf16 = found.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return found.decode("utf-16" if utf16 else "utf-8-sig", errors="replace")


def _parse(text: str, path: Path) -> tuple[str, bool]:
    """Read what we wrote, or what a person wrote: any other text is the reason of a soft trip."""
    try:
        body = json.loads(text)
        if isinstance(body, dict) and isinstance(body.get("reason"), str) and body["reason"]:
            return body["reason"][:_MAX_REASON], body.get("hard") is not False
    except ValueError:
        pass  # not ours: written by hand
    return text.strip()[:_MAX_REASON] or f"the file {path} is there", False
