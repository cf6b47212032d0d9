"""The folder where a gateway and its clients meet: the ring, the socket, the token; for its owner alone.

Whoever can open these files can read the tape of a paying subscriber, and ask for orders. So both sides refuse a folder or
a file that others could open, before anything else is done. On Windows the access rights of the folder decide: keep it
inside the user's profile, where the default is.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs

from quantumtrader.exceptions import ConfigError, SessionError

__all__ = ["Endpoint", "GatewayFolder", "default_folder"]

_MAX_SOCKET_PATH = 100
"""Bytes that every system allows for the path of a Unix socket."""
_MAX_FILE = 1 << 20


def default_folder() -> Path:
    """Where the gateway lives unless it is told otherwise: the user's folder for running programs."""
    return Path(platformdirs.user_runtime_dir("quantumtrader", appauthor=False)) / "gateway"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a running gateway listens.

    Parameters
    ----------
    pid : int
        Its process.
    life : str
        Differs after every start of the process: numbers of orders are worth something within one life.
    transport : str
        ``unix`` or ``tcp``.
    port : int
        On 127.0.0.1; 0 for a Unix socket.
    """

    pid: int
    life: str
    transport: str
    port: int = 0


class GatewayFolder:
    """Names the files, makes them for their owner alone, and refuses others.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).absolute()
        self.ring = self.path / "market.ring"
        self.socket = self.path / "gateway.sock"
        self.token = self.path / "token"
        self.endpoint = self.path / "endpoint.json"
        self.instruments = self.path / "instruments.json"
        """Which ticker has which number in the ring; it lives as long as the ring."""
        self.desks = self.path / "desks.json"
        """Which orders clients gave, for the gateway that comes after a crash."""

    def prepare(self) -> None:
        """Make the folder, or check the one that is there.

        Raises
        ------
        ConfigError
            It cannot be made, is not ours, or others can look into it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"the gateway's folder {self.path} cannot be made: {error.strerror}; name another one with --folder"
            ) from error
        self.check(self.path)

    def check(self, path: Path) -> None:
        """Refuse a file or folder that others can open.

        Raises
        ------
        ConfigError
            It belongs to somebody else, is a link, or its mode is too wide.
        SessionError
            It is not there: no gateway runs here.
        """
        try:
            found = path.lstat()
        except FileNotFoundError as error:
            raise SessionError(
                f"no gateway in {self.path}: {path.name} is missing; start `quantumtrader gateway --folder {self.path}`"
            ) from error
        except OSError as error:
            raise ConfigError(f"{path} cannot be looked at: {error.strerror}") from error
        if os.name != "posix":
            return
        if stat.S_ISLNK(found.st_mode):
            raise ConfigError(f"{path} is a link, which may lead anywhere: use the folder itself")
        if found.st_uid != os.getuid():
            raise ConfigError(f"{path} belongs to user {found.st_uid}, not to you ({os.getuid()})")
        if (mode := stat.S_IMODE(found.st_mode)) & 0o077:
            raise ConfigError(
                f"{path} can be opened by others (mode {mode:04o}): stop the gateway, run `chmod go= {path}`, and ask who "
                "could have read it"
            )

    def socket_path(self) -> str:
        """Path of the Unix socket; raises ``ConfigError`` when the system cannot bind one so long."""
        text = str(self.socket)
        if len(os.fsencode(text)) > _MAX_SOCKET_PATH:
            raise ConfigError(
                f"{text} is too long for a socket ({_MAX_SOCKET_PATH} bytes at most): name a shorter folder with --folder"
            )
        return text

    def new_token(self) -> bytes:
        """Write a fresh token and return it."""
        token = secrets.token_bytes(32)
        self._write(self.token, token.hex().encode())
        return token

    def read_token(self) -> bytes:
        """Return the token of the running gateway; raises as :meth:`check` does."""
        content = self._read(self.token)
        try:
            token = bytes.fromhex(content.decode("ascii"))
        except ValueError as error:
            raise SessionError(f"{self.token} holds no token: is a gateway starting just now?") from error
        if len(token) != 32:
            raise SessionError(f"{self.token} holds {len(token)} bytes, expected 32")
        return token

    def write_endpoint(self, endpoint: Endpoint) -> None:
        """Tell clients where the gateway listens."""
        self._write(self.endpoint, json.dumps(asdict(endpoint)).encode())

    def read_endpoint(self) -> Endpoint:
        """Where the gateway listens; raises as :meth:`check` does."""
        found = self._json(self.endpoint)
        try:
            endpoint = Endpoint(**found)
        except TypeError as error:
            raise SessionError(f"{self.endpoint} is not one of this version: {error}") from error
        if endpoint.transport not in ("unix", "tcp"):
            raise SessionError(f"{self.endpoint}: transport {endpoint.transport!r} is not known")
        return endpoint

    def write_rows(self, path: Path, rows: list[dict[str, Any]]) -> None:
        """Keep a list in :attr:`instruments` or :attr:`desks`."""
        self._write(path, json.dumps({"rows": rows}).encode())

    def read_rows(self, path: Path) -> list[dict[str, Any]]:
        """Return what :meth:`write_rows` kept; nothing where nothing was."""
        if not path.exists():
            return []
        rows = self._json(path).get("rows")
        if not isinstance(rows, list):
            raise ConfigError(f"{path} has no rows: stop the gateway and remove it")
        return rows

    def leave(self) -> None:
        """Take away what clients look for; the ring stays, so that their readers go on after a restart."""
        for path in (self.endpoint, self.socket, self.token, self.desks):
            with contextlib.suppress(OSError):
                path.unlink()

    def _json(self, path: Path) -> dict[str, Any]:
        content = self._read(path)
        try:
            found = json.loads(content)
        except ValueError as error:
            raise SessionError(
                f"{path} is no JSON: {error}; remove it and start the gateway again"
            ) from error
        if not isinstance(found, dict):
            raise SessionError(f"{path} holds no table; remove it and start the gateway again")
        return found

    def _read(self, path: Path) -> bytes:
        self.check(path)
        with path.open("rb") as file:
            return file.read(_MAX_FILE)

    def _write(self, path: Path, content: bytes) -> None:
        """Replace a file as a whole, so that nobody reads half of it."""
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
        fresh.replace(path)
