"""Training on weeks of recorded book: entry timing, exits, what a fill will be worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader import __version__
from quantumtrader.clock import Clock
from quantumtrader.exceptions import ConfigError, DataError, QuantumTraderError
from quantumtrader.features import FeatureEngine
from quantumtrader.features.fit.artifact import Fits
from quantumtrader.models.base import Model
from quantumtrader.models.folder import check_name, name_of_symbol
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.training.dataset import build_dataset
from quantumtrader.training.executor import Executor, SerialExecutor
from quantumtrader.training.labels import Pace, PathBuilder, pace_of
from quantumtrader.training.notes import Note
from quantumtrader.training.pipelines.book_config import BookConfig
from quantumtrader.training.pipelines.book_task import BookTask, Target, targets_of
from quantumtrader.training.pipelines.candidates import with_stretches
from quantumtrader.training.pipelines.costs import cost_ticks, fee_request
from quantumtrader.training.pipelines.judge import Judged, Plan, Stage, judge, make_plan
from quantumtrader.training.pipelines.libraries import library_versions
from quantumtrader.training.pipelines.liquidity import LIQUID, entry_books, measure_liquidity
from quantumtrader.training.pipelines.look_back import (
    BAR_NS,
    LookBack,
    decided_ns,
    longest_window,
    look_backs,
    named,
)
from quantumtrader.training.pipelines.measured import Measuring
from quantumtrader.training.pipelines.opening import judge_in_vault
from quantumtrader.training.pipelines.prepared import (
    Prepared,
    choose_features,
    drop_unwarm,
    drop_useless,
)
from quantumtrader.training.pipelines.recording import Recording, Survey
from quantumtrader.training.pipelines.result import TrainingResult, finish
from quantumtrader.training.pipelines.ship import (
    Shipment,
    calibrated,
    check_parity,
    final_fit,
    golden_events,
    next_version,
    ship,
    trials_document,
)
from quantumtrader.training.pipelines.sources import OUT, Paths, as_date, split_config
from quantumtrader.training.pipelines.trading_time import TradingTime
from quantumtrader.training.policy import Policy
from quantumtrader.training.recipes import Recipe
from quantumtrader.training.run_folder import RunFolder
from quantumtrader.training.study import Study
from quantumtrader.training.trials import TrialLedger
from quantumtrader.training.vault import Vault
from quantumtrader.types import Events

__all__ = ["BookOpening", "BookResult", "BookTrainingPipeline"]

Int64 = npt.NDArray[np.int64]

BLOCKS = 15
"""Parts that a recording of few sessions is cut into; the last fifth of them is the vault."""
LEAST_SESSIONS = 8
BLOCKS_NOTE = Note(
    "what is counted as sessions are blocks of time: there were too few sessions to divide",
    "o que se conta como pregões são blocos de tempo: havia pregões de menos para dividir",
)
_WARMING = 20
"""Sessions before the vault that features warm up on."""
_EVENT_LIMIT = 300_000
"""Events of a session beyond which rows after every packet would not fit into memory."""


@dataclass(frozen=True, eq=False)
class BookResult:
    """A finished book training.

    Parameters
    ----------
    folder : Path
    results : dict of str to TrainingResult
        By target; each has a folder of its own in it.
    insufficient : dict of str to str
        Targets that could not be trained, and why.
    pace : Pace
    """

    folder: Path
    results: Mapping[str, TrainingResult]
    insufficient: Mapping[str, str]
    pace: Pace

    @property
    def metrics(self) -> dict[str, Any]:
        """Table of each target."""
        return {name: found.metrics for name, found in self.results.items()}


@dataclass(frozen=True, slots=True)
class BookOpening:
    """What opening the vaults of a book training brought.

    Parameters
    ----------
    found : dict of str to dict
        By target; ``vault_result`` of its summary.
    refused : dict of str to str
        Targets whose model was not judged there, and why (see ``judge_in_vault``).
    """

    found: Mapping[str, Mapping[str, Any]]
    refused: Mapping[str, str]


@dataclass
class BookTrainingPipeline:
    """Trains one model for each target, judged decision by decision: log loss, and the markout in ticks.

    Never by a Sharpe ratio: thirty days cannot support one.

    With fewer than eight sessions the groups that are left out together are contiguous blocks of time instead of sessions,
    purged, with an embargo of at most half a block. That trains a model and measures the code, and is always insufficient.

    Parameters
    ----------
    config : BookConfig or mapping
        A mapping may name data and registry too: ``symbol, book_data_path, models_path``.
    models, executor, clock, stage
        As of ``TickTrainingPipeline``.
    recording : Recording, optional
        What :meth:`train_book_models` reads; ``book_data_path`` of the configuration by default.
    out : Path, optional
        Its folder; ``training/SYMBOL/book`` by default.
    fitted : path, sequence of paths, or Fits
        As of ``TickTrainingPipeline``.
    """

    config: BookConfig | Mapping[str, Any] = field(default_factory=BookConfig)
    models: Path | None = None
    executor: Executor = field(default_factory=SerialExecutor)
    clock: Clock | None = None
    stage: Stage | None = None
    recording: Recording | None = None
    out: Path | None = None
    fitted: Paths | Fits = ()

    def __post_init__(self) -> None:
        self._sources, self.config = split_config(self.config, BookConfig, "book training")
        self.models = self.models or self._sources.models
        self.fitted = self.fitted or self._sources.fitted
        self._measuring = self._measure()

    @property
    def asked(self) -> BookConfig:
        """The configuration."""
        assert isinstance(self.config, BookConfig)  # made one above
        return self.config

    def train_book_models(
        self,
        start_date: date | str | None = None,
        end_date: date | str | None = None,
        targets: Sequence[str] = ("spread_change", "price_move_1min", "order_imbalance"),
    ) -> dict[str, Any]:
        """Train on the sessions between two dates, both included; returns the metrics of each target.

        Raises
        ------
        ConfigError
            A date or a target is none, or neither the pipeline nor its configuration names a recording.
        """
        chosen = replace(self.asked, targets=tuple(targets))
        first, last = as_date(start_date, "start_date"), as_date(end_date, "end_date")
        recording = self.recording or self._sources.book()
        out = self.out or OUT / recording.instrument.symbol / "book"
        return replace(self, config=chosen).train(recording.between(first, last), out).metrics

    def train(self, recording: Recording, out: Path | str) -> BookResult:
        """Train in a folder, or go on there.

        Raises
        ------
        DataError
            There is no book or touch, or nothing can be learned from it.
        ConfigError
            The folder holds another training.
        """
        survey = recording.survey()
        self._measuring = self._measure()
        if not survey.has_touch:
            raise DataError(
                f"book training: {recording.origin} has no book and no quotes, only {', '.join(survey.kinds).lower()}",
                remedy="Record the book (quantumtrader collect), or train on ticks only",
            )
        latency = self.asked.latency
        request = {
            "kind": "book",
            "symbol": recording.instrument.symbol,
            "tick_size": recording.instrument.tick_size,
            **fee_request(recording.instrument),
            "events": survey.sha256,
            "config": asdict(self.asked),
            **self._measuring.of(recording.instrument).request(),
            **({"latency": latency.facts()} if latency.measured else {}),
            "version": __version__,
            "libraries": library_versions(self.asked.candidates),
        }
        results: dict[str, TrainingResult] = {}
        failed: dict[str, str] = {}
        with RunFolder(out, request, self.clock) as folder:
            pace, wanted, ready, vault, blocks = self._rows(recording, survey, folder)
            for target in wanted:
                prepared = ready.get(target.name)
                try:
                    if prepared is None or not len(prepared.data):
                        raise DataError("insufficient: no decision has this label")
                    with RunFolder(
                        folder.path / target.name, {**request, "target": target.name}, self.clock
                    ) as own:
                        results[target.name] = self._train(
                            recording, survey, own, target, prepared, vault, blocks
                        )
                except (DataError, ConfigError) as error:  # such as no row left after purging
                    if len(wanted) == 1:
                        raise
                    failed[target.name] = str(error)
        if not results:
            raise DataError("book training: " + "; ".join(f"{k}: {v}" for k, v in failed.items()))
        return BookResult(Path(out), results, failed, pace)

    def require_vault(self, recording: Recording) -> None:
        """Refuse a recording that has no vault to open; worth asking before the training.

        Raises
        ------
        ConfigError
            What is divided are blocks of time.
        """
        count = len(recording.survey().days)
        if count < LEAST_SESSIONS:
            raise ConfigError(
                f"the vault of {count} session(s) is a few blocks of time and would always be insufficient; "
                f"record at least {LEAST_SESSIONS}"
            )

    def open_vault(self, recording: Recording, result: BookResult, *, who: str, why: str) -> BookOpening:
        """Judge the models of a finished training on the locked sessions that nobody has seen; each once, on record.

        A target that is refused leaves the others: what is found of them stands in their summaries.

        Raises
        ------
        ConfigError
            What was divided are blocks of time.
        """
        self.require_vault(recording)
        survey = recording.survey()
        vault = Vault.seal(survey.days, TrialLedger(result.folder / "vault.jsonl"), self.asked.vault)
        found: dict[str, dict[str, Any]] = {}
        refused: dict[str, str] = {}
        for target in targets_of(tuple(result.results), result.pace):
            try:
                own = self._open(recording, survey, vault, result, target, who, why)
            except QuantumTraderError as error:
                refused[target.name] = str(error)
            else:
                found[target.name] = own
                result.results[target.name].write(vault_result=own)
        return BookOpening(found, refused)

    def _open(
        self,
        recording: Recording,
        survey: Survey,
        vault: Vault,
        result: BookResult,
        target: Target,
        who: str,
        why: str,
    ) -> dict[str, Any]:
        asked, own = self.asked, result.results[target.name]
        loaded = ModelRegistry(own.model.parent.parent).load(
            own.model.parent.name, own.model.name, validity=False
        )
        trained, features = own.prepared.data, loaded.manifest.features
        if loaded.manifest.data["sha256"] != trained.sha256:
            raise ConfigError(f"{loaded.manifest.id} was not trained in {own.folder}")
        heartbeat, thin = (int(trained.measured_from[k]) for k in ("heartbeat_ns", "thin"))
        begin = int(next(recording.sessions(vault.locked[:1]))["ts_event"].min())
        task = BookTask((target,), heartbeat, asked.latency, begin, np.iinfo(np.int64).max, thin)
        # Hours of the recording's first session, as when it was trained: those of today may be others.
        engine = FeatureEngine.for_manifest(
            features,
            recording.instrument,
            survey.first_date,
            fitted=self._measuring.of(recording.instrument).fitted,
        )
        features.require(engine)  # a vault opens once: not on other rows
        # The sessions before warm the features up, as they were when the model was trained.
        days = np.concatenate((vault.development[-_WARMING:], vault.locked))
        rows = build_dataset(
            recording.sessions(days), engine, task.label, gaps=asked.gaps, checks=2, usable=False
        )
        return judge_in_vault(
            vault,
            task.dataset(target, rows, recording.gap_sessions()),
            trained,
            loaded,
            Policy(asked.margin, cost_ticks(recording, asked.slippage_ticks)),
            study=self._study(recording, survey, trained.label),
            training=RunFolder.created(result.folder),
            who=who,
            why=why,
            known=own.summary.get("vault_result"),
        )

    def _measure(self) -> Measuring:
        return Measuring(self.fitted, self.asked.features, self.asked.thresholds)

    def _study(self, recording: Recording, survey: Survey, label: str) -> Study:
        return Study.of(recording.instrument.product, label, synthetic=survey.synthetic, clock=self.clock)

    def _rows(
        self, recording: Recording, survey: Survey, folder: RunFolder
    ) -> tuple[Pace, tuple[Target, ...], dict[str, Prepared], Vault, bool]:
        blocks = len(survey.days) < LEAST_SESSIONS
        first = next(recording.sessions(survey.days[:1]))
        clock = TradingTime.of(recording)
        measured_until = clock.at(clock.total // 6) if blocks else int(first["ts_event"].max()) + 1
        early = first[first["ts_event"] < measured_until] if blocks else first
        kept = folder.known("pace")
        pace = Pace(**kept) if kept else pace_of(PathBuilder(recording.instrument, None).add(early))
        wanted = targets_of(self.asked.targets, pace)
        for target in wanted:
            self._study(recording, survey, target.name).require_writable()  # before the work
        ledger = TrialLedger(folder.path / "vault.jsonl")
        if blocks:
            numbers = int(survey.days[0]) + np.arange(BLOCKS)
            vault = Vault.seal(numbers, ledger, self.asked.vault)
            size = _block_ns(clock)
            locked_from = clock.at(clock.total // 6 + size * len(vault.development))
        else:
            # The newest contract may be most of a month: the last fifth is what there is to lock away.
            vault = Vault.seal(survey.days, ledger, self.asked.vault)
            size = 0
            locked_from = int(next(recording.sessions(vault.locked[:1]))["ts_event"].min())
        ready = {}
        cached = {t.name: Prepared.load(folder.path / "data" / t.name) for t in wanted}
        if all(found is not None for found in cached.values()):
            ready = {name: found for name, found in cached.items() if found is not None}
        else:
            days = survey.days if blocks else vault.development
            used = (measured_until, locked_from)
            ready = self._replay(recording, survey, pace, wanted, days, used, clock if blocks else None, size)
            for name, prepared in ready.items():
                prepared.save(folder.path / "data" / name)
        folder.document(
            "pace", lambda: asdict(pace)
        )  # after the replay: what fails in it leaves only what was asked
        return pace, wanted, ready, vault, blocks

    def _replay(
        self,
        recording: Recording,
        survey: Survey,
        pace: Pace,
        wanted: tuple[Target, ...],
        days: Int64,
        used: tuple[int, int],
        blocks: TradingTime | None,
        size: int,
    ) -> dict[str, Prepared]:
        asked, instrument = self.asked, recording.instrument
        per_day = survey.events / len(survey.days)
        clock = asked.clock or ("event" if per_day <= _EVENT_LIMIT else "100ms")
        _, locked_from = used
        seen = (part[part["ts_event"] < locked_from] for part in recording.sessions(days))
        measured = self._measuring.of(instrument)
        names, left_out = choose_features(asked.features, instrument, clock, seen, measured)
        names = with_stretches(asked.candidates, names)
        heartbeat = int(asked.heartbeat_s * 1e9) or max(100_000_000, int(pace.tau_ns / 2))
        thin = 1
        while True:
            task = BookTask(wanted, heartbeat, asked.latency, *used, thin, asked.max_rows)
            data = build_dataset(
                recording.sessions(days),
                FeatureEngine(
                    names,
                    instrument,
                    clock=clock,
                    day=survey.first_date,
                    detectors=measured.detectors,
                    fitted=measured.fitted,
                ),
                task.label,
                gaps=asked.gaps,
                checks=2,
                usable=False,
            )
            if not task.too_many:
                break
            thin *= math.ceil(max(task.counts.values()) / asked.max_rows)
        out = {}
        by_day = dict(zip(survey.days.tolist(), survey.contracts, strict=True))
        broken = recording.gap_sessions()
        for target in wanted:
            own = task.dataset(target, data, broken)
            if not len(own):
                continue
            if blocks is not None:
                traded = blocks.elapsed(own.spans.t0) - blocks.total // 6
                number = int(survey.days[0]) + np.clip(traded // size, 0, BLOCKS - 1)
                own = own.derived(spans=replace(own.spans, session=number))
            warm, _, may = drop_unwarm(own)
            warm, useless = drop_useless(warm)
            may = tuple(n for n in may if n not in useless)
            contracts = np.array([by_day.get(int(d), "") for d in warm.spans.session], dtype="U16")
            if blocks is not None:
                contracts = np.full(len(warm), survey.contracts[0], dtype="U16")
            out[target.name] = Prepared(
                warm, task.regimes.at(warm.spans.t0), contracts, may, left_out | useless
            )
        return out

    def _train(
        self,
        recording: Recording,
        survey: Survey,
        folder: RunFolder,
        target: Target,
        prepared: Prepared,
        vault: Vault,
        blocks: bool,
    ) -> TrainingResult:
        asked, instrument = self.asked, recording.instrument
        data = prepared.data
        data.require_usable()  # one class only
        name = check_name(f"{asked.name or name_of_symbol(instrument.symbol, 'book')}_{target.name}")
        next_version(self.models or folder.path.parent / "models", name)  # before the work
        remembered = look_backs(data.manifest, BAR_NS, decided_ns(data.spans))
        sessions = {} if blocks else {n: found.sessions for n, found in remembered.items()}
        embargo_ns, told = max(target.horizon_ns, longest_window(remembered.values())), None
        if blocks:
            embargo_ns, told = _block_embargo(
                remembered, target.horizon_ns, _block_ns(TradingTime.of(recording))
            )
        plan = make_plan(
            f"{name}{'/blocks' if blocks else ''}",
            "book",
            len(data.spans.sessions),
            Policy(asked.margin, cost_ticks(recording, asked.slippage_ticks)),
            groups=asked.groups,
            test_groups=asked.test_groups,
            rehearsal=asked.walk,
            embargo_sessions=0 if blocks else max([1, *sessions.values()]),
            embargo_ns=embargo_ns,
            candidates=asked.candidates,
            seed=asked.seed,
            rows=len(data),
            half_life_sessions=asked.half_life_sessions,
            look_back=sessions,
        )
        if told:
            plan = replace(plan, notes=(*plan.notes, told))
        final: dict[str, Model] = {}

        def parity(recipe: Recipe) -> bool:
            final["model"] = final_fit(recipe, data, plan.half_life)
            sessions = recording.sessions(survey.days)
            fitted = self._measuring.of(instrument).fitted
            return check_parity(data, final["model"], sessions, instrument, survey.first_date, fitted)

        study = self._study(recording, survey, data.label)
        if blocks:
            # Blocks are no sessions and make no trials of a study; a vault over their days is no test any more, though.
            trained = survey.days[TradingTime.of(recording).begins <= data.spans.t1.max()]
            study.look(trained, how="trained on in blocks of time", model=name, who=name, why="train book")
        judged = judge(
            prepared,
            plan,
            folder,
            self.executor,
            instrument,
            study=None if blocks else study,
            vault=vault,
            synthetic=survey.synthetic,
            parity=parity,
            judged_by="markout",
            liquidity=None if blocks else measure_liquidity(recording.sessions(vault.development[-LIQUID:])),
            books=None if blocks else entry_books(recording, vault.development, asked.latency),
            stage=self.stage,
        )
        return self._ship(
            recording, survey, vault, folder, target, prepared, plan, judged, final["model"], name, blocks
        )

    def _ship(
        self,
        recording: Recording,
        survey: Survey,
        vault: Vault,
        folder: RunFolder,
        target: Target,
        prepared: Prepared,
        plan: Plan,
        judged: Judged,
        estimator: Model,
        name: str,
        blocks: bool,
    ) -> TrainingResult:
        data = prepared.data
        registry = ModelRegistry(self.models or folder.path.parent / "models")
        version = folder.document("version", lambda: next_version(registry.root, name))
        label: dict[str, Any] = {"id": data.label, **dict(data.measured_from)}
        if data.trips is not None:
            label["latency_ns"] = sorted(self.asked.latency.sample_ns)
            moves = np.abs(data.trips.buy_ticks - data.trips.sell_ticks) / 2
            label["move"] = float(np.nanmean(moves) / _price(recording, survey))
        about = Shipment(
            name=name,
            version=version,
            created_ns=folder.created_ns,
            instrument=recording.instrument,
            label=label,
            synthetic=survey.synthetic,
            contracts=tuple(dict.fromkeys(c for c in prepared.contracts.tolist() if c)),
            evidence=judged.assessment.evidence(),
            cv={"scheme": "cpcv", **plan.to_document()["splitter"], "seed": plan.seed},
            trials=trials_document(folder, plan, judged),
            metrics={"chosen": judged.chosen, "sufficient": judged.assessment.sufficiency.sufficient},
            config=asdict(self.asked),
            newest_day=int(survey.days[-1]),
            valid_sessions=self.asked.valid_sessions,
        )
        saved = ship(
            registry,
            prepared,
            estimator,
            calibrated(data, judged.evaluation, judged.recipe, plan.calibration),
            golden_events(recording.sessions(survey.days[:2])),
            judged.evaluation,
            about,
            judged.assessment,
            self._measuring.of(recording.instrument).fits,
        )
        notes = (BLOCKS_NOTE,) if blocks else ()
        return finish(folder, recording, survey, vault, prepared, plan, judged, saved, notes)


def _block_ns(clock: TradingTime) -> int:
    """Length of a block: the first sixth of the time is left out."""
    return (clock.total - clock.total // 6) // BLOCKS + 1


def _block_embargo(
    remembered: Mapping[str, LookBack], horizon_ns: int, block_ns: int
) -> tuple[int, Note | None]:
    """Return the embargo around blocks, and what to say where features look back further.

    That of the longest look-back, but no more than half of a block unless the label's horizon is longer.
    """
    longest = max((found.ns for found in remembered.values()), default=0)
    embargo = max(horizon_ns, min(longest, block_ns // 2))
    longer = [name for name, found in remembered.items() if found.ns > embargo]
    if not longer:
        return embargo, None
    seconds, whole, block = f"{embargo / 1e9:.0f}", f"{longest / 1e9:.0f}", f"{block_ns / 1e9:.0f}"
    return embargo, Note(
        f"the embargo around blocks of time is {seconds} s instead of {whole}: more would leave next to nothing of "
        f"blocks of {block} s. What features remember may leak into the scores: {named(longer)}",
        f"o embargo em volta dos blocos de tempo é de {seconds} s em vez de {whole}: mais não deixaria quase nada de "
        f"blocos de {block} s. O que as features lembram pode vazar para os resultados: {named(longer)}",
    )


def _price(recording: Recording, survey: Survey) -> float:
    """Mean price of the first session, in ticks."""
    part: Events = next(recording.sessions(survey.days[:1]))
    return float(part["px"][part["px"] > 0].astype(np.float64).mean())
