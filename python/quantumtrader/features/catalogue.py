"""The catalogue: what every feature is, generated from the engine's own declarations."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from quantumtrader._fallback.features.suggestions import suggestion
from quantumtrader.exceptions import UnknownFeatureError
from quantumtrader.features.aliases import ALIASES, canonical
from quantumtrader.features.lags import split_lag


@dataclass(frozen=True, slots=True)
class FeatureInfo:
    """One catalogue entry.

    Parameters
    ----------
    number : int
        Number in the catalogue.
    name : str
        Canonical name.
    family : str
        ``order_flow``, ``liquidity``, ``microstructure``, ``technical``, ….
    definition : str
        The formula.
    inputs : tuple of str
        ``T`` trades, ``L1`` touch, ``L2`` book by price, ``L3`` book by order, ``B`` closed bars.
    window : str
        How far back it looks.
    unit : str
        Unit of the value; empty for a pure number.
    range : tuple of (float or None)
        Least and greatest value; None where there is no bound.
    kind : str
        ``float``, ``integer`` or ``flag``; the last two are the same in every engine to the bit.
    warmup : str
        ``Wt`` time since the session start, ``Wn`` items or bars, ``Ws`` first event that defines it, ``0`` none.
    warmup_ns : int or None
        The time of rule Wt.
    warmup_items : int or None
        The count of rule Wn.
    zero : str or None
        Value where the denominator is 0: ``Z0`` gives 0, ``ZN`` gives NaN.
    reset : str
        What makes it start anew: ``session``, ``roll`` or ``book``.
    swap_sides : str or None
        Under exchange of sides and negation of prices it ``flips`` its sign or ``keeps`` its value.
    scale_sizes : str or None
        When all sizes are multiplied it ``keeps`` its value or ``scales`` with them.
    update : str
        Update recipe.
    source : str
        Where the definition comes from.
    """

    number: int
    name: str
    family: str
    definition: str
    inputs: tuple[str, ...]
    window: str
    unit: str
    range: tuple[float | None, float | None]
    kind: str
    warmup: str
    warmup_ns: int | None
    warmup_items: int | None
    zero: str | None
    reset: str
    swap_sides: str | None
    scale_sizes: str | None
    update: str
    source: str


def catalogue() -> tuple[FeatureInfo, ...]:
    """Return every feature, in catalogue order."""
    return tuple(_entries().values())


def catalogue_hash() -> str:
    """Return the hash of names and definitions; models carry it, so that a changed meaning is noticed."""
    return str(_document()["hash"])


def info(name: str) -> FeatureInfo:
    """Return one entry; an alias gives that of its feature, ``name@3`` that of the feature three rows before.

    Raises
    ------
    UnknownFeatureError
        If the catalogue has no such name; the message offers close ones.
    """
    wanted, lag = split_lag(canonical(name))
    try:
        entry = _entries()[wanted]
    except KeyError:
        where = f' (which "{name}" stands for)' if wanted != name else ""
        raise UnknownFeatureError(
            f'no feature "{wanted}"{where} in the catalogue'
            f"{suggestion(wanted, (*_entries(), *ALIASES)) or '.'} All names: quantumtrader features list"
        ) from None
    if not lag:
        return entry
    back = f"{lag} row{'s' * (lag > 1)} before, within the session"
    # When it is there depends on the sampling clock, so its warm-up is no time.
    return replace(
        entry,
        name=f"{wanted}@{lag}",
        definition=f"{entry.definition}; {back}",
        warmup_ns=None,
        warmup_items=None,
    )


@cache
def definition_hash(name: str) -> str:
    """Return the hash of one feature's definition: SHA-256 of its catalogue entry, 16 hexadecimal digits.

    It changes when anything that the entry says changes, the formula, window or warm-up among them; unlike
    :func:`catalogue_hash` it does not when another feature is added. Its number and its source do not count.

    Raises
    ------
    UnknownFeatureError
        If the catalogue has no such name.
    """
    entry = asdict(info(name))
    del entry["number"], entry["source"]
    return hashlib.sha256(canonical_json(entry)).hexdigest()[:16]


def canonical_json(document: Any) -> bytes:
    """Return JSON that is the same for equal documents: sorted keys, no spaces, UTF-8, no NaN."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


@cache
def _document() -> dict[str, Any]:
    path = resources.files("quantumtrader._generated") / "catalog.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


@cache
def _entries() -> dict[str, FeatureInfo]:
    return {entry["name"]: _entry(entry) for entry in _document()["features"]}


def _entry(entry: dict[str, Any]) -> FeatureInfo:
    low, high = entry["range"] or (None, None)
    return FeatureInfo(**{**entry, "inputs": tuple(entry["inputs"]), "range": (low, high)})
