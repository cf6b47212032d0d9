"""Data shared by the benchmarks: seeded, synthetic, the same on every machine."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from quantumtrader import Instrument, _backend
from quantumtrader.types import Events


@pytest.fixture(scope="session")
def wdo() -> Instrument:
    """A mini dollar contract."""
    return Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)


@pytest.fixture(scope="session")
def core() -> ModuleType:
    """The engine in force."""
    return _backend.core()  # type: ignore[return-value]


@pytest.fixture(scope="session")
def python() -> ModuleType:
    """The Python engine, whichever is in force."""
    return importlib.import_module("quantumtrader._fallback")


@pytest.fixture(scope="session")
def events() -> Events:
    """A synthetic session of 20,000 events."""
    return _backend.core().generate_session(7, max_events=20_000)
