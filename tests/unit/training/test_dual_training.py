"""Both trainings, their join, and the hybrid strategy in a replay. All of it on synthetic recordings."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from quantumtrader.backtest import Backtest
from quantumtrader.cli import main as cli
from quantumtrader.clock import ReplayClock
from quantumtrader.data.lake import Lake
from quantumtrader.data.sessions import session_days
from quantumtrader.data.source_notes import in_language
from quantumtrader.exceptions import ConfigError, DataError, DataFormatError, EmptyDataError, ManifestError
from quantumtrader.execution import bind_strategy, make_strategy
from quantumtrader.features import FeatureEngine
from quantumtrader.models.hybrid import HybridStrategy, combined_confidence
from quantumtrader.models.registry import LoadedModel, ModelRegistry
from quantumtrader.models.strategy import ModelStrategy, load_folder
from quantumtrader.training.dataset import Dataset, Sufficiency
from quantumtrader.training.pipelines import (
    BookConfig,
    BookTrainingPipeline,
    DualConfig,
    DualResult,
    DualTrainingSystem,
    TickConfig,
    TickTrainingPipeline,
    TrainingOrchestrator,
    dual,
)
from quantumtrader.training.pipelines.base_score import base_scores
from quantumtrader.training.pipelines.decision import decided
from quantumtrader.training.pipelines.minute_bars import bars_of
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.synthetic import synthetic_bars, synthetic_book
from quantumtrader.training.report import render_join
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


@pytest.fixture(scope="module")
def hybrid(result: DualResult) -> dict[str, Any]:
    """Parameters of the strategy; of a join that ships only where it is better."""
    assert result.book is not None
    book = result.book.results["direction_1"].model
    return {"tick": str(result.tick.model), "book": str(book), "weight": 0.5}


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
    system = DualTrainingSystem(replace(CONFIG, ensemble_method="weighted"), clock=ReplayClock(1))
    found = system._join(book, result.tick, result.book.results["direction_1"], tmp_path / "joined", [])
    assert found["weight"] == pytest.approx(0.5, abs=1e-4)  # the weights that are compared are equal
    assert result.summary["joined"]["weight"] != pytest.approx(0.5, abs=1e-4)
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


def test_the_hybrid_trades_only_where_both_agree(hybrid: dict[str, Any], book: Recording) -> None:
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


def test_the_hybrid_refuses_other_rows(hybrid: dict[str, Any], book: Recording) -> None:
    strategy = HybridStrategy(**hybrid)
    other = FeatureEngine(list(strategy.features), book.instrument, clock="100ms")
    with pytest.raises(ManifestError, match="clock"):
        bind_strategy(strategy, book.instrument, other.manifest.to_json())
    with pytest.raises(ConfigError, match="reads book_imbalance_1, which changes between bars"):
        HybridStrategy(tick=hybrid["book"], book=hybrid["book"])
    assert combined_confidence(0.6, 0.6, 0.5) == pytest.approx(0.6)
    assert combined_confidence(0.6, 0.5, 0.5) < 0.6


def test_the_hybrid_refuses_a_tick_model_that_counts_rows_back(
    result: DualResult,
    hybrid: dict[str, Any],
    book: Recording,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = replace(CONFIG.tick, features=(*BARS, "ret_1@2"))
    bars = synthetic_bars(30, minutes=90)
    back = TickTrainingPipeline(asked, clock=ReplayClock(1)).train(synthetic_bars(12, minutes=90), tmp_path)
    with pytest.raises(ConfigError, match="reads ret_1@2: it counts bars"):
        HybridStrategy(tick=str(back.model), book=hybrid["book"])
    # A training that ends in such a model names no strategy, and says why.
    system = DualTrainingSystem(replace(CONFIG, tick=asked), clock=ReplayClock(1), out=tmp_path)
    monkeypatch.setattr(system, "_tick", lambda *_: back)
    monkeypatch.setattr(system, "_book", lambda *_: result.book)
    monkeypatch.setattr(system, "_join", lambda *_: joined(better=True))
    found = system.train(bars, book, tmp_path / "WDOFUT")
    assert (found.summary["hybrid"], found.summary["decision"]) == (None, "refused")
    assert "does not take these models: hybrid: " in found.summary["notice"]
    assert "reads ret_1@2" in found.summary["notice"]
    assert isinstance(system.create_hybrid_strategy("WDOFUT"), ModelStrategy)


def joined(*, better: bool | None) -> dict[str, Any]:
    """What a comparison brings, by its result; None where the data do not tell."""
    edge = None if better is None else {"mean": 0.002, "low": 0.001, "high": 0.003}
    test = None if better is None else {"p_value": 0.01 if better else 0.4, "level": 0.025, "better": better}
    return {
        "rows": 1234,
        "sufficient": better is not None,
        "edges": dict.fromkeys(("book_alone", "base_alone", "base_as_feature", "stacked"), edge),
        # The other join has no strategy that trades it, and decides nothing.
        "better_than_book_alone": {
            "stacked": test,
            "base_as_feature": {"p_value": 0.001, "level": 0.025, "better": True},
        },
        "weight": 0.7,
    }


def test_a_model_without_prediction_sets_is_refused_in_words(
    result: DualResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "quantumtrader.models.hybrid.load_folder", lambda at: replace(load_folder(at), conformal=None)
    )
    assert result.book is not None
    found = decided(result.tick, result.book.results["direction_1"], joined(better=True), 0.7)
    assert (found["decision"], found["decides"], found["hybrid"]) == ("refused", ["book"], None)
    assert "carries no scores of prediction sets (conformal.json)" in found["notice"]


@pytest.mark.parametrize(
    ("better", "decision", "parts", "strategy"),
    [
        (True, "better", ["tick", "book"], HybridStrategy),
        (False, "not_better", ["book"], ModelStrategy),
        (None, "insufficient", ["book"], ModelStrategy),
    ],
)
def test_only_a_join_that_is_better_ships(
    result: DualResult,
    hybrid: dict[str, Any],
    book: Recording,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    better: bool | None,
    decision: str,
    parts: list[str],
    strategy: type,
) -> None:
    system = DualTrainingSystem(CONFIG, out=tmp_path)
    monkeypatch.setattr(system, "_tick", lambda *_: result.tick)
    monkeypatch.setattr(system, "_book", lambda *_: result.book)
    monkeypatch.setattr(system, "_join", lambda *_: joined(better=better))
    found = system.train(synthetic_bars(30, minutes=90), book, tmp_path / "WDOFUT")
    assert (found.summary["decision"], found.summary["decides"]) == (decision, parts)
    made = system.create_hybrid_strategy("WDOFUT")
    assert type(made) is strategy
    page = (tmp_path / "WDOFUT" / "report.html").read_text()
    assert "SYNTHETIC" in page
    if better:
        assert found.summary["hybrid"] == {**hybrid, "weight": 0.7}
        assert found.summary["notice"] is None
        assert isinstance(made, HybridStrategy)
        assert made.weight == 0.7
        assert "Both models decide" in page
        assert f"-p book={hybrid['book']}" in page
        assert "0.0100" in page
    else:
        assert isinstance(made, ModelStrategy)
        assert made.folder == hybrid["book"]
        assert "the book model decides alone: " in found.summary["notice"]
        assert found.summary["hybrid"] is None
        assert "the book model decides alone: " in caplog.text
        assert "O modelo de book decide sozinho" in render_join(found.summary, "pt")
        assert ("0.4000" in page) == (better is False)


def test_without_a_book_it_says_so(tmp_path: Path) -> None:
    system = DualTrainingSystem(CONFIG, clock=ReplayClock(1), out=tmp_path)
    found = system.train(synthetic_bars(12, minutes=60), None, tmp_path / "WDOFUT")
    assert "no book data" in found.summary["notice"]
    assert found.book is None
    assert found.summary["strategy"]["parameters"] == {"folder": str(found.tick.model)}
    with pytest.raises(DataError, match="no hybrid strategy of WDOFUT: There is no book data"):
        system.create_hybrid_strategy("WDOFUT")
    with pytest.raises(DataError, match=r"has trained nothing of it, and there is no dual\.json"):
        system.create_hybrid_strategy("WINFUT")
    with pytest.raises(ConfigError, match="no symbol"):
        system.train_complete_system("bars.csv", None)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, book: Recording) -> dict[str, Any]:
    """A configuration as the design gives it; bars that go on for as long as the book does, in two files."""
    folder = tmp_path_factory.mktemp("files")
    early = synthetic_bars(20, minutes=90, first=date(2025, 6, 23))
    late = synthetic_bars(10, minutes=90, first=date(2025, 7, 21))
    for name, part in (("june.csv", early), ("july.csv", late)):
        (folder / name).write_text("\n".join(csv_lines(part)) + "\n")
    with Lake(folder / "lake").writer(book.instrument, source="test") as writer:
        for events in book.sessions():
            writer.add(events)
    return {
        "symbol": "WDOFUT",
        "tick_data_path": [folder / "july.csv", folder / "june.csv"],
        "book_data_path": folder / "lake",
        "tick": replace(CONFIG.tick, groups=4),
        "book": replace(CONFIG.book, groups=4, heartbeat_s=10.0, max_rows=1_500),
    }


def test_three_calls_lead_where_one_does(files: dict[str, Any], tmp_path: Path) -> None:
    config = {**files, "book_lookback": 9}
    system = DualTrainingSystem(config, clock=ReplayClock(1), out=tmp_path / "calls")
    tick = system.train_tick_only_models(["WDOFUT"], "2025-06-20")["WDOFUT"]
    with pytest.raises(DataError, match="has trained a tick model of it"):
        system.create_hybrid_strategy("WDOFUT")
    book_from = system._book_of("WDOFUT")
    assert book_from is not None
    assert len(book_from.survey().days) == 9
    assert date.fromisoformat(tick.summary["sessions"]["vault"][1]) < book_from.survey().first_date
    with pytest.raises(
        ConfigError, match=r"its tick model was trained on sessions until .* book_lookback=10"
    ):
        system.train_book_enhanced_models(["WDOFUT"], lookback_days=10)
    system.train_book_enhanced_models(["WDOFUT"])
    assert isinstance(system.create_hybrid_strategy("WDOFUT"), ModelStrategy)
    once = DualTrainingSystem(config, clock=ReplayClock(1), out=tmp_path / "once")
    whole = once.train_complete_system(files["tick_data_path"], files["book_data_path"])
    told = json.loads((tmp_path / "calls" / "WDOFUT" / "dual.json").read_text())
    for key in ("tick", "book", "joined", "decision", "decides", "synthetic"):
        assert told[key] == whole.summary[key]
    assert told["joined"]["rows"] > 0
    again = CliRunner().invoke(cli.app, ["report", str(whole.folder), "--lang", "pt"])
    assert again.exit_code == 0, again.output
    assert "O modelo de book decide sozinho" in (whole.folder / "report.html").read_text()
    (whole.folder / "dual.json").write_text('{"hybrid": null}')
    with pytest.raises(DataFormatError, match="says not which models decide"):
        once.create_hybrid_strategy("WDOFUT")
    assert whole.tick.summary["sessions"] == tick.summary["sessions"]
    # Without the book's path nothing keeps them apart, and the book is refused afterwards.
    blind = DualTrainingSystem({**config, "book_data_path": None}, out=tmp_path / "calls")
    assert blind._book_of("WDOFUT") is None


def test_pipelines_take_the_configuration_of_the_design(files: dict[str, Any], tmp_path: Path) -> None:
    paths = {key: value for key, value in files.items() if key not in ("tick", "book")}
    small = {"features": CONFIG.book.features, "candidates": "quick", "clock": "1s", "heartbeat_s": 5.0}
    book = BookTrainingPipeline({**paths, **small, "models_path": tmp_path / "models"}, out=tmp_path / "out")
    metrics = book.train_book_models("2025-07-22", "2025-07-31", targets=["order_imbalance"])
    assert list(metrics) == ["order_imbalance"]
    (saved,) = (tmp_path / "models").iterdir()
    days = json.loads((tmp_path / "out" / "order_imbalance" / "summary.json").read_text())["sessions"]
    assert (saved.name, days["vault"][1]) == ("wdofut_book_order_imbalance", "2025-07-31")
    with pytest.raises(ConfigError, match="end_date is '31/07/2025', expected a date such as"):
        book.train_book_models("2025-07-22", "31/07/2025")
    with pytest.raises(ConfigError, match="book training: the configuration has no book_data_path"):
        BookTrainingPipeline({"symbol": "WDOFUT"}).train_book_models()
    tick = TickTrainingPipeline({**paths, "models_path": tmp_path / "models", "tick_data_path": "absent.csv"})
    assert tick.models == tmp_path / "models"
    with pytest.raises(DataError, match=r"absent\.csv"):
        tick.train()
    with pytest.raises(
        ConfigError, match="tick training: no setting agents; there are symbol, tick_data_path"
    ):
        TickTrainingPipeline({"agents": 20})


def test_files_of_one_instrument_follow_one_another(files: dict[str, Any], tmp_path: Path) -> None:
    both = Recording.open(files["tick_data_path"], "WDOFUT")  # the later file is named first
    assert len(both.survey().days) == 30
    events = np.concatenate(list(both.sessions()))
    np.testing.assert_array_equal(events["sequence"], np.arange(len(events)))
    assert (np.diff(events["ts_event"].astype(np.int64)) >= 0).all()
    july = Recording.open(files["tick_data_path"], "WDOFUT", start=date(2025, 7, 22))  # june.csv ends before
    assert july.survey().days.tolist() == both.survey().days[21:].tolist()
    with pytest.raises(EmptyDataError, match="from 2026-01-02 to the end: there are no events"):
        Recording.open(files["tick_data_path"], "WDOFUT", start=date(2026, 1, 2)).survey()
    with pytest.raises(DataError, match="sessions come in pieces or out of order"):
        Recording.open([files["tick_data_path"][0]] * 2, "WDOFUT").survey()
    with pytest.raises(ConfigError, match="of another instrument"):
        Recording.joined([both, Recording.of(list(both.sessions()), replace(both.instrument, symbol="X"))])
    with pytest.raises(ConfigError, match="none is given"):
        Recording.open([], "WDOFUT")


def test_without_hours_dates_choose_events() -> None:
    events = np.concatenate(list(synthetic_bars(3, minutes=20).sessions()))
    whole = Recording.of([events], replace(synthetic_bars(1).instrument, hours=()))
    days = session_days(events["ts_recv"].astype(np.int64), whole.instrument)
    second = np.unique(days)[1]
    chosen = whole.between(date(1970, 1, 1) + timedelta(days=int(second)), None)
    np.testing.assert_array_equal(np.concatenate(list(chosen.sessions())), events[days >= second])


def test_ticks_that_begin_with_the_book_are_refused(book: Recording, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no session before 2025-07-21, the first one of the book"):
        DualTrainingSystem(CONFIG).train(
            synthetic_bars(3, minutes=20, first=date(2025, 7, 22)), book, tmp_path
        )
    with pytest.raises(ConfigError, match="start_date is 'July', expected a date such as 2025-07-01"):
        DualTrainingSystem({"tick_data_path": "x"}).train_tick_only_models("WDOFUT", "July")
    with pytest.raises(
        ConfigError, match="dual training: no setting agents; there are symbol, tick_data_path"
    ):
        DualTrainingSystem({"agents": 20})


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
    found = orchestrator.train_from_csv([file], lookback_days=28, models=["lightgbm"])
    assert found["best_model"] == found.best_model == "lightgbm"
    assert "best_model" in found
    assert found["metrics"] == found.metrics
    assert found["verdict"] == found.verdict
    assert "barras de 60 s" in (note.portuguese for note in found.judged.assessment.notes)
    assert found.summary["sessions"]["development_count"] + found.summary["sessions"]["vault_count"] <= 20
    with pytest.raises(ConfigError, match="no setting lookback"):
        TrainingOrchestrator({"symbol": "WDOFUT", "lookback": 3}).train_from_csv(file)
    with pytest.raises(ConfigError, match="no candidate 'svm'"):  # before the file is looked for
        orchestrator.train_from_csv("absent.csv", models=["svm"])


def test_notes_of_a_source_reach_a_part_of_it(tmp_path: Path) -> None:
    lines = csv_lines(synthetic_bars(3, minutes=20))
    lines[30] = lines[30].replace(",", ",x", 1)
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(lines) + "\n")
    part = Recording.open(file, "WDOFUT").between(None, date(2024, 1, 3))
    part.survey()  # only a pass tells
    told = "1 rows of the source were rejected"
    assert told in part.notes
    assert in_language(told, "pt") == "1 linhas da origem foram rejeitadas"
