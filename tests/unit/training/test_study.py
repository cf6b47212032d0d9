"""What trainings in other folders tried and saw: trials that count, vaults that were opened."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import ConfigError, DataAccessError
from quantumtrader.models.retraining import RetrainingConfig
from quantumtrader.training import trials
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.assessment.codec import decode, encode
from quantumtrader.training.assessment.selection import Trials, selection
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.evaluation import deflated_sharpe, sharpe
from quantumtrader.training.pipelines import (
    BookTrainingPipeline,
    Recording,
    TickTrainingPipeline,
    TrainingResult,
    book,
)
from quantumtrader.training.pipelines.candidates import learners
from quantumtrader.training.pipelines.judge import make_plan
from quantumtrader.training.pipelines.retraining import retrain
from quantumtrader.training.policy import Policy
from quantumtrader.training.recipes import splitter_text
from quantumtrader.training.report import render_page
from quantumtrader.training.run_folder import RunLedger
from quantumtrader.training.spans import Spans
from quantumtrader.training.study import Earlier, Study, lineage_of, log_read, studies_folder
from quantumtrader.training.trials import Trial, TrialLedger, configuration_hash
from quantumtrader.training.vault import Vault
from quantumtrader.types import SessionHours
from reference.assessed import assessed
from reference.planted import X, sessions
from reference.planted_bars import SMALL, Y, bar_sessions

DAYS = np.arange(20_000, 20_040)
NONE = np.arange(0)


def trial(days: np.ndarray, seed: int, **parameters: Any) -> Trial:
    results = np.random.default_rng(seed).standard_normal(len(days))
    policy = {"margin": 0.1, "cost_ticks": 1.0}
    dates = tuple(str(day) for day in days.astype("datetime64[D]"))
    return Trial("s", {"policy": policy, "data": str(days), **parameters}, dates, tuple(results.tolist()))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path / "study", ReplayClock(1))


def test_trials_on_shared_sessions_count_once_whatever_training_made_them(study: Study) -> None:
    first, second = trial(DAYS[:30], 1, leaves=4), trial(DAYS[20:], 2, leaves=8)
    for _ in range(2):  # a training that goes on adds nothing
        study.add(first, "a", "trees")
        study.add(second, "a", "forest")
    study.add(trial(DAYS[20:], 0, leaves=9, policy=None), "a", "unpaid")  # no money
    found = study.earlier({"trees": trial(DAYS[:30], 3, leaves=16)}, "b", NONE)
    assert (found.configurations, found.independent) == (2, 2)
    assert found.ratios == pytest.approx(
        [np.mean(t.results) / np.std(t.results, ddof=1) for t in (first, second)]
    )
    # A copy under other options is a configuration, but moves with the one that it copies.
    study.add(replace(first, parameters={**first.parameters, "leaves": 5}), "c", "trees")
    assert study.earlier({"trees": first}, "d", NONE).independent == 1
    assert study.earlier({"trees": first}, "d", NONE).configurations == 3


def test_the_same_procedure_on_more_sessions_is_no_new_trial(study: Study) -> None:
    study.add(trial(DAYS[:30], 1), "a", "trees")
    grown = trial(DAYS[:35], 2)
    assert study.earlier({"trees": grown}, "a", NONE) == Earlier()
    assert study.earlier({"trees": grown}, "b", NONE).configurations == 1  # other options
    assert study.earlier({"trees+platt": grown}, "a", NONE).configurations == 1  # not calibrated
    # Its beginning left out.
    assert study.earlier({"trees": trial(DAYS[5:35], 2)}, "a", NONE).configurations == 1
    study.add(grown, "a", "trees")
    assert study.earlier({"trees": trial(DAYS, 3)}, "b", NONE).configurations == 1  # the one that has grown
    asked = {"kind": "tick", "events": "x", "version": "1", "config": {"name": "n", "seed": 7}}
    assert lineage_of(asked) == lineage_of(
        {**asked, "events": "y", "libraries": {"numpy": "9"}, "config": {"name": "m", "seed": 7}}
    )
    assert lineage_of(asked) != lineage_of({**asked, "config": {"name": "n", "seed": 8}})
    # How long the model is valid makes no trial, and lines of before held its default.
    valid = [
        lineage_of({**asked, "config": {"name": "n", "seed": 7, "valid_sessions": n}}) for n in (0, 10, 30)
    ]
    assert len(set(valid)) == 1
    assert valid[0] == configuration_hash({"kind": "tick", "config": {"seed": 7, "valid_sessions": 10}})
    # Of a version with one option more, which is not used.
    assert lineage_of(asked) == lineage_of({**asked, "config": {"name": "n", "seed": 7, "half_life": None}})


def planned(folder: Path, sessions: int, rows: int) -> dict[str, Trial]:
    """Trials of the candidates that a plan of so many sessions and rows leads to."""
    plan = make_plan(
        "s", "tick", sessions, Policy(0.1, 1.0), groups=10, test_groups=2, rehearsal=(120, 20, 5),
        embargo_sessions=2, embargo_ns=0, candidates="standard", seed=7, rows=rows,
    )  # fmt: skip
    names = ("ret_1", "ret_5", "rsi_14")
    recipes = learners("standard", names, "tick", plan.inner, 7, plan.min_leaf, TrialLedger(folder), "s")
    days = 20_000 + np.arange(sessions)
    return {
        name: trial(days, k, **recipe.parameters, splitter=splitter_text(plan.splitter))
        for k, (name, recipe) in enumerate(recipes.items())
    }


@pytest.mark.parametrize(("before", "after"), [((100, 4_000), (120, 4_800)), ((25, 9_000), (31, 12_000))])
def test_what_a_plan_takes_from_the_sessions_is_no_new_trial(
    study: Study, tmp_path: Path, before: tuple[int, int], after: tuple[int, int]
) -> None:
    few, grown = (planned(tmp_path / "l", *size) for size in (before, after))
    assert few["stack"].parameters["members"] != grown["stack"].parameters["members"]
    for name, found in few.items():
        study.add(found, "a", name)
    assert study.earlier(grown, "a", NONE) == Earlier()
    assert study.earlier(grown, "b", NONE).configurations == len(few)


def test_lines_without_a_candidate_count_as_configurations_of_their_own(study: Study) -> None:
    old = trial(DAYS, 1, lineage="a")
    TrialLedger(study.folder / "trials.jsonl").record("s", old.parameters, DAYS, np.array(old.results))
    assert study.earlier({"trees": trial(DAYS, 1)}, "a", NONE).configurations == 1


def test_studies_with_no_session_in_common_know_nothing_of_each_other(study: Study) -> None:
    study.open_unseen(DAYS[:20], training=1, model="m", who="ana", why="r")
    study.add(trial(DAYS[:20], 1), "a", "trees")
    assert study.earlier({"trees": trial(DAYS[20:], 2)}, "b", DAYS[30:]) == Earlier(locked=10)
    assert study.earlier({}, "b", NONE) == Earlier()


def test_sessions_are_seen_by_openings_looks_and_trainings_but_the_own(study: Study) -> None:
    study.open_unseen(DAYS[:2], training=1, model="m", who="ana", why="r")
    study.look(DAYS[2:4], how="looked at", model="m", who="rui", why="e")
    study.add(trial(DAYS[4:6], 1), "a", "trees")
    assert (
        list(study.seen(DAYS[:10], training=1).values())
        == ["looked at by rui on 1970-01-01 (e)"] * 2 + ["trained on"] * 2
    )
    assert list(study.seen(DAYS[:10], training=2))[:2] == ["2024-10-04", "2024-10-05"]
    assert study.seen(DAYS[6:]) == {}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run two writers, each of which waits before it writes for the other to have come as far, if that can happen."""
    met, encode_line = threading.Barrier(2), trials._encode

    def slow(trial: Trial) -> bytes:
        with contextlib.suppress(threading.BrokenBarrierError):
            met.wait(0.3)
        return encode_line(trial)

    def run(*writers: Callable[[], Any]) -> list[Any]:
        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(writer) for writer in writers]
        return [d.exception() or d.result() for d in done]

    monkeypatch.setattr(trials, "_encode", slow)
    return run


