"""An assessment as files: JSON for what people and programs read, arrays beside it, each with its hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

import numpy.typing as npt

from quantumtrader.exceptions import DataAccessError, DataFormatError, ModelError
from quantumtrader.features.catalogue import canonical_json
from quantumtrader.models.arrays import pack_arrays, unpack_arrays
from quantumtrader.models.folder import write_whole
from quantumtrader.training.assessment.codec import decode, encode

__all__ = ["ARRAYS", "DOCUMENT", "read_assessment", "write_assessment"]

T = TypeVar("T")

DOCUMENT, ARRAYS = "assessment.json", "arrays.npz"
SCHEMA = 1


def write_assessment(assessment: Any, folder: Path) -> None:
    """Write both files; the JSON last, so that a folder that was cut off has none, or the old one that does not fit."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    body = encode(assessment, arrays)
    packed = pack_arrays(arrays)
    document = {"schema": SCHEMA, "assessment": body, "arrays_sha256": _sha(packed)}
    document["sha256"] = _sha(canonical_json(document))
    write_whole(folder / ARRAYS, packed)
    write_whole(folder / DOCUMENT, canonical_json(document) + b"\n")


def read_assessment(kind: type[T], folder: Path) -> T:
    """Read both files and hold them against their hashes."""
    path = folder / DOCUMENT
    raw, packed = (_bytes(folder / name) for name in (DOCUMENT, ARRAYS))
    try:
        document = json.loads(raw)
        told = document.pop("sha256")
        schema, packed_sha = document["schema"], document["arrays_sha256"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataFormatError(f"this is no assessment ({error})", path=path) from error
    if schema != SCHEMA:
        raise DataFormatError(f"layout {schema!r} is not known; this version reads {SCHEMA}", path=path)
    # To the byte: a digit that rounds to the same number is a change too.
    if told != _sha(canonical_json(document)) or raw != canonical_json({**document, "sha256": told}) + b"\n":
        raise DataFormatError("it was changed after it was written", path=path, remedy=_REMEDY)
    if packed_sha != _sha(packed):
        raise DataFormatError("it was changed after it was written", path=folder / ARRAYS, remedy=_REMEDY)
    try:
        return decode(kind, document["assessment"], unpack_arrays(packed, ARRAYS))  # type: ignore[no-any-return]
    except (DataFormatError, ModelError, KeyError) as error:
        raise DataFormatError(f"this is no assessment of this version: {error}", path=path) from error


_REMEDY = "Assess the training again"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataAccessError(
            f"the assessment cannot be read: {error.strerror or error}",
            path=path,
            remedy="Is it the folder of a training?",
        ) from error


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
