"""Model folders as bytes: ``<models>/<name>/<version>/`` with a few plain files, read and written as a whole.

Every file is read once and what was read is what is hashed and parsed, so nothing can change in between. Links, further
files and names that lead elsewhere are refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path

from quantumtrader.exceptions import DataAccessError, ModelError

__all__ = [
    "MANIFEST",
    "check_name",
    "check_version",
    "fsync_folder",
    "name_of_symbol",
    "read_folder",
    "sha256",
    "write_folder",
    "write_whole",
]

MANIFEST = "manifest.json"
MAX_BYTES = 1 << 28
"""Bytes of one file; more is no model of ours."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")
_FILE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def check_name(name: str) -> str:
    """Return a model's name if it is one: it becomes a folder's name."""
    if not _NAME.fullmatch(name):
        raise ModelError(f"{name!r} is no name of a model: use a-z, 0-9, _ and -, at most 64")
    return name


def name_of_symbol(symbol: str, use: str) -> str:
    """Return the name of a model of an instrument: ``wdo_tick`` of ``WDO$``; signs that a name cannot have are left out."""
    return check_name(re.sub(r"[^a-z0-9_-]", "", f"{symbol.lower()}_{use}").lstrip("_-"))


def check_version(version: str) -> str:
    """Return a version if it is one: ``major.minor.patch``."""
    if not _VERSION.fullmatch(version):
        raise ModelError(f"{version!r} is no version of a model: write it as 1.4.0")
    return version


def read_folder(root: Path, name: str, version: str) -> dict[str, bytes]:
    """Read every file of a model folder.

    Parameters
    ----------
    root : Path
        The folder of all models; itself it may be a link, nothing below it may.
    name, version : str
        Which model.

    Returns
    -------
    dict of str to bytes
        By file name.

    Raises
    ------
    ModelError
        If there is no such folder, or it holds anything but plain files of its own.
    DataAccessError
        If it cannot be read.
    """
    folder = root / check_name(name) / check_version(version)
    for part in (folder.parent, folder):
        try:
            mode = part.lstat().st_mode
        except FileNotFoundError:
            raise ModelError(
                f"there is no model {name} {version}", path=part, remedy="See quantumtrader models list"
            ) from None
        if not stat.S_ISDIR(mode):
            raise ModelError("is no folder of its own (a link or a file)", path=part)
    found: dict[str, bytes] = {}
    try:
        for entry in sorted(os.scandir(folder), key=lambda e: e.name):
            found[entry.name] = _read(Path(entry.path))
    except OSError as error:
        raise DataAccessError(f"cannot be read ({error.strerror})", path=folder) from error
    return found


def _read(path: Path) -> bytes:
    if not _FILE.fullmatch(path.name):
        raise ModelError("has no place in a model folder", path=path, remedy="Remove it")
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ModelError("is no plain file (a link or a folder)", path=path)
    with os.fdopen(os.open(path, os.O_RDONLY | _NOFOLLOW), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise ModelError("is no plain file", path=path)
        if os.name == "posix" and about.st_mode & stat.S_IWOTH:
            raise ModelError(
                "may be written by everybody", path=path, remedy="chmod o-w it, after a look at it"
            )
        if about.st_size > MAX_BYTES:
            raise ModelError(f"has {about.st_size:,} bytes, at most {MAX_BYTES:,} are read", path=path)
        return file.read(MAX_BYTES + 1)


def write_folder(root: Path, name: str, version: str, files: Mapping[str, bytes]) -> Path:
    """Write a model folder as a whole: it is there with every file on the disk, or not at all.

    Files may be read and written by their owner only.

    Raises
    ------
    ModelError
        If the version is there already: versions never change.
    DataAccessError
        If it cannot be written; nothing is left behind.
    """
    home = root / check_name(name)
    folder = home / check_version(version)
    odd = [file for file in files if not _FILE.fullmatch(file)]
    if odd:
        raise ModelError(f"{odd[0]!r} is no name of a file of a model: use a-z, 0-9, _, . and -")
    temporary = home / f".{version}.{uuid.uuid4().hex}"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if home.is_symlink():
            raise ModelError("is a link", path=home)
        if folder.exists() or folder.is_symlink():
            raise ModelError(
                f"{name} {version} is there already", path=folder, remedy="Give it a new version"
            )
        temporary.mkdir(mode=0o700)
        for file, data in files.items():
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW
            with os.fdopen(os.open(temporary / file, flags, 0o600), "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        fsync_folder(temporary)
        temporary.rename(
            folder
        )  # fails when another process was quicker: folders with files are not replaced
        fsync_folder(home)
    except OSError as error:
        raise DataAccessError(
            f"cannot be written ({error.strerror})", path=folder, remedy="Check the disk and its permissions"
        ) from error
    finally:
        if temporary.exists():
            with contextlib.suppress(OSError):
                shutil.rmtree(temporary)
    return folder


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there with all of its bytes on the disk, or not at all.

    Raises
    ------
    DataAccessError
        It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise DataAccessError(
            f"cannot be written ({error.strerror or error})", path=path, remedy="Check disk and permissions"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def fsync_folder(folder: Path) -> None:
    """Force the entries of a folder to the disk, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
