"""Arrays as bytes of an ``.npz`` file: the same arrays give the same bytes, and nothing in them is executed."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ModelError

__all__ = ["pack_arrays", "unpack_arrays"]

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MAX_BYTES = 1 << 28


def pack_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return an ``.npz`` file; ``numpy.savez`` would write the time of day into it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            body = io.BytesIO()
            np.lib.format.write_array(
                body, np.ascontiguousarray(arrays[name]), version=(1, 0), allow_pickle=False
            )
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), body.getvalue(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def unpack_arrays(data: bytes, what: str) -> dict[str, npt.NDArray[Any]]:
    """Read what :func:`pack_arrays` wrote.

    Raises
    ------
    ModelError
        If it is no such file, holds objects, or unpacks to more than 256 MiB.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MAX_BYTES:
                raise ModelError(f"{what} unpacks to more than {_MAX_BYTES:,} bytes")
            return {
                info.filename.removesuffix(".npy"): np.lib.format.read_array(
                    io.BytesIO(archive.read(info)), allow_pickle=False
                )
                for info in archive.infolist()
            }
    except (
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        OSError,
        EOFError,
        KeyError,
        NotImplementedError,
    ) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{what} is no file of arrays ({error})") from error
