"""The recorded book against the books of the engine."""

from __future__ import annotations

import numpy as np
import pytest

from exhaustive import sample
from quantumtrader._backend import core
from quantumtrader.evaluation.recorded_book import Form, RecordedBook
from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Kind, Phase

NAMES = ("kind", "action", "side", "flags", "px", "size", "id", "ref_a", "ref_b")
CHANGES = (Action.ADD, Action.EDIT, Action.DELETE, Action.DELETE_FROM)
IMAGE = (Action.CLEAR, Action.SNAPSHOT_BEGIN, Action.SNAPSHOT_END)


def random_records(form: Form, count: int, rng: np.random.Generator) -> Events:
    """Records of a small book, senseless ones among them: bad sides, sizes, prices, ids and positions."""
    out = np.zeros(count, EVENT)
    out["kind"] = rng.choice(
        [form.kind, Kind.GAP, Kind.SESSION, Kind.TRADE], count, p=[0.94, 0.02, 0.02, 0.02]
    )
    book = out["kind"] == form.kind
    weights = (0.5, 0.3, 0.15, 0.05) if form is Form.POSITION else (0.4, 0.3, 0.29, 0.01)
    change = rng.choice(CHANGES, count, p=weights)
    out["action"] = np.where(rng.random(count) < 0.05, rng.choice(IMAGE, count), change)
    out["action"][~book] = rng.choice([Phase.ROLL, Phase.OPEN], int((~book).sum()))
    out["side"] = rng.choice([1, -1, 0, 2], count, p=[0.46, 0.46, 0.07, 0.01])
    out["px"] = np.where(rng.random(count) < 0.1, PX_NONE, rng.integers(995, 1_005, count))
    out["size"] = rng.integers(-2, 12, count)
    out["flags"] = np.where(rng.random(count) < 0.15, int(Flag.DELTA), 0)
    out["id"] = rng.integers(0, 25, count)
    out["ref_a"] = rng.integers(0, 4, count)
    out["ref_b"] = rng.integers(-2, 12, count) if form is Form.POSITION else -1
    if form is Form.ID:
        out["ref_b"][rng.random(count) < 0.02] = -2
    elif form is Form.POSITION:
        out["ref_b"][out["ref_b"] == -1] = 0  # an order named by id is another form
    return out


def shown(book: RecordedBook) -> dict[tuple[int, int], int]:
    return dict(sorted(book.rows.items())) if book.valid else {}


@pytest.mark.parametrize("form", [Form.LEVEL, Form.ID, Form.POSITION])
@pytest.mark.parametrize("seed", range(sample(10, 200)))
def test_it_shows_what_the_engine_shows(form: Form, seed: int) -> None:
    events = random_records(form, 400, np.random.default_rng([seed, form.by_order]))
    real = core().L2Book() if form is Form.LEVEL else core().OrderBook()
    book, known = RecordedBook(form), 0
    for k, row in enumerate(events):
        if k % 50 == 49:
            book = book.copy()
        book.apply({name: int(row[name]) for name in NAMES})
        real.update(row)
        assert book.valid is real.valid, k
        known += book.valid
        bid_px, bid_size, ask_px, ask_size = real.depth(12)
        levels = {(1, int(px)): int(q) for px, q in zip(bid_px, bid_size, strict=True) if q}
        levels |= {(-1, int(px)): int(q) for px, q in zip(ask_px, ask_size, strict=True) if q}
        assert shown(book) == dict(sorted(levels.items())), k
        for side, px in ((1, bid_px[0]), (-1, ask_px[0])):
            assert book.best(side) == (None if px == PX_NONE else px), k
        if not isinstance(real, core().L2Book) and book.valid:
            for side in (1, -1):
                keys = list(book.keys(side))
                own = [book.orders[key] for key in keys]
                if form is Form.ID:
                    own.sort(key=lambda o: o.px, reverse=side > 0)
                columns = [column.tolist() for column in real.orders(side)]
                assert [(o.id, o.px, o.size, o.broker) for o in own] == list(zip(*columns, strict=True)), k
    assert 0 < known < 400


def test_an_image_that_did_not_begin_ends_nothing() -> None:
    rows = (
        (Kind.LEVEL, Action.ADD, True),
        (Kind.GAP, 0, False),
        (Kind.LEVEL, Action.SNAPSHOT_END, False),
        (Kind.LEVEL, Action.SNAPSHOT_BEGIN, False),
        (Kind.GAP, 0, False),  # the image has a gap of its own
        (Kind.LEVEL, Action.SNAPSHOT_END, False),
        (Kind.LEVEL, Action.SNAPSHOT_BEGIN, False),
        (Kind.LEVEL, Action.SNAPSHOT_END, True),
    )
    book = RecordedBook(Form.LEVEL)
    for k, (kind, action, valid) in enumerate(rows):
        fields = dict.fromkeys(NAMES, 0) | {
            "kind": int(kind),
            "action": int(action),
            "side": 1,
            "px": 5,
            "size": 1,
        }
        book.apply(fields)
        assert book.valid is valid, k
