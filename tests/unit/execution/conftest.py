"""What tests of the execution share."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripted_gateway import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path / "orders.journal")
    assert bench.manager.initialize()
    return bench