def test_of_two_trainings_that_open_at_once_one_is_told_of_the_other(tmp_path: Path, at_once: Any) -> None:
    def opens(first: int, training: int) -> Any:
        # Each opens the files anew and so has locks of its own, as processes have.
        study = Study(tmp_path, ReplayClock(1))
        return study.open_unseen(DAYS[first : first + 6], training=training, model="m", who="ana", why="r")

    (a, seen_a), (b, seen_b) = at_once(lambda: opens(0, 1), lambda: opens(4, 2))
    assert sorted([*a, *b]) == DAYS[:10].tolist()
    assert sorted((len(seen_a), len(seen_b))) == [0, 2]
    fresh, _ = opens(4, 2)  # a look that was cut short is the same one
    assert fresh.tolist() == b.tolist()
    assert len((tmp_path / "vault.jsonl").read_text().splitlines()) == 2
    with pytest.raises(
        ConfigError, match="holds 6 sessions and all were seen before, 2024-10-08 was opened by"
    ):
        opens(4, 3)
    assert len((tmp_path / "vault.jsonl").read_text().splitlines()) == 2


def test_of_two_that_write_the_same_at_once_one_does(tmp_path: Path, at_once: Any) -> None:
    def record() -> Trial:
        return RunLedger(tmp_path / "trials.jsonl", ReplayClock(1)).record("s", {"k": 1}, DAYS, np.zeros(40))

    assert len(set(map(repr, at_once(record, record)))) == 1
    assert len(TrialLedger(tmp_path / "trials.jsonl").trials()) == 1


