"""Recorded books of real markets through the recorder, the roll and the proof: nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.data.offers import MS
from tests.unit.data.test_recorder import books, lines, read, record

from quantumtrader.config import load_settings
from quantumtrader.data.importers import Options
from quantumtrader.data.lake import Lake
from quantumtrader.data.recorder import CollectorSettings
from quantumtrader.data.replayability import check_replayable
from quantumtrader.data.roll import recorded_lines, roll
from quantumtrader.data.source import load_events
from quantumtrader.types import Events, Kind

pytestmark = pytest.mark.integration

SETS = {"cme_es_mbo_20231225": "ESH4", "lobster_aapl_l50_1h": "AAPL", "binance_l2_20240808": "BTCUSDT"}


class Pieces:
    """Hands over events in pieces, as a busy feed does."""

    def __init__(self, events: Events, size: int = 500) -> None:
        self.events, self.size, self.at = events, size, 0

    def read(self, max: int) -> Events:
        out = self.events[self.at : self.at + min(max, self.size)]
        self.at += len(out)
        return out

    def take_messages(self) -> list[tuple[Any, ...]]:
        return []

    def counters(self) -> dict[str, int]:
        return {}


@pytest.mark.parametrize(("name", "symbol"), SETS.items())
def test_a_real_book_is_recorded_rolled_and_replayed(
    shared_data: Callable[[str], Path], root: Path, tmp_path: Path, name: str, symbol: str
) -> None:
    settings = load_settings(root / "examples" / "research.toml")
    options = Options(date=date(2012, 6, 21) if name.startswith("lobster") else None)
    loaded = load_events(shared_data(name), symbol, settings, options=options, sessions=False)
    events = loaded.events[:600_000]
    instrument = replace(loaded.instrument, symbol=symbol)
    settings_of_test = CollectorSettings(checkpoint_ns=5 * MS)
    collector = record(Pieces(events), tmp_path / "journal", instrument, settings=settings_of_test)
    assert read(collector).tobytes() == events.tobytes()
    points = lines(collector, "checkpoint")
    assert len(points) > 10

    result = check_replayable([events], instrument, books(), points)
    assert result.agreed == result.checkpoints == len(points)

    lake = Lake(tmp_path / "lake")
    (done,) = roll(tmp_path / "journal", lake, settings, now_ns=0)
    assert done.state == "rolled", done.notes
    assert lake.read(symbol).tobytes() == events.tobytes()
    recorded = [line for line in recorded_lines(lake, symbol, None, None) if line["what"] == "checkpoint"]
    assert recorded == points

    # Without an update near the end the book is another one.
    last = np.flatnonzero(np.isin(events["kind"][:-1], (Kind.ORDER, Kind.LEVEL)))[-1]
    assert not check_replayable([np.delete(events, last)], instrument, books(), points).valid
