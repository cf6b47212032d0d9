"""Locks between processes: one writer per symbol and folder. The system frees them when their process ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from quantumtrader.exceptions import DataAccessError

__all__ = ["SymbolLock", "is_locked"]


class SymbolLock:
    """Holds the right to record one symbol into a folder.

    Raises
    ------
    DataAccessError
        Another process, or another collector of this one, has it.
    """

    def __init__(self, folder: Path, symbol: str) -> None:
        self.path = folder / f".{symbol}.lock"
        try:
            self._fd: int | None = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise DataAccessError(
                f"cannot lock {symbol}: {error.strerror or error}",
                path=self.path,
                remedy="Check the permissions of the folder",
            ) from error
        if not _try_lock(self._fd):
            os.close(self._fd)
            self._fd = None
            raise DataAccessError(
                f"{symbol} is being recorded into this folder by another collector",
                path=folder,
                remedy="Stop it, or record into another folder",
            )

    def release(self) -> None:
        """Give the right back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def is_locked(folder: Path, symbol: str) -> bool:
    """Whether somebody records the symbol into the folder now."""
    try:
        SymbolLock(folder, symbol).release()
    except DataAccessError:
        return True
    return False


if sys.platform == "win32":
    import msvcrt

    def _try_lock(fd: int) -> bool:
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
