"""Both engines behind ``quantumtrader._backend`` in turn."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from quantumtrader import _backend


@pytest.fixture
def in_force(engine: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put an engine in force for one test; the value is its name."""
    monkeypatch.setenv(_backend.ENGINE_VARIABLE, engine.ENGINE)
    _backend._resolve.cache_clear()
    yield engine.ENGINE
    _backend._resolve.cache_clear()
