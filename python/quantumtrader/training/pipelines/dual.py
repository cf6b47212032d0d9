"""Both trainings, and what joins them: the tick model's score at the book's decisions, and the hybrid strategy."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader.clock import Clock
from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.execution.strategy import Strategy
from quantumtrader.models.base import model
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.stack import Stack
from quantumtrader.training.cross_validate import Evaluation, evaluate
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.executor import Executor, SerialExecutor
from quantumtrader.training.paired import ships
from quantumtrader.training.pipelines.base_score import BASE, base_scores, with_base
from quantumtrader.training.pipelines.book import BookResult, BookTrainingPipeline
from quantumtrader.training.pipelines.book_config import BookConfig
from quantumtrader.training.pipelines.candidates import shallow_trees
from quantumtrader.training.pipelines.judge import Stage, interval_document, purged_splits
from quantumtrader.training.pipelines.libraries import library_versions
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.result import TrainingResult
from quantumtrader.training.pipelines.tick import TickTrainingPipeline
from quantumtrader.training.pipelines.tick_config import TickConfig
from quantumtrader.training.recipes import Recipe, Single, Stacked, splitter_text
from quantumtrader.training.run_folder import RunFolder, write_whole
from quantumtrader.training.splits import CombinatorialPurged
from quantumtrader.types import Events

__all__ = ["DualConfig", "DualResult", "DualTrainingSystem", "last_days"]

NO_BOOK = "There is no book data: trained on ticks only; without it there is no entry timing, and no hybrid strategy."
_EPOCH = date(1970, 1, 1)
_JOINED = ("base_as_feature", "stacked")
"""What is held against the book model alone; both share the chance of being called better by luck."""
_HISTORY = 40
"""Sessions of ticks before the book's that features may look back on."""


@dataclass(frozen=True, slots=True)
class DualConfig:
    """What both trainings do.

    Parameters
    ----------
    tick : TickConfig
        By default on features of bars, which the hybrid strategy can hear at the book's pace.
    book : BookConfig
    target : str
        Book target that times entries.
    ensemble_method : str
        ``stacking``: weights fitted on inner out-of-fold log-odds, drawn to equal ones; ``weighted``: equal ones.
    hmarl_integration : bool
        Accepted as given; the agents read the strategy's predictions, and change nothing here.
    """

    tick: TickConfig = field(default_factory=lambda: TickConfig(features="bars", clock="bar"))
    book: BookConfig = field(default_factory=BookConfig)
    target: str = "direction_1"
    ensemble_method: str = "stacking"
    hmarl_integration: bool = False

    def __post_init__(self) -> None:
        if self.ensemble_method not in ("stacking", "weighted"):
            raise ConfigError(
                f"dual training: ensemble_method is {self.ensemble_method!r}, expected stacking or weighted"
            )


@dataclass(frozen=True, eq=False)
class DualResult:
    """A finished dual training.

    Parameters
    ----------
    folder : Path
    tick : TrainingResult
    book : BookResult or None
        None without book data.
    summary : dict
        What ``dual.json`` holds.
    """

    folder: Path
    tick: TrainingResult
    book: BookResult | None
    summary: dict[str, Any]


