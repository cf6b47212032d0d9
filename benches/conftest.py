"""Data shared by the benchmarks: seeded, synthetic, the same on every machine."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

import pytest

from quantumtrader import Instrument, _backend
from quantumtrader.types import Events

NOTES = pytest.StashKey[list[str]]()
"""Lines for the end of the run."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the instruction counts."""
    parser.addoption("--instructions", action="store_true", help="count instructions under valgrind")
    parser.addoption(
        "--update-instructions", action="store_true", help="count them and write benches/instructions.json"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make room for notes."""
    config.stash[NOTES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the notes."""
    if config.stash[NOTES]:
        terminalreporter.section("measured")
        for note in config.stash[NOTES]:
            terminalreporter.write_line(note)


@pytest.fixture(scope="session")
def note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Say something at the end of the run."""
    return request.config.stash[NOTES].append


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
