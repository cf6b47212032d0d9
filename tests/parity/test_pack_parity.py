"""Columns to records: the compiled packer and the numpy one write the same bytes and refuse the same input."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np
import pytest

from quantumtrader._records import pack_events
from quantumtrader.types import EVENT, Events

FIELDS = [name for name in EVENT.names or () if name != "reserved"]


def columns(n: int, names: list[str], seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    limits = {name: np.iinfo(EVENT[name]) for name in names}
    return {
        name: rng.integers(low.min, low.max, n, EVENT[name], endpoint=True) for name, low in limits.items()
    }


def template() -> Events:
    out = np.zeros(1, EVENT)
    out["kind"], out["px_ask"], out["flags"] = 3, -7, 256
    return out


@pytest.mark.parametrize("n", [0, 1, 255, 256, 257, 10_000])
@pytest.mark.parametrize("names", [[], FIELDS, ["sequence", "px", "side"], ["kind"]])
def test_every_field_comes_from_its_column_or_the_template(
    engine: ModuleType, n: int, names: list[str]
) -> None:
    given = columns(n, names)
    places = np.random.default_rng(1).permutation(n + 3)[:n]
    out = np.zeros(n + 3, EVENT)
    engine.pack_events(out, places, template(), given)
    expected = np.zeros(n + 3, EVENT)
    for name in FIELDS:
        expected[name][places] = given.get(name, template()[name])
    assert out.tobytes() == expected.tobytes()


def test_read_only_and_unaligned_arrays_are_fine(engine: ModuleType) -> None:
    given = columns(300, ["px", "id"])
    for values in given.values():
        values.flags.writeable = False
    base = np.zeros(64 * 300 + 8, np.uint8)
    out = base[8:].view(EVENT)
    engine.pack_events(out, np.arange(300), template()[0], given)
    for name, values in given.items():
        assert (out[name] == values).all()
    assert (out["kind"] == 3).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"price": np.zeros(4, np.int32)}, 'events have no field "price"'),
        ({"reserved": np.zeros(4, np.uint8)}, 'events have no field "reserved"'),
        ({"px": np.zeros(4, np.int64)}, "px must be an array of int32"),
        ({"px": np.zeros(3, np.int32)}, "px has 3 values, expected 4"),
    ],
)
def test_wrong_columns_are_named(engine: ModuleType, change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        engine.pack_events(np.zeros(4, EVENT), np.arange(4), template(), columns(4, ["size"]) | change)


@pytest.mark.parametrize("place", [-1, 4])
def test_a_place_outside_is_refused(engine: ModuleType, place: int) -> None:
    with pytest.raises(IndexError, match=f"place {place} is outside the 4 records of out"):
        engine.pack_events(np.zeros(4, EVENT), np.array([0, place]), template(), columns(2, ["px"]))


def test_the_python_engine_has_the_packer_of_the_lake() -> None:
    assert importlib.import_module("quantumtrader._fallback").pack_events is pack_events