@dataclass
class DualTrainingSystem:
    """Trains on ticks for the side and on the book for the moment, and says whether both are more than one.

    Parameters
    ----------
    config : DualConfig or mapping
        A mapping may hold the design's names: ``symbol, tick_data_path, book_data_path, models_path, ensemble_method``.
    executor, clock, stage
        As of ``TickTrainingPipeline``.
    out : Path
        Folder of the training, for the methods with the design's signatures.
    """

    config: DualConfig | Mapping[str, Any] = field(default_factory=DualConfig)
    executor: Executor = field(default_factory=SerialExecutor)
    clock: Clock | None = None
    stage: Stage | None = None
    out: Path = Path("training")

    def __post_init__(self) -> None:
        given: dict[str, Any] = {} if isinstance(self.config, DualConfig) else dict(self.config)
        self._tick_path = given.pop("tick_data_path", None)
        self._book_path = given.pop("book_data_path", None)
        self._symbol = given.pop("symbol", None)
        models = given.pop("models_path", None)
        self.models = None if models is None else Path(models)
        if not isinstance(self.config, DualConfig):
            self.config = DualConfig(**given)

    @property
    def asked(self) -> DualConfig:
        """The configuration."""
        assert isinstance(self.config, DualConfig)  # made one above
        return self.config

    # -- the design's names ------------------------------------------------------------------------------------

    def train_tick_only_models(
        self, symbols: Sequence[str] | str, start_date: date | None = None
    ) -> dict[str, TrainingResult]:
        """Train a tick model of each symbol, from ``tick_data_path`` of the configuration."""
        out = {}
        for symbol in _list(symbols):
            recording = Recording.open(_given(self._tick_path, "tick_data_path"), symbol, start=start_date)
            out[symbol] = self._tick(recording, self.out / symbol / "tick")
        return out

    def train_book_enhanced_models(
        self, symbols: Sequence[str] | str, lookback_days: int = 30
    ) -> dict[str, BookResult]:
        """Train book models of each symbol on the last so many days of ``book_data_path``."""
        out = {}
        for symbol in _list(symbols):
            recording = Recording.open(_given(self._book_path, "book_data_path"), symbol)
            out[symbol] = self._book(last_days(recording, lookback_days), self.out / symbol / "book")
        return out

    def create_hybrid_strategy(self, symbol: str) -> Strategy:
        """Return the hybrid strategy of the models that were trained for a symbol.

        Raises
        ------
        DataError
            There is no book model.
        """
        file = self.out / symbol / "dual.json"
        summary = json.loads(file.read_bytes()) if file.exists() else {}
        if not summary.get("hybrid"):
            raise DataError(
                f"no hybrid strategy of {symbol}: {summary.get('notice') or NO_BOOK}",
                path=file,
                remedy="Train both first (train dual)",
            )
        from quantumtrader.models.hybrid import HybridStrategy

        return HybridStrategy(**summary["hybrid"])

    def train_complete_system(
        self, csv_files: Path | str, book_data_path: Path | str | None, validation_split: float = 0.2
    ) -> DualResult:
        """Train both from files; ``validation_split`` is the share of the sessions that is locked away."""
        asked = self.asked
        symbol = _given(self._symbol, "symbol")
        self.config = replace(
            asked,
            tick=replace(asked.tick, vault=validation_split),
            book=replace(asked.book, vault=validation_split),
        )
        ticks = Recording.open(csv_files, symbol)
        book = None if book_data_path is None else Recording.open(book_data_path, symbol)
        return self.train(ticks, book, self.out / symbol)

    # -- what they do ------------------------------------------------------------------------------------------

    def train(self, ticks: Recording, book: Recording | None, out: Path | str) -> DualResult:
        """Train in a folder, or go on there.

        The tick model is trained on the sessions before the book's first one: its scores at the book's decisions are of
        rows that it has never seen.

        Parameters
        ----------
        ticks : Recording
            A year or more of prints or bars of one minute.
        book : Recording or None
            Weeks of book; None trains on ticks only, and says so.
        out : Path
        """
        folder = Path(out)
        if book is None:
            tick = self._tick(ticks, folder / "tick")
            summary = {"notice": NO_BOOK, "tick": tick.summary["verdict"], "book": None, "hybrid": None}
            return self._written(folder, tick, None, summary)
        first = _EPOCH + timedelta(days=int(book.survey().days[0]))
        before = ticks.between(None, first - timedelta(days=1))
        tick = self._tick(before, folder / "tick", int(book.survey().days[-1]))
        trained = self._book(book, folder / "book")
        wanted = self.asked.target
        timing = trained.results.get(wanted)
        if timing is None:
            why = trained.insufficient.get(wanted, f"{wanted} is none of its targets")
            summary = {
                "notice": f"no entry timing: {why}",
                "tick": tick.summary["verdict"],
                "book": {name: r.summary["verdict"] for name, r in trained.results.items()},
                "hybrid": None,
            }
            return self._written(folder, tick, trained, summary)
        history = list(before.sessions(before.survey().days[-_HISTORY:]))
        joined = self._join(book, tick, timing, folder / "joined", history)
        weight = 0.5
        if self.asked.ensemble_method == "stacking" and joined.get("weight") is not None:
            weight = float(joined["weight"])
        hybrid = {"tick": str(tick.model), "book": str(timing.model), "weight": weight}
        refused = _refusal(hybrid)
        summary = {
            "notice": None if refused is None else f"no hybrid strategy of these models: {refused}",
            "tick": tick.summary["verdict"],
            "book": {name: r.summary["verdict"] for name, r in trained.results.items()},
            "joined": joined,
            "hybrid": hybrid if refused is None else None,
        }
        return self._written(folder, tick, trained, summary)

    def _tick(self, recording: Recording, out: Path, newest_day: int = 0) -> TrainingResult:
        pipeline = TickTrainingPipeline(
            self.asked.tick,
            self.models or out.parent / "models",
            self.executor,
            self.clock,
            self.stage,
            newest_day,
        )
        return pipeline.train(recording, out)

    def _book(self, recording: Recording, out: Path) -> BookResult:
        pipeline = BookTrainingPipeline(
            self.asked.book, self.models or out.parent / "models", self.executor, self.clock, self.stage
        )
        return pipeline.train(recording, out)

    def _join(
        self,
        book: Recording,
        tick: TrainingResult,
        timing: TrainingResult,
        out: Path,
        history: Sequence[Events],
    ) -> dict[str, Any]:
        """Compare book alone, base alone, the base as a feature, and the stack, on the same rows and splits."""
        prepared = timing.prepared
        loaded = ModelRegistry(tick.model.parent.parent).load(
            tick.model.parent.name, tick.model.name, validity=False
        )
        began = date.fromisoformat(tick.summary["sessions"]["development"][0])
        scores = base_scores(book, loaded, prepared.data.spans.t0, began)
        if np.isnan(scores).mean() > 0.5:  # the book's sessions are too short for the slow features
            scores = base_scores(book, loaded, prepared.data.spans.t0, began, history)
        known = np.flatnonzero(~np.isnan(scores))
        if len(known) < max(100, len(scores) // 2):
            return {
                "insufficient": f"the tick model has a score at {len(known)} of {len(scores)} decisions: its features "
                "warm up over more than the book's sessions hold"
            }
        if np.ptp(scores[known]) == 0:
            return {
                "insufficient": f"the tick model has one and the same score at all {len(known)} decisions: it tells "
                "nothing apart"
            }
        data = with_base(prepared.data.take(known), scores[known], loaded.manifest.hash)
        plain = prepared.data.take(known)
        asked = timing.judged.judged.trial.parameters["splitter"]
        sessions = len(data.spans.sessions)  # not all that the book model has: some may lack a score
        try:
            splitter, _, inner = purged_splits(sessions, **{k: v for k, v in asked.items() if k != "scheme"})
        except DataError:
            every = len(prepared.data.spans.sessions)
            return {
                "insufficient": f"the tick model has a score in {sessions} of {every} sessions of the book's training: "
                "too few to divide"
            }
        leaf = int(np.clip(len(data) // 100, 5, 100))
        shallow = Single(shallow_trees(self.asked.book.seed, leaf))
        base = Single(model("logistic", columns=[BASE]))
        recipes: dict[str, tuple[Dataset, Recipe]] = {
            "book_alone": (plain, shallow),
            "base_alone": (data, base),
            "base_as_feature": (data, shallow),
            "stacked": (data, Stacked([base.estimator, shallow.estimator], inner, Stack())),
        }
        request = {
            "data": data.sha256,
            "base": loaded.manifest.hash,
            "splitter": splitter_text(splitter),
            "libraries": library_versions(self.asked.book.candidates),
            "half_life_sessions": self.asked.book.half_life_sessions,
        }
        half_life = self.asked.book.half_life_sessions or math.inf
        found: dict[str, Evaluation] = {}
        with RunFolder(out, request, self.clock) as folder:
            for name, (rows, recipe) in recipes.items():
                found[name] = evaluate(
                    rows, recipe, splitter, folder.ledger, "joined", half_life=half_life,
                    mapper=folder.mapper(self.executor, f"evaluating {name}"),
                )  # fmt: skip
        enough = data.sufficiency().sufficient
        better: dict[str, Any] = {}
        for name in _JOINED:
            alone = _same_rows(found["book_alone"], found[name])
            test = ships(found[name], alone, data, challengers=len(_JOINED), names=(name, "book_alone"))
            told = {"p_value": test.paired.p_value, "level": test.level, "better": test.ships}
            better[name] = told if enough else None
        return {
            "rows": len(data),
            "sufficient": enough,
            "edges": {n: interval_document(f.edge) if enough else None for n, f in found.items()},
            "better_than_book_alone": better,
            "weight": _book_weight(data, base, shallow, inner, half_life),
        }

    def _written(
        self, folder: Path, tick: TrainingResult, book: BookResult | None, summary: dict[str, Any]
    ) -> DualResult:
        summary["synthetic"] = bool(tick.summary["synthetic"])
        text = json.dumps(summary, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
        write_whole(folder / "dual.json", text.encode())
        return DualResult(folder, tick, book, summary)


def _same_rows(plain: Evaluation, joined: Evaluation) -> Evaluation:
    """Return the evaluation as one of the joined data: the same rows and splits, one column less."""
    parameters = {**plain.trial.parameters, "data": joined.trial.parameters["data"]}
    return replace(plain, trial=replace(plain.trial, parameters=parameters))


def _book_weight(
    data: Dataset, base: Single, shallow: Single, inner: CombinatorialPurged, half_life: float
) -> float | None:
    """Share of the book model in the stack that is fitted on all rows; None where it gives none of the two a weight."""
    fitted = Stacked([base.estimator, shallow.estimator], inner, Stack()).fit(data, half_life).estimator
    stack = getattr(fitted, "stack_", None)
    if stack is None:
        return None
    last = np.asarray(stack.weights_[-1])[:2]
    return float(last[1] / last.sum()) if last.sum() > 0 else None


def _refusal(hybrid: Mapping[str, Any]) -> str | None:
    """Say why the hybrid strategy does not take these models; None where it does."""
    from quantumtrader.models.hybrid import HybridStrategy

    try:
        HybridStrategy(**hybrid)
    except ConfigError as error:
        return str(error)
    return None


def last_days(recording: Recording, days: int) -> Recording:
    """Return the sessions of the last so many calendar days."""
    last = int(recording.survey().days[-1])
    return recording.between(_EPOCH + timedelta(days=last - days + 1), None)


def _list(symbols: Sequence[str] | str) -> list[str]:
    return [symbols] if isinstance(symbols, str) else list(symbols)


def _given(value: Any, name: str) -> Any:
    if value is None:
        raise ConfigError(f"dual training: the configuration has no {name}")
    return value
