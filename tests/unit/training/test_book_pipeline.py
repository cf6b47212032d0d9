"""The book pipeline: what is planted, blocks in place of sessions, targets, bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.features import FeatureEngine
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.training.dataset import Dataset, build_dataset
from quantumtrader.training.labels import Latency, Pace, path_of
from quantumtrader.training.pipelines import BookConfig, BookTrainingPipeline, Recording
from quantumtrader.training.pipelines.book_task import BookTask, decisions_at, targets_of
from quantumtrader.training.pipelines.labelling import LabelConfig, label_recording
from quantumtrader.training.pipelines.synthetic import synthetic_book
from quantumtrader.training.pipelines.unseen import measures_of
from quantumtrader.training.report import render_page
from quantumtrader.types import Action, Events, Flag, Kind, Side
from reference.planted import S, X, sessions
from reference.planted_bars import Y, bar_sessions

SMALL = {
    "features": ("book_imbalance_1", "mid_return_1s", "mid_return_10s"),
    "candidates": "quick", "clock": "1s", "heartbeat_s": 1.0, "targets": ("direction_1",),
}  # fmt: skip


def train(parts: list[Events], out: Path, **more: Any) -> Any:
    pipeline = BookTrainingPipeline({**SMALL, **more}, clock=ReplayClock(1))
    return pipeline.train(Recording.of(parts, X), out)


def with_levels(part: Events) -> Events:
    """The quotes of a session as whole books of two levels a side, each after a print."""
    rows = []
    for quote in part:
        if quote["kind"] != Kind.QUOTE:
            rows.append(quote)
            continue
        sides = (Side.BUY, quote["px"], quote["size"], -1), (Side.SELL, quote["px_ask"], quote["size_ask"], 1)
        packet = np.repeat(quote.reshape(1), 6)
        packet["kind"], packet["flags"] = Kind.LEVEL, int(Flag.MORE)
        packet["px_ask"] = packet["size_ask"] = 0
        packet["action"] = Action.ADD
        packet["kind"][0], packet["flags"][0], packet["action"][0], packet["size"][0] = Kind.TRADE, 0, 0, 9
        packet["action"][1], packet["px"][1], packet["size"][1] = Action.CLEAR, 0, 0
        for k, (side, px, size, away) in enumerate(sides):
            packet["side"][2 + 2 * k : 4 + 2 * k] = side
            packet["px"][2 + 2 * k : 4 + 2 * k] = px, px + away
            packet["size"][2 + 2 * k : 4 + 2 * k] = size, 10
        packet["flags"][-1] = 0
        rows.extend(packet)
    out = np.array(rows, part.dtype)
    out["sequence"] = 6 * int(part["sequence"][0]) + np.arange(len(out))
    return out


def test_what_is_planted_is_found_and_judged_by_markout(tmp_path: Path) -> None:
    found = train([with_levels(part) for part in sessions(28, 3, 0.9, n=120)], tmp_path / "out")
    assert found.pace.tau_ns == pytest.approx(3 * S, rel=0.1)
    result = found.results["direction_1"]
    assert result.metrics["lightgbm_shallow"]["edge"]["low"] > 0
    evidence = result.judged.assessment.evidence()
    assert evidence.judged_by == "markout"
    assert evidence.parity_clean is True
    # Capacity walks what was displayed before the trades, at most 2,000 of them: each is of one row and side.
    size = result.judged.assessment.size
    assert size is not None
    assert 500 < size.books <= 2_000
    assert "limites superiores" not in render_page(result.judged.assessment, "pt")
    # The pace was measured on the first session, the last fifth is locked away: neither is learned from.
    assert result.prepared.data.spans.sessions.tolist() == list(range(20_001, 20_022))
    manifest = ModelRegistry(tmp_path / "out" / "models").manifest("x_book_direction_1", "1.0.0")
    assert manifest.features.clock == "1s"
    assert manifest.label["latency_ns"] == [20_000_000]
    measures_of(manifest.label)  # it says all that its label on later sessions takes


def test_one_session_is_divided_into_blocks_and_is_insufficient(tmp_path: Path) -> None:
    (part,) = sessions(1, 3, 0.9, n=2400)
    found = train([part], tmp_path / "out")
    result = found.results["direction_1"]
    assert result.verdict.startswith("Insufficient: 12 sessions")
    assert result.summary["table"] == {}
    assert result.summary["study"].endswith("/blocks")
    assert any("blocks of time" in text for text in result.summary["notes"])
    assert result.model.exists()
    spans = result.prepared.data.spans
    begin, end = int(part["ts_event"].min()), int(part["ts_event"].max())
    assert spans.t0.min() >= begin + (end - begin) // 6  # where the pace was measured
    assert spans.t1.max() < begin + (end - begin) * 5 // 6 + 1  # what is locked away


def test_sessions_with_a_gap_are_left_out_where_asked(tmp_path: Path) -> None:
    parts = sessions(12, 3, 0.9, n=120)
    place = np.flatnonzero(parts[4]["kind"] != Kind.SESSION)[50]
    parts[4]["kind"][place] = Kind.GAP
    with pytest.raises(DataError, match="events were lost"):
        train(parts, tmp_path / "refused")
    data = train(parts, tmp_path / "dropped", gaps="drop").results["direction_1"].prepared.data
    assert data.dropped["session with a gap"] > 0
    assert 20_004 not in data.spans.session
    assert {20_003, 20_005} <= set(data.spans.session.tolist())
    labelled = label_recording(Recording.of(parts, X), LabelConfig("direction_1", gaps="drop"))
    assert 20_004 not in labelled.spans.session


def test_more_decisions_than_rows_are_counted_and_not_kept() -> None:
    targets = targets_of(("direction_1", "spread_change"), Pace(3.0 * S, 1.0))

    def replay(most: int) -> tuple[BookTask, Dataset]:
        task = BookTask(targets, S, Latency((0,)), 0, 1 << 62, max_rows=most)
        engine = FeatureEngine(["mid_return_1s"], X, clock="1s")
        return task, build_dataset(sessions(6, 3, 0.9, n=120), engine, task.label, usable=False)

    whole, data = replay(1 << 62)
    assert not whole.too_many
    assert len(whole.dataset(targets[0], data, np.arange(0))) == whole.counts["direction_1"] == len(data)
    cut, few = replay(200)
    assert cut.too_many
    assert cut.counts == whole.counts
    assert cut.found == {}
    assert len(few) <= 200


def test_rows_after_every_packet_are_those_of_a_replay(tmp_path: Path) -> None:
    book = synthetic_book(2, minutes=15)
    pipeline = BookTrainingPipeline(
        {
            **SMALL,
            "features": ("book_imbalance_1", "mid_return_1s", "flow_ofi_1m", "total_depth_10"),
            "clock": "event",
        },
        clock=ReplayClock(1),
    )
    found = pipeline.train(book, tmp_path / "out").results["direction_1"]
    assert found.prepared.data.manifest.clock == "event"
    assert found.judged.assessment.parity is True


def test_a_target_that_cannot_be_trained_leaves_the_others(tmp_path: Path) -> None:
    found = train(sessions(10, 3, 0.9, n=120), tmp_path / "out", targets=("direction_1", "spread_change"))
    assert set(found.results) == {"direction_1"}
    assert "one class only" in found.insufficient["spread_change"]  # the spread never changes
    with pytest.raises(DataError, match="one class only"):
        train(sessions(10, 3, 0.9, n=120), tmp_path / "alone", targets=("spread_change",))


def test_decisions_are_made_when_something_happens() -> None:
    (part,) = sessions(1, 3, 0.9, n=60)
    path = path_of(part, X)
    times = part["ts_event"][part["kind"] == Kind.QUOTE].astype(np.int64)
    rows = decisions_at(path, times, 3600 * S)
    # The touch is drawn anew every three seconds; no heartbeat comes in between.
    assert set(np.diff(rows)) <= {3, 6}
    assert len(decisions_at(path, times, S)) == len(times)
    # Nothing later decides: the rows of a prefix are a prefix of the rows.
    np.testing.assert_array_equal(decisions_at(path, times[:30], 3600 * S), rows[rows < 30])


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no book and no quotes, only bar"):
        BookTrainingPipeline(SMALL).train(Recording.of(bar_sessions(3, 1, 0.5), Y), tmp_path / "bars")
    with pytest.raises(ConfigError, match="no book target 'profit'"):
        BookConfig(targets=("profit",))
    parts = sessions(10, 3, 0.9, n=120)
    parts[3]["kind"][50] = Kind.GAP
    with pytest.raises(DataError, match="events were lost"):
        train(parts, tmp_path / "gap")
    assert train(parts, tmp_path / "dropped", gaps="drop").results


def test_the_design_documents_call(tmp_path: Path) -> None:
    pipeline = BookTrainingPipeline(
        SMALL, recording=Recording.of(sessions(12, 3, 0.9, n=120), X), out=tmp_path / "out"
    )
    metrics = pipeline.train_book_models(targets=("order_imbalance",))
    assert set(metrics) == {"order_imbalance"}
