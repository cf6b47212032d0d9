"""What a library file is, read from its first bytes: said before the operating system says it in riddles."""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Binary", "file_version", "identify", "this_system"]

_MACHINES = {0x014C: 32, 0x8664: 64, 0xAA64: 64}
"""Machine of a Windows library to its bits."""

_VERSION_SIGNATURE = struct.pack("<II", 0xFEEF04BD, 0x00010000)
"""``VS_FIXEDFILEINFO``: its signature and version, in front of the file's version."""


@dataclass(frozen=True, slots=True)
class Binary:
    """System and word size that a library was built for; ``system`` is empty when the file is no whole library."""

    system: str
    bits: int


def this_system() -> str:
    """Return ``Windows``, ``macOS`` or ``Linux``, which stands for all systems with ELF libraries."""
    return {"win32": "Windows", "darwin": "macOS"}.get(sys.platform, "Linux")


def identify(path: Path) -> Binary:
    """Say for which system a file is a library.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(64)
        if head[:5] == b"\x7fELF\x02" and len(head) == 64:
            # Loading a file that was cut off ends the process: its last part, the section table, must be there.
            (table,) = struct.unpack_from("<Q", head, 0x28)
            entry_bytes, entries = struct.unpack_from("<HH", head, 0x3A)
            whole = table + entry_bytes * entries <= path.stat().st_size
            return Binary("Linux", 64) if whole else Binary("", 0)
        if head[:5] == b"\x7fELF\x01":
            return Binary("Linux", 32)
        if head[:4] in (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"):
            return Binary("macOS", 64)
        if head[:2] == b"MZ" and len(head) == 64:
            file.seek(struct.unpack_from("<I", head, 0x3C)[0])
            pe = file.read(6)
            if pe[:4] == b"PE\0\0" and len(pe) == 6:
                return Binary("Windows", _MACHINES.get(struct.unpack_from("<H", pe, 4)[0], 0))
    return Binary("", 0)


def file_version(path: Path) -> str | None:
    """Return the version in the resources of a Windows library, such as ``4.0.0.41``; None when it has none.

    The library itself exports no version.
    """
    if identify(path).system != "Windows":
        return None
    data = path.read_bytes()
    at = data.rfind(_VERSION_SIGNATURE)
    if at < 0 or at + 16 > len(data):
        return None
    high, low = struct.unpack_from("<II", data, at + 8)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
