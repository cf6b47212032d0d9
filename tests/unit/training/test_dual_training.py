"""Both trainings, their join, and the hybrid strategy in a replay. All of it on synthetic recordings."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time
from pathlib import Path

import numpy as np
import pytest

from quantumtrader.backtest import Backtest
from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import ConfigError, DataError, ManifestError
from quantumtrader.execution import bind_strategy, make_strategy
from quantumtrader.features import FeatureEngine
from quantumtrader.models.hybrid import HybridStrategy, combined_confidence
from quantumtrader.models.registry import LoadedModel, ModelRegistry
from quantumtrader.training.dataset import Dataset, Sufficiency
from quantumtrader.training.pipelines import (
    BookConfig,
    DualConfig,
    DualResult,
    DualTrainingSystem,
    TickConfig,
    TickTrainingPipeline,
    TrainingOrchestrator,
    dual,
)
from quantumtrader.training.pipelines.base_score import base_scores
from quantumtrader.training.pipelines.minute_bars import bars_of
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.synthetic import synthetic_bars, synthetic_book
from quantumtrader.types import Kind, SessionHours

BARS = ("ret_1", "ret_5", "rsi_7", "adx_14", "ema_alignment", "atr_14", "updown_10")
CONFIG = DualConfig(
    tick=TickConfig(features=BARS, clock="bar", candidates="quick", every_s=300.0, horizon_s=600.0),
    book=BookConfig(
        targets=("direction_1",), features=("book_imbalance_1", "mid_return_1s", "spread_ticks", "ret_1"),
        candidates="quick", clock="1s", heartbeat_s=2.0,
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def book() -> Recording:
    return synthetic_book(10, minutes=20)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, book: Recording) -> DualResult:
    out = tmp_path_factory.mktemp("dual") / "WDOFUT"
    return DualTrainingSystem(CONFIG, clock=ReplayClock(1)).train(synthetic_bars(30, minutes=90), book, out)


def test_everything_is_said_to_be_synthetic(result: DualResult) -> None:
    assert result.summary["synthetic"] is True
    assert "synthetic" in result.summary["tick"]
    assert all("synthetic" in verdict for verdict in result.summary["book"].values())
    assert set(result.summary["joined"]["edges"]) == {
        "book_alone", "base_alone", "base_as_feature", "stacked",
    }  # fmt: skip
    assert json.loads((result.folder / "dual.json").read_text()) == result.summary


def test_both_ways_of_joining_share_the_chance_of_luck(
    result: DualResult, book: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dataset, "sufficiency", lambda _: Sufficiency(()))
    assert result.book is not None
    system = DualTrainingSystem(CONFIG, clock=ReplayClock(1))
    found = system._join(book, result.tick, result.book.results["direction_1"], tmp_path / "joined", [])
    assert {name: test["level"] for name, test in found["better_than_book_alone"].items()} == {
        "base_as_feature": 0.025, "stacked": 0.025,
    }  # fmt: skip
    assert all(
        test["better"] <= (test["p_value"] < 0.025) for test in found["better_than_book_alone"].values()
    )


def test_bars_are_those_that_the_engine_makes(book: Recording) -> None:
    part = next(book.sessions())
    names = ["ret_1", "bar_range", "rsi_7"]
    engine = FeatureEngine(names, book.instrument, clock="bar")
    of_prints = engine.run(part)
    of_bars = engine.run(bars_of(part))
    shared = min(len(of_prints), len(of_bars))
    assert shared >= 19
    np.testing.assert_array_equal(of_prints.times[:shared], of_bars.times[:shared])
    np.testing.assert_allclose(of_prints.values[:shared], of_bars.values[:shared], rtol=1e-12)


def test_a_tick_model_that_tells_nothing_apart_is_named(
    result: DualResult, book: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert result.book is not None
    began: list[date] = []

    def scores(book: Recording, loaded: LoadedModel, times: np.ndarray, day: date) -> np.ndarray:
        began.append(day)
        return np.full(len(times), 0.5)

    monkeypatch.setattr(dual, "base_scores", scores)
    found = DualTrainingSystem(CONFIG)._join(
        book, result.tick, result.book.results["direction_1"], tmp_path, []
    )
    assert "one and the same score" in found["insufficient"]
    assert began == [synthetic_bars(30, minutes=90).survey().first_date]


def test_sessions_without_a_score_leave_fewer_to_divide(
    result: DualResult, book: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert result.book is not None
    timing = result.book.results["direction_1"]
    assert timing.judged.judged.trial.parameters["splitter"]["groups"] == 6
    spans = timing.prepared.data.spans
    late = np.isin(spans.session, spans.sessions[-4:])
    scores = np.where(late, np.sin(np.arange(len(late))), np.nan)
    monkeypatch.setattr(dual, "base_scores", lambda *_: scores)
    system = DualTrainingSystem(CONFIG, clock=ReplayClock(1))
    found = system._join(book, result.tick, timing, tmp_path / "four", [])
    assert (found.get("insufficient"), found["rows"]) == (None, late.sum())
    few = replace(timing, prepared=timing.prepared.take(np.isin(spans.session, spans.sessions[-3:])))
    monkeypatch.setattr(dual, "base_scores", lambda *_: np.sin(np.arange(len(few.prepared.data))))
    found = system._join(book, result.tick, few, tmp_path / "three", [])
    assert "a score in 3 of 3 sessions of the book's training: too few" in found["insufficient"]


def test_base_scores_know_closed_bars_only(result: DualResult, book: Recording) -> None:
    model = result.tick.model
    loaded = ModelRegistry(model.parent.parent).load(model.parent.name, model.name, validity=False)
    parts = list(book.sessions())
    last = parts[-1]
    times = np.arange(int(last["ts_event"][5]), int(last["ts_event"][-1]), 7 * 10**9, dtype=np.int64)
    day = date(2024, 1, 2)
    scores = base_scores(book, loaded, times, day)
    assert np.isfinite(scores).mean() > 0.8
    minute = times // (60 * 10**9)
    for m in np.unique(minute):  # one score per bar
        assert len(np.unique(scores[(minute == m) & ~np.isnan(scores)])) <= 2
    # Sessions of bars before: the features are warm from the first bar on, and say the same once they were.
    history = list(synthetic_bars(30, minutes=90).sessions())
    assert np.isfinite(base_scores(book, loaded, times, day, history)).sum() >= np.isfinite(scores).sum()
    half = len(last) // 2
    cut = Recording.of([*parts[:-1], last[:half]], book.instrument)
    early = times < last["ts_event"][half]
    np.testing.assert_array_equal(base_scores(cut, loaded, times[early], day), scores[early])


def test_base_scores_count_with_the_hours_of_the_training(
    result: DualResult, book: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = result.tick.model
    loaded = ModelRegistry(model.parent.parent).load(model.parent.name, model.name, validity=False)
    # A model that reads the length of the session.
    features = FeatureEngine(["session_frac"], book.instrument, clock="bar").manifest
    manifest = replace(loaded.manifest, features=features, may_be_missing=())
    reads = replace(loaded, manifest=manifest)
    seen: list[np.ndarray] = []

    def batch(_: LoadedModel, rows: np.ndarray) -> np.ndarray:
        seen.append(rows[:, 0])
        return np.full((len(rows), 2), 0.5)

    monkeypatch.setattr(LoadedModel, "batch", batch)
    times = next(book.sessions())["ts_event"][-1:].astype(np.int64)
    hours = (
        SessionHours(date(2020, 1, 1), time(9), time(10)),
        SessionHours(date(2030, 1, 1), time(9), time(11)),
    )
    short = Recording.of(list(book.sessions())[:1], replace(book.instrument, hours=hours))
    for day in (date(2024, 1, 2), date(2031, 1, 2)):
        base_scores(short, reads, times, day)
    assert seen[0] == pytest.approx(2 * seen[1])


def test_the_hybrid_trades_only_where_both_agree(result: DualResult, book: Recording) -> None:
    hybrid = result.summary["hybrid"]
    strategy = make_strategy(
        "hybrid",
        **{
            k: str(v)
            for k, v in {
                **hybrid,
                "direction": 0.0,
                "settle_s": 0.0,
                "margin": 0.0,
                "max_spread_ticks": 9,
            }.items()
        },
    )
    assert isinstance(strategy, HybridStrategy)
    events = np.concatenate(list(book.sessions())[:4])
    replay = Backtest(events, book.instrument, strategy).run()
    said = dict(zip(*np.unique(replay.reasons, return_counts=True), strict=True))
    assert said.get("book_against", 0) + said.get("book_waits", 0) > 0
    again = Backtest(events, book.instrument, strategy).run()
    assert replay.reasons == again.reasons
    assert "synthetic data" in strategy.rule
    assert strategy.clock == "1s"


def test_the_hybrid_refuses_other_rows(result: DualResult, book: Recording) -> None:
    hybrid = result.summary["hybrid"]
    strategy = HybridStrategy(**hybrid)
    other = FeatureEngine(list(strategy.features), book.instrument, clock="100ms")
    with pytest.raises(ManifestError, match="clock"):
        bind_strategy(strategy, book.instrument, other.manifest.to_json())
    with pytest.raises(ConfigError, match="reads book_imbalance_1, which changes between bars"):
        HybridStrategy(tick=hybrid["book"], book=hybrid["book"])
    assert combined_confidence(0.6, 0.6, 0.5) == pytest.approx(0.6)
    assert combined_confidence(0.6, 0.5, 0.5) < 0.6


def test_the_hybrid_refuses_a_tick_model_that_counts_rows_back(
    result: DualResult, book: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(CONFIG.tick, features=(*BARS, "ret_1@2"))
    bars = synthetic_bars(30, minutes=90)
    back = TickTrainingPipeline(asked, clock=ReplayClock(1)).train(synthetic_bars(12, minutes=90), tmp_path)
    with pytest.raises(ConfigError, match="reads ret_1@2: it counts bars"):
        HybridStrategy(tick=str(back.model), book=result.summary["hybrid"]["book"])
    # A training that ends in such a model names no strategy, and says why.
    system = DualTrainingSystem(replace(CONFIG, tick=asked), clock=ReplayClock(1), out=tmp_path)
    monkeypatch.setattr(system, "_tick", lambda *_: back)
    monkeypatch.setattr(system, "_book", lambda *_: result.book)
    monkeypatch.setattr(system, "_join", lambda *_: {})
    found = system.train(bars, book, tmp_path / "WDOFUT")
    assert found.summary["hybrid"] is None
    assert "no hybrid strategy of these models: hybrid: " in found.summary["notice"]
    assert "reads ret_1@2" in found.summary["notice"]
    with pytest.raises(DataError, match=r"no hybrid strategy of WDOFUT: .*reads ret_1@2"):
        system.create_hybrid_strategy("WDOFUT")


def test_without_a_book_it_says_so(tmp_path: Path) -> None:
    system = DualTrainingSystem(CONFIG, clock=ReplayClock(1), out=tmp_path)
    found = system.train(synthetic_bars(12, minutes=60), None, tmp_path / "WDOFUT")
    assert "no book data" in found.summary["notice"]
    assert found.book is None
    with pytest.raises(DataError, match="no hybrid strategy of WDOFUT"):
        system.create_hybrid_strategy("WDOFUT")
    with pytest.raises(ConfigError, match="no symbol"):
        system.train_complete_system("bars.csv", None)


def csv_lines(recording: Recording) -> list[str]:
    lines = ["timestamp,open,high,low,close,volume"]
    for part in recording.sessions():
        for bar in part[part["kind"] == Kind.BAR]:
            px = [f"{bar[f] * 0.5:.1f}" for f in ("px", "px_ask", "ref_a", "ref_b")]
            lines.append(",".join((str(bar["id"] // 10**9), *px, str(bar["size"]))))
    return lines


def test_from_csv(tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(csv_lines(synthetic_bars(25, minutes=60))) + "\n")
    orchestrator = TrainingOrchestrator(
        {"symbol": "WDOFUT", "out": tmp_path / "out", "features": BARS, "every_s": 300.0, "horizon_s": 600.0}
    )
    found = orchestrator.train_from_csv(file, lookback_days=28, models=["quick"])
    assert found.best_model == "lightgbm_shallow"
    assert found.summary["sessions"]["development_count"] + found.summary["sessions"]["vault_count"] <= 20
    with pytest.raises(ConfigError, match="no setting lookback"):
        TrainingOrchestrator({"symbol": "WDOFUT", "lookback": 3}).train_from_csv(file)


def test_notes_of_a_source_reach_a_part_of_it(tmp_path: Path) -> None:
    lines = csv_lines(synthetic_bars(3, minutes=20))
    lines[30] = lines[30].replace(",", ",x", 1)
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(lines) + "\n")
    part = Recording.open(file, "WDOFUT").between(None, date(2024, 1, 3))
    part.survey()  # only a pass tells
    assert "1 rows of the source were rejected" in part.notes