def test_of_two_that_open_a_vault_for_one_model_at_once_one_may(tmp_path: Path, at_once: Any) -> None:
    def opens() -> Any:
        vault = Vault.seal(DAYS, tmp_path / "vault.jsonl")
        return vault.open(Spans(DAYS * 100, DAYS * 100 + 1, DAYS), model="m", who="ana", why="r")

    found = at_once(opens, opens)
    assert sum(isinstance(f, ConfigError) for f in found) == 1
    assert len(TrialLedger(tmp_path / "vault.jsonl").trials()) == 1


def test_a_market_and_a_target_have_one_study() -> None:
    def name(product: str, label: str, synthetic: bool = False) -> str:
        folder = Study.of(product, label, synthetic=synthetic).folder
        assert folder.parent == studies_folder()
        return folder.name

    assert name("WDO", "triple_barrier_side") == name("WDO", "triple_barrier") == "WDO-triple_barrier"
    assert name("WDO", "direction_05") == name("WDO", "direction_4")
    assert len({name("WDO", "direction"), name("WIN", "direction"), name("WDO", "direction", True)}) == 3
    assert name("../x", "spread_change") == "..%2Fx-spread_change"


@pytest.mark.parametrize("name", ["trials.jsonl", "vault.jsonl"])
def test_a_study_that_cannot_be_written_is_told_before_the_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def replayed(*_: Any, **__: Any) -> None:
        raise AssertionError("the replay had begun")

    monkeypatch.setattr(TickTrainingPipeline, "prepare", replayed)
    monkeypatch.setattr(BookTrainingPipeline, "_replay", replayed)
    for product, label in ((Y.product, "triple_barrier"), (X.product, "direction")):
        for made in (True, False):
            folder = Study.of(product, label, synthetic=made).folder
            (folder / name).mkdir(parents=True)  # as good as a file of somebody else
    with pytest.raises(DataAccessError, match=f"{name}.*cannot be written"):
        train(12, tmp_path / "tick", 1)
    book = BookTrainingPipeline({"targets": ("direction_1",), "clock": "1s"}, clock=ReplayClock(1))
    with pytest.raises(DataAccessError, match=f"{name}.*cannot be written"):
        book.train(Recording.of(sessions(9, 3, 0.9, n=120), X), tmp_path / "book")


def test_the_deflated_ratio_knows_of_earlier_trials() -> None:
    rng = np.random.default_rng(5)
    results = rng.standard_normal((60, 3)) + np.array([0.3, 0.0, 0.0])
    own = Trials(3, ("a", "b", "c"), np.arange(60).astype(str), results)
    more = replace(own, earlier=Earlier(9, 7, (0.2, -0.1, 0.05)))
    alone, among = (selection(results[:, 0], t, {}, seed=1, draws=100) for t in (own, more))
    assert (alone.independent, among.independent) == (3, 10)
    ratios = np.array([*(sharpe(c).ratio for c in results.T), 0.2, -0.1, 0.05])
    assert among.dsr == pytest.approx(deflated_sharpe(sharpe(results[:, 0]), ratios, 10))
    assert alone.dsr is not None
    assert among.dsr is not None
    assert among.dsr < alone.dsr
    assert among.pbo == alone.pbo


def train(
    count: int, out: Path, now: int, **more: Any
) -> tuple[TickTrainingPipeline, Recording, TrainingResult]:
    pipeline = TickTrainingPipeline({**SMALL, **more}, clock=ReplayClock(now))
    recording = Recording.of(bar_sessions(count, 3, 0.9), Y)
    return pipeline, recording, pipeline.train(recording, out)


