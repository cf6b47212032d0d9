"""Both trainings, and what joins them: the tick model's score at the book's decisions, and the hybrid strategy."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader.clock import Clock
from quantumtrader.exceptions import ConfigError, DataError, EmptyDataError
from quantumtrader.execution.registry import make_strategy
from quantumtrader.execution.strategy import Strategy
from quantumtrader.features.fit.artifact import Fits
from quantumtrader.models.base import model
from quantumtrader.models.folder import write_whole
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
from quantumtrader.training.pipelines.decision import SUMMARY, decided, read_summary, ticks_only
from quantumtrader.training.pipelines.judge import Stage, interval_document, purged_splits
from quantumtrader.training.pipelines.libraries import library_versions
from quantumtrader.training.pipelines.look_back import BAR_NS, decided_ns, longest_window, look_backs
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.result import TrainingResult
from quantumtrader.training.pipelines.sources import OUT, Paths, as_date, split_config
from quantumtrader.training.pipelines.tick import TickTrainingPipeline
from quantumtrader.training.pipelines.tick_config import TickConfig
from quantumtrader.training.recipes import Recipe, Single, Stacked, splitter_text
from quantumtrader.training.report import write_join
from quantumtrader.training.run_folder import RunFolder
from quantumtrader.training.splits import CombinatorialPurged
from quantumtrader.types import Events

__all__ = ["DualConfig", "DualResult", "DualTrainingSystem", "last_days", "last_sessions"]

NO_BOOK = "There is no book data: trained on ticks only; without it there is no entry timing, and no hybrid strategy."
_EPOCH = date(1970, 1, 1)
_log = logging.getLogger(__name__)
_JOINED = ("base_as_feature", "stacked")
"""What is held against the book model alone; both share the chance of being called better by luck."""
_EQUAL = 1e9
"""Rows that equal weights count as: what is fitted does not move them."""
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
    csv_lookback : int
        Calendar days of ticks before the book's first session, where the system opens the files itself.
    book_lookback : int
        Last recorded sessions of the book, where the system opens it itself.
    """

    tick: TickConfig = field(default_factory=lambda: TickConfig(features="bars", clock="bar"))
    book: BookConfig = field(default_factory=BookConfig)
    target: str = "direction_1"
    ensemble_method: str = "stacking"
    hmarl_integration: bool = False
    csv_lookback: int = 365
    book_lookback: int = 30

    def __post_init__(self) -> None:
        if self.ensemble_method not in ("stacking", "weighted"):
            raise ConfigError(
                f"dual training: ensemble_method is {self.ensemble_method!r}, expected stacking or weighted"
            )
        for name in ("csv_lookback", "book_lookback"):
            if getattr(self, name) < 1:
                raise ConfigError(f"dual training: {name} is {getattr(self, name)}, expected 1 or more")


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

    Two ways lead to the same: :meth:`train`, or :meth:`train_tick_only_models`, :meth:`train_book_enhanced_models` and
    :meth:`create_hybrid_strategy`, called one after the other.

    Parameters
    ----------
    config : DualConfig or mapping
        A mapping may name data and registry too: ``symbol, tick_data_path, book_data_path, models_path``.
    executor, clock, stage
        As of ``TickTrainingPipeline``.
    out : Path
        Where the methods that take a symbol train, each symbol in a folder of its name.
    models : Path, optional
        The registry; ``models`` in the training's folder by default.
    fitted : path, sequence of paths, or Fits
        As of ``TickTrainingPipeline``, for both trainings.
    """

    config: DualConfig | Mapping[str, Any] = field(default_factory=DualConfig)
    executor: Executor = field(default_factory=SerialExecutor)
    clock: Clock | None = None
    stage: Stage | None = None
    out: Path = OUT
    models: Path | None = None
    fitted: Paths | Fits = ()

    def __post_init__(self) -> None:
        self._sources, self.config = split_config(self.config, DualConfig, "dual training")
        self.models = self.models or self._sources.models
        self.fitted = self.fitted or self._sources.fitted
        self._ticks: dict[str, tuple[Recording, TrainingResult]] = {}
        self._books: dict[str, tuple[Recording, BookResult]] = {}

    @property
    def asked(self) -> DualConfig:
        """The configuration."""
        assert isinstance(self.config, DualConfig)  # made one above
        return self.config

    # -- by symbol, from the files that the configuration names -------------------------------------------------

    def train_tick_only_models(
        self, symbols: Sequence[str] | str, start_date: date | str | None = None
    ) -> dict[str, TrainingResult]:
        """Train a tick model of each symbol on ``tick_data_path``, on sessions before the book's first one only.

        The book is what :meth:`train_book_enhanced_models` was given, or the last ``book_lookback`` sessions of
        ``book_data_path``; without either all sessions are used, and no book can be joined that begins among them.

        Parameters
        ----------
        symbols : sequence of str
        start_date : date or str, optional
            First session; ``csv_lookback`` days before the end by default.

        Raises
        ------
        DataError
            No session of ticks comes before the book.
        """
        out, start = {}, as_date(start_date, "start_date")
        for symbol in _list(symbols):
            recording, book = self._sources.ticks(symbol, start), self._book_of(symbol)
            recording = recording if book is None else _before(recording, book)
            if start is None:
                recording = last_days(recording, self.asked.csv_lookback)
            newest = 0 if book is None else int(book.survey().days[-1])
            out[symbol] = self._tick(recording, Path(self.out) / symbol / "tick", newest)
            self._ticks[symbol] = recording, out[symbol]
        return out

    def train_book_enhanced_models(
        self, symbols: Sequence[str] | str, lookback_days: int | None = None
    ) -> dict[str, BookResult]:
        """Train book models of each symbol on the last recorded sessions of ``book_data_path``.

        Parameters
        ----------
        symbols : sequence of str
        lookback_days : int, optional
            Sessions; ``book_lookback`` of the configuration, 30, by default.

        Raises
        ------
        ConfigError
            The symbol's tick model was trained on some of these sessions.
        """
        out = {}
        for symbol in _list(symbols):
            wanted = self.asked.book_lookback if lookback_days is None else lookback_days
            recording = last_sessions(self._sources.book(symbol), wanted)
            if symbol in self._ticks:
                _require_apart(self._ticks[symbol][0], recording, symbol)
            out[symbol] = self._book(recording, Path(self.out) / symbol / "book")
            self._books[symbol] = recording, out[symbol]
        return out

    def create_hybrid_strategy(self, symbol: str) -> Strategy:
        """Return the strategy of a symbol's models: ``hybrid`` where the join is better than the book model alone.

        Where it is not, or cannot be told, the book model decides alone, in the strategy ``model``; the warning that is
        logged says why, as ``dual.json`` does. The models are those that this system trained last, or those named there.

        Raises
        ------
        DataError
            There is no book model, or nothing was trained.
        ConfigError
            The tick model was trained on sessions of the book.
        """
        folder = Path(self.out) / symbol
        if symbol in self._ticks and symbol in self._books:
            (ticks, tick), (book, trained) = self._ticks[symbol], self._books[symbol]
            _require_apart(ticks, book, symbol)
            summary = self._combined(folder, ticks, tick, book, trained).summary
        elif (file := folder / SUMMARY).exists():
            summary = read_summary(file)
        else:
            has = (
                "a tick model"
                if symbol in self._ticks
                else "a book model"
                if symbol in self._books
                else "nothing"
            )
            raise DataError(
                f"no hybrid strategy of {symbol}: this system has trained {has} of it, and there is no {file.name}",
                path=folder,
                remedy="Call train_tick_only_models and train_book_enhanced_models, or train_complete_system; what their "
                "folders hold is not computed again",
            )
        if "book" not in summary["decides"]:
            raise DataError(
                f"no hybrid strategy of {symbol}: {summary['notice']}",
                path=folder / SUMMARY,
                remedy="Train both (train dual), or trade the tick model with the strategy model",
            )
        chosen = summary["strategy"]
        if chosen["name"] != "hybrid":
            _log.warning("%s: %s", symbol, summary["notice"])
        return make_strategy(chosen["name"], **chosen["parameters"])

    def train_complete_system(
        self, csv_files: Paths, book_data_path: Paths | None, validation_split: float = 0.2
    ) -> DualResult:
        """Train both from files, within the lookbacks of the configuration.

        Parameters
        ----------
        csv_files : path, or sequence of paths
            Prints or bars.
        book_data_path : path, or sequence of paths, optional
            None trains on ticks only.
        validation_split : float
            Share of the sessions that is locked away.
        """
        asked, symbol = self.asked, self._sources.require("symbol")
        chosen = replace(
            asked,
            tick=replace(asked.tick, vault=validation_split),
            book=replace(asked.book, vault=validation_split),
        )
        ticks = Recording.open(csv_files, symbol)
        book = None if book_data_path is None else Recording.open(book_data_path, symbol)
        system = replace(self, config=chosen)
        return system.train(*system.within(ticks, book), Path(self.out) / symbol)

    # -- what they do ------------------------------------------------------------------------------------------

    def within(self, ticks: Recording, book: Recording | None) -> tuple[Recording, Recording | None]:
        """Return the last sessions of both that the lookbacks of the configuration leave; ticks before the book's first.

        Raises
        ------
        DataError
            No session of ticks comes before the book.
        """
        if book is None:
            return last_days(ticks, self.asked.csv_lookback), None
        book = last_sessions(book, self.asked.book_lookback)
        return last_days(_before(ticks, book), self.asked.csv_lookback), book

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

        Raises
        ------
        DataError
            No session of ticks comes before the book, or one of both cannot be learned from.
        """
        folder = Path(out)
        if book is None:
            tick = self._tick(ticks, folder / "tick")
            return self._written(folder, tick, None, ticks_only(tick, NO_BOOK))
        before = _before(ticks, book)
        tick = self._tick(before, folder / "tick", int(book.survey().days[-1]))
        return self._combined(folder, before, tick, book, self._book(book, folder / "book"))

    def _combined(
        self, folder: Path, before: Recording, tick: TrainingResult, book: Recording, trained: BookResult
    ) -> DualResult:
        """Join both models, decide which of them decide, and write it down."""
        wanted = self.asked.target
        timing = trained.results.get(wanted)
        if timing is None:
            why = trained.insufficient.get(wanted, f"{wanted} is none of its targets")
            return self._written(folder, tick, trained, ticks_only(tick, f"no entry timing: {why}"))
        history = list(before.sessions(before.survey().days[-_HISTORY:]))
        joined = self._join(book, tick, timing, folder / "joined", history)
        weight = joined.get("weight")
        return self._written(
            folder, tick, trained, decided(tick, timing, joined, 0.5 if weight is None else weight)
        )

    def _book_of(self, symbol: str) -> Recording | None:
        """Return the book of a symbol, as far as there is one: the tick model is trained before it."""
        if symbol in self._books:
            return self._books[symbol][0]
        if self._sources.book_data_path is None:
            return None
        return last_sessions(self._sources.book(symbol), self.asked.book_lookback)

    def _tick(self, recording: Recording, out: Path, newest_day: int = 0) -> TrainingResult:
        pipeline = TickTrainingPipeline(
            self.asked.tick,
            self.models or out.parent / "models",
            self.executor,
            self.clock,
            self.stage,
            newest_day,
            self.fitted,
        )
        return pipeline.train(recording, out)

    def _book(self, recording: Recording, out: Path) -> BookResult:
        pipeline = BookTrainingPipeline(
            self.asked.book,
            self.models or out.parent / "models",
            self.executor,
            self.clock,
            self.stage,
            fitted=self.fitted,
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
        asked = {k: v for k, v in timing.judged.judged.trial.parameters["splitter"].items() if k != "scheme"}
        # The score looks back as far as what it is made of; blocks of time are parts of a session.
        remembered = look_backs(loaded.manifest.features, BAR_NS, decided_ns(data.spans, BAR_NS)).values()
        asked["embargo_ns"] = max(asked["embargo_ns"], longest_window(remembered))
        if not timing.summary["study"].endswith("/blocks"):
            asked["embargo_sessions"] = max(
                [asked["embargo_sessions"], *(found.sessions for found in remembered)]
            )
        sessions = len(data.spans.sessions)  # not all that the book model has: some may lack a score
        try:
            splitter, _, inner = purged_splits(sessions, **asked)
        except DataError:
            every = len(prepared.data.spans.sessions)
            return {
                "insufficient": f"the tick model has a score in {sessions} of {every} sessions of the book's training: "
                "too few to divide"
            }
        leaf = int(np.clip(len(data) // 100, 5, 100))
        shallow = Single(shallow_trees(self.asked.book.seed, leaf))
        base = Single(model("logistic", columns=[BASE]))
        stack = Stack() if self.asked.ensemble_method == "stacking" else Stack(shrinkage=_EQUAL)
        recipes: dict[str, tuple[Dataset, Recipe]] = {
            "book_alone": (plain, shallow),
            "base_alone": (data, base),
            "base_as_feature": (data, shallow),
            "stacked": (data, Stacked([base.estimator, shallow.estimator], inner, stack)),
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
            "embargo": {"sessions": splitter.embargo_sessions, "looked_back_on": asked["embargo_sessions"]},
            "edges": {n: interval_document(f.edge) if enough else None for n, f in found.items()},
            "better_than_book_alone": better,
            "weight": _book_weight(data, base, shallow, inner, stack, half_life),
        }

    def _written(
        self, folder: Path, tick: TrainingResult, book: BookResult | None, summary: dict[str, Any]
    ) -> DualResult:
        both = [tick, *(() if book is None else book.results.values())]
        summary["synthetic"] = any(bool(found.summary["synthetic"]) for found in both)
        summary["symbol"] = tick.summary["symbol"]
        summary["book"] = None if book is None else {n: r.summary["verdict"] for n, r in book.results.items()}
        text = json.dumps(summary, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
        write_whole(folder / SUMMARY, text.encode())
        write_join(summary, folder / "report.html")
        return DualResult(folder, tick, book, summary)


def _same_rows(plain: Evaluation, joined: Evaluation) -> Evaluation:
    """Return the evaluation as one of the joined data: the same rows and splits, one column less."""
    parameters = {**plain.trial.parameters, "data": joined.trial.parameters["data"]}
    return replace(plain, trial=replace(plain.trial, parameters=parameters))


def _book_weight(
    data: Dataset, base: Single, shallow: Single, inner: CombinatorialPurged, stack: Stack, half_life: float
) -> float | None:
    """Share of the book model in the stack that is fitted on all rows; None where it gives none of the two a weight."""
    fitted = Stacked([base.estimator, shallow.estimator], inner, stack).fit(data, half_life).estimator
    weighed = getattr(fitted, "stack_", None)
    if weighed is None:
        return None
    last = np.asarray(weighed.weights_[-1])[:2]
    return float(last[1] / last.sum()) if last.sum() > 0 else None


def last_days(recording: Recording, days: int) -> Recording:
    """Return the sessions of the last so many calendar days, that of the last session included."""
    last = int(recording.survey().days[-1])
    return recording.between(_EPOCH + timedelta(days=last - days + 1), None)


def last_sessions(recording: Recording, count: int) -> Recording:
    """Return the last so many recorded sessions.

    Raises
    ------
    ConfigError
        None is asked for.
    """
    if count < 1:
        raise ConfigError(f"the last {count} sessions of {recording.origin}: expected 1 or more")
    return recording.between(_EPOCH + timedelta(days=int(recording.survey().days[-count:][0])), None)


def _before(ticks: Recording, book: Recording) -> Recording:
    """Return the sessions of ticks before the book's first one."""
    first = book.survey().first_date
    before = ticks.between(None, first - timedelta(days=1))
    try:
        before.survey()
    except EmptyDataError as error:
        raise DataError(
            f"dual training: {ticks.origin} has no session before {first}, the first one of the book: the tick model would "
            "be trained on what it is judged on",
            remedy="Give earlier ticks, or fewer sessions of book",
        ) from error
    return before


def _require_apart(ticks: Recording, book: Recording, symbol: str) -> None:
    """Refuse a book that begins before the ticks end, of which a model was trained."""
    last = _EPOCH + timedelta(days=int(ticks.survey().days[-1]))
    survey = book.survey()
    if survey.first_date <= last:
        raise ConfigError(
            f"dual training: the book of {symbol} begins on {survey.first_date}, and its tick model was trained on sessions "
            f"until {last}: it would be judged on what it has learned. Name book_data_path, and book_lookback="
            f"{len(survey.days)}, in the configuration, and train the tick model in another folder"
        )


def _list(symbols: Sequence[str] | str) -> list[str]:
    return [symbols] if isinstance(symbols, str) else list(symbols)
