"""Records out of columns, the inverse of :func:`quantumtrader.types.columns`, and which of them are prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.types import EVENT, Events, Flag, Kind

_BLOCK = 4_096
"""Records made at a time: 256 KiB, which a core's own cache holds while the columns are filled in."""
_RAW = np.dtype(f"V{EVENT.itemsize}")
NOT_A_PRINT = int(Flag.CANCELLED | Flag.EDITED)
"""Flags of trade records that are no volume."""
WITHOUT_AGGRESSOR = int(Flag.CROSS | Flag.AUCTION)
"""Flags of prints without a side, whatever the record says; ``RLP`` is signed only where a rule does."""


def pack_events(
    out: Events,
    places: npt.NDArray[np.int64],
    template: Events | np.void,
    columns: Mapping[str, npt.NDArray[Any]],
) -> None:
    """Write a record per row: the fields of ``template``, and of ``columns`` where there is one.

    Parameters
    ----------
    out : Events, shape (m,)
        Where the records go; row ``i`` becomes ``out[places[i]]``.
    places : array of int64, shape (n,)
        Indices into ``out``.
    template : record, or array of one record
        Values of the fields that have no column.
    columns : mapping of str to array, shape (n,)
        Field name of ``EVENT`` to its values, of the field's dtype.

    Raises
    ------
    ValueError
        A column is unknown, of another dtype or of another length.
    IndexError
        A place is outside ``out``. Rows before its block may have been written.
    """
    for name, values in columns.items():
        if name not in (EVENT.names or ()) or name == "reserved":
            raise ValueError(f'events have no field "{name}"')
        if values.dtype != EVENT[name] or values.ndim != 1:
            raise ValueError(f"{name} must be an array of {EVENT[name]}")
        if len(values) != len(places):
            raise ValueError(f"{name} has {len(values)} values, expected {len(places)}")
    outside = (places < 0) | (places >= len(out))
    if outside.any():
        raise IndexError(f"place {places[np.argmax(outside)]} is outside the {len(out)} records of out")
    block = np.empty(min(_BLOCK, len(places)), EVENT)
    block[:] = template
    targets = [(block[name], values) for name, values in columns.items()]
    # Records are moved as 64 opaque bytes: numpy copies structured fields one by one.
    raw, packed = out.view(_RAW), block.view(_RAW)
    for start in range(0, len(places), _BLOCK):
        count = min(_BLOCK, len(places) - start)
        for target, values in targets:
            target[:count] = values[start : start + count]
        raw[places[start : start + count]] = packed[:count]


def prints(events: Events) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int8]]:
    """Say which records are trades that count as volume, and on which side.

    The rules are the tape's with ``rlp_sign="drop"``: crosses, auction prints and retail-liquidity prints have no
    side.

    Returns
    -------
    counts : ndarray of bool, shape (n,)
    side : ndarray of int8, shape (n,)
        1 bought, -1 sold, 0 neither.
    """
    flags = events["flags"]
    unsigned = WITHOUT_AGGRESSOR | int(Flag.RLP)
    counts = (events["kind"] == Kind.TRADE) & (events["size"] > 0) & (flags & NOT_A_PRINT == 0)
    return counts, np.where(counts & (flags & unsigned == 0), events["side"], 0)