def test_a_new_folder_forgets_neither_trials_nor_openings(tmp_path: Path) -> None:
    pipeline, recording, first = train(12, tmp_path / "first", 1)
    assert first.summary["trials"] == {"here": 4, "earlier": 0, "seen_in_vault": 0}
    assert pipeline.open_vault(recording, first, who="ana", why="r1")["sessions"] == 3
    # The same again makes no new trial, but the vault is no test any more.
    pipeline, _, again = train(12, tmp_path / "again", 2)
    assert again.summary["trials"] == {"here": 4, "earlier": 0, "seen_in_vault": 3}
    assert "Of the 3 sessions in the vault 3 were seen before" in again.verdict
    with pytest.raises(
        ConfigError, match=r"all were seen before, 2024-10-13 was opened by ana on 1970-01-01 \(r1\)"
    ):
        pipeline.open_vault(recording, again, who="rui", why="r2")
    # Two sessions later, with other options: two of the locked ones are new.
    pipeline, longer, other = train(14, tmp_path / "other", 3, barrier_atr=3.0)
    assert other.summary["trials"] == {"here": 4, "earlier": 4, "seen_in_vault": 1}
    assert other.judged.assessment.earlier.seen == ("2024-10-15",)
    found = pipeline.open_vault(longer, other, who="rui", why="r2")
    assert (found["locked"], found["seen"], found["sessions"]) == (3, 1, 2)
    assert pipeline.open_vault(longer, other, who="rui", why="r2") == found
    # Trained again on more sessions: no trial of the first counts twice, those of the other do.
    more = Recording.of(bar_sessions(14, 3, 0.9), Y)
    rule = RetrainingConfig(every_sessions=1, min_new_rows=1)
    later = retrain(
        first.model.parent.parent, "y_tick", more, tmp_path / "later", rule, clock=ReplayClock(4)
    ).result
    assert later is not None
    assert later.summary["trials"]["earlier"] == 4
    # What was read when it was first assessed stands.
    assert train(12, tmp_path / "first", 5)[2].summary["trials"] == first.summary["trials"]


def test_a_book_training_opens_the_vault_of_every_target_once(tmp_path: Path) -> None:
    small = {
        "features": ("book_imbalance_1", "mid_return_1s", "mid_return_10s"), "candidates": "quick", "clock": "1s",
        "heartbeat_s": 1.0, "targets": ("direction_1", "direction_2"),
    }  # fmt: skip
    recording = Recording.of(sessions(12, 3, 0.9, n=120), X)

    def trained(out: str, now: int) -> tuple[BookTrainingPipeline, Any]:
        pipeline = BookTrainingPipeline(small, clock=ReplayClock(now))
        return pipeline, pipeline.train(recording, tmp_path / out)

    pipeline, result = trained("first", 1)
    opening = pipeline.open_vault(recording, result, who="ana", why="r1")
    found = opening.found
    assert opening.refused == {}
    assert {name: (f["sessions"], f["locked"], f["seen"]) for name, f in found.items()} == {
        "direction_1": (3, 3, 0), "direction_2": (3, 3, 0),
    }  # fmt: skip
    assert min(f["rows"] for f in found.values()) > 100
    assert pipeline.open_vault(recording, result, who="ana", why="r1") == opening
    assert (
        json.loads((tmp_path / "first" / "direction_1" / "summary.json").read_text())["vault_result"]
        == found["direction_1"]
    )
    pipeline, result = trained("again", 2)
    opening = pipeline.open_vault(recording, result, who="ana", why="r1")
    assert opening.found == {}
    assert list(opening.refused) == ["direction_1", "direction_2"]
    assert all("all were seen before" in text for text in opening.refused.values())
    few = Recording.of(sessions(7, 3, 0.9, n=350), replace(X, product="Z"))
    blocks = pipeline.train(few, tmp_path / "blocks")
    # The last of the seven days lies in the blocks that are locked away.
    study = Study.of("Z", "direction_4", synthetic=False)
    assert study.seen(np.arange(20_000, 20_008)) == {
        str(
            np.datetime64(day, "D")
        ): "trained on in blocks of time by x_book_direction_2 on 1970-01-01 (train book)"
        for day in range(20_000, 20_006)
    }
    assert study.earlier({"trees": trial(DAYS, 1)}, "b", NONE).configurations == 0
    with pytest.raises(ConfigError, match="a few blocks of time"):
        pipeline.open_vault(few, blocks, who="ana", why="r1")


