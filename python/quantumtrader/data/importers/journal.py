"""Journals of the recorder, for a replay without the lake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from quantumtrader.data.importers.base import Imported, Options
from quantumtrader.data.journal import JournalReader, is_journal
from quantumtrader.exceptions import EmptyDataError
from quantumtrader.types import Events, Instrument


class Journal:
    """One symbol of a journal, as it was received; ``collect --roll-only`` brings all of them into the lake."""

    name = "journal"
    describes = "journal of quantumtrader collect"
    sorts = False

    def sniff(self, path: Path) -> bool:
        """Look at the first bytes."""
        return path.is_file() and is_journal(path)

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read frame by frame; see ``Importer.read``."""
        reader = JournalReader(path)
        index = reader.header.index(instrument.symbol)
        row = next(r for r in reader.header.instruments if r.index == index)
        on_grid = replace(instrument, tick_size=row.tick_size)
        held: list[Events] = []
        waiting, any_event = 0, False
        for events in reader:
            mine = events[events["instrument"] == index]
            mine["instrument"] = 0
            held.append(mine)
            waiting += len(mine)
            if waiting >= options.chunk_rows:
                yield Imported(np.concatenate(held), on_grid)
                held, waiting, any_event = [], 0, True
        if not waiting and not any_event:
            raise EmptyDataError(f"no events of {instrument.symbol}", path=path, remedy="Record longer")
        notes = [f"the last {reader.torn:,} bytes were not written to the end"] if reader.torn else []
        yield Imported(np.concatenate(held) if held else np.zeros(0, mine.dtype), on_grid, notes=notes)