def test_a_book_vault_is_opened_on_rows_with_the_hours_of_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {
        "features": ("book_imbalance_1", "mid_return_1s", "session_frac"), "candidates": "quick", "clock": "1s",
        "heartbeat_s": 1.0, "targets": ("direction_1",),
    }  # fmt: skip
    # Since, sessions have become twice as long.
    hours = tuple(SessionHours(date(y, 1, 1), time(12), time(12, m)) for y, m in ((2020, 2), (2026, 4)))
    parts = sessions(12, 3, 0.9, n=120)
    recording = Recording.of(parts, replace(X, hours=hours))
    pipeline = BookTrainingPipeline(small, clock=ReplayClock(1))
    result = pipeline.train(recording, tmp_path / "out")
    # Another recording, with the later hours from the start: nothing is opened.
    other = replace(X, hours=(replace(hours[1], valid_from=date(2020, 1, 1)),))
    refused = pipeline.open_vault(Recording.of(parts, other), result, who="ana", why="r1").refused
    assert "session_seconds is 240.0, expected 120.0" in refused["direction_1"]
    assert not (tmp_path / "out" / "vault.jsonl").exists()
    rows: list[Dataset] = []

    def looked(vault: object, data: Dataset, *_: object, **__: object) -> dict[str, Any]:
        rows.append(data)
        return {}

    monkeypatch.setattr(book, "judge_in_vault", looked)
    pipeline.open_vault(recording, result, who="ana", why="r1")
    share = rows[0].X[:, rows[0].names.index("session_frac")]
    assert np.nanmax(share) == pytest.approx(1, abs=0.05)


def test_the_page_says_what_was_tried_and_seen(tmp_path: Path) -> None:
    a = replace(assessed(0.9), earlier=Earlier(24, 5, (0.1,), 10, ("2024-12-01", "2024-12-02")))
    for lang, words in (("en", "2 of them seen before"), ("pt", "2 deles já vistos antes")):
        page = render_page(a, lang)
        assert words in page
        assert 'data-at="earlier/configurations">24<' in page
    a.save(tmp_path)
    assert Assessment.load(tmp_path).earlier == a.earlier
    arrays: dict[str, Any] = {}
    document = encode(a, arrays)
    del document["earlier"], document["shifted"]  # as older versions wrote it
    old = decode(Assessment, document, arrays)
    assert old.earlier == Earlier()
    assert "Labels shifted within sessions" in render_page(a, "en")
    assert "Labels shifted within sessions" not in render_page(old, "en")


def test_reads_of_sessions_that_are_held_out_are_logged() -> None:
    about = {"synthetic": False, "how": "labelled", "who": "ana", "why": "label"}
    assert log_read("P", DAYS, **about) == {}
    assert not list(studies_folder().glob("P-*"))  # nothing is made where nobody trained
    study = Study.of("P", "triple_barrier_side", synthetic=False)
    study.add(trial(DAYS[5:30], 1), "a", "x")
    Study.of("P", "direction_1", synthetic=False).add(trial(DAYS[:38], 1), "b", "x")
    Study.of("P", "direction_1", synthetic=True).add(trial(DAYS[:10], 1), "c", "x")
    Study.of("PQ", "direction_1", synthetic=False).add(trial(DAYS[:10], 1), "d", "x")
    assert log_read("P", DAYS[:30], **about) == {}
    held = tuple(str(day) for day in DAYS[30:].astype("datetime64[D]"))
    for _ in range(2):  # the same look is one line
        assert log_read("P", DAYS, label="triple_barrier_side", **about) == {"P-triple_barrier": held}
    lines = (study.folder / "vault.jsonl").read_text().splitlines()
    assert len(lines) == 1
    assert all(word in lines[0] for word in ("labelled", "ana", '"why":"label"', held[0], held[-1]))
    assert list(study.seen(DAYS[30:])) == list(held)
    about |= {"how": "replayed", "why": "replay --strategy model"}
    assert log_read("P", DAYS, **about) == {"P-triple_barrier": held, "P-direction": held[-2:]}
    assert log_read("P", DAYS, **{**about, "synthetic": True}) == {
        "P-direction-synthetic": tuple(str(day) for day in DAYS[10:].astype("datetime64[D]"))
    }
