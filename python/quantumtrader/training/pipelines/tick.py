"""Training on a year or more of prints or bars: regime, bias and base signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader import __version__
from quantumtrader.clock import Clock
from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.features import FeatureEngine
from quantumtrader.features.fit.artifact import Fits
from quantumtrader.models.base import Model
from quantumtrader.models.folder import name_of_symbol
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.training.dataset import Dataset, build_dataset
from quantumtrader.training.executor import Executor, SerialExecutor
from quantumtrader.training.pipelines.barrier_task import SIGMA, BarrierTask
from quantumtrader.training.pipelines.candidates import with_stretches
from quantumtrader.training.pipelines.costs import cost_ticks, fee_request
from quantumtrader.training.pipelines.horizon import barrier_horizon_ns
from quantumtrader.training.pipelines.judge import Judged, Plan, Stage, judge, make_plan
from quantumtrader.training.pipelines.libraries import library_versions
from quantumtrader.training.pipelines.liquidity import LIQUID, entry_books, measure_liquidity
from quantumtrader.training.pipelines.look_back import decided_ns, longest_window, look_backs
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
from quantumtrader.training.pipelines.sources import OUT, Paths, split_config
from quantumtrader.training.pipelines.tick_config import TickConfig
from quantumtrader.training.policy import Policy
from quantumtrader.training.recipes import Recipe
from quantumtrader.training.run_folder import RunFolder
from quantumtrader.training.study import Study
from quantumtrader.training.trials import TrialLedger
from quantumtrader.training.vault import Vault

__all__ = ["TickTrainingPipeline"]

Int64 = npt.NDArray[np.int64]

_MINUTE = 60 * 10**9


@dataclass
class TickTrainingPipeline:
    """Trains a tick model: rows, labels, purged comparison, one judged choice, a candidate in the registry.

    Parameters
    ----------
    config : TickConfig or mapping
        What to do. A mapping may name data and registry too: ``symbol, tick_data_path, models_path``.
    models : Path, optional
        The registry; ``models`` in the training's folder by default.
    executor : Executor, optional
        Computes the folds.
    clock : Clock, optional
        Stamps folder and ledger.
    stage : callable, optional
        Shows progress.
    newest_day : int
        Session from which on the model's validity counts, where that is later than the recording's last.
    fitted : path, sequence of paths, or Fits
        Files of ``quantumtrader fit``, at most one of each kind; ``fitted`` of the configuration by default. The model keeps
        a copy of those that its columns read.
    """

    config: TickConfig | Mapping[str, Any] = field(default_factory=TickConfig)
    models: Path | None = None
    executor: Executor = field(default_factory=SerialExecutor)
    clock: Clock | None = None
    stage: Stage | None = None
    newest_day: int = 0
    fitted: Paths | Fits = ()

    def __post_init__(self) -> None:
        self._sources, self.config = split_config(self.config, TickConfig, "tick training")
        self.models = self.models or self._sources.models
        self.fitted = self.fitted or self._sources.fitted
        self._measuring = self._measure()

    @property
    def asked(self) -> TickConfig:
        """The configuration."""
        assert isinstance(self.config, TickConfig)  # made one above
        return self.config

    def train(self, recording: Recording | None = None, out: Path | str | None = None) -> TrainingResult:
        """Train in a folder, or go on there.

        Parameters
        ----------
        recording : Recording, optional
            A year or more of prints or bars; ``tick_data_path`` of the configuration by default.
        out : Path, optional
            The training's folder; ``training/SYMBOL/tick`` by default.

        Raises
        ------
        DataError
            The recording cannot be learned from: too few sessions, gaps, contracts mixed without a roll, one class only, a
            horizon shorter than a bar.
        ConfigError
            The folder holds another training; there is no recording, and the configuration names none.
        """
        recording = recording or self._sources.ticks()
        self._measuring = self._measure()
        out = out or OUT / recording.instrument.symbol / "tick"
        survey = recording.survey()
        barrier_horizon_ns(self.asked.horizon_s, survey)  # before the replay, not after it
        latency = self.asked.latency
        request = {
            "kind": "tick",
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
        with RunFolder(out, request, self.clock) as folder:
            return self._train(recording, survey, folder)

    def _train(self, recording: Recording, survey: Survey, folder: RunFolder) -> TrainingResult:
        asked, instrument = self.asked, recording.instrument
        next_version(self.models or folder.path / "models", self.name_of(recording))  # before the work
        study = self._study(recording, survey)
        study.require_writable()  # before the work
        vault = seal(survey, folder.path / "vault.jsonl", asked.vault)
        cache = folder.path / "data"
        prepared = Prepared.load(cache)
        if prepared is None:
            prepared = self.prepare(recording, survey, vault)
            prepared.save(cache)
        data = prepared.data
        bar_ns = survey.bar_ns or _MINUTE
        remembered = look_backs(data.manifest, bar_ns, decided_ns(data.spans, bar_ns))
        sessions = {name: found.sessions for name, found in remembered.items()}
        plan = make_plan(
            f"{self.name_of(recording)}/{data.label}",
            "tick",
            len(data.spans.sessions),
            Policy(asked.margin, cost_ticks(recording, asked.slippage_ticks)),
            groups=asked.groups,
            test_groups=asked.test_groups,
            rehearsal=asked.walk,
            embargo_sessions=max([1, *sessions.values()]),
            embargo_ns=max(longest_window(remembered.values()), int(data.measured_from["horizon_ns"])),
            candidates=asked.candidates,
            seed=asked.seed,
            rows=len(data),
            half_life_sessions=asked.half_life_sessions,
            look_back=sessions,
        )
        final: dict[str, Model] = {}

        def parity(recipe: Recipe) -> bool:
            final["model"] = final_fit(recipe, data, plan.half_life)
            sessions = recording.sessions(vault.development)
            fitted = self._measuring.of(instrument).fitted
            return check_parity(data, final["model"], sessions, instrument, survey.first_date, fitted)

        judged = judge(
            prepared,
            plan,
            folder,
            self.executor,
            instrument,
            study=study,
            vault=vault,
            synthetic=survey.synthetic,
            parity=parity,
            judged_by="dsr",
            liquidity=measure_liquidity(recording.sessions(vault.development[-LIQUID:]), survey.bar_ns),
            books=entry_books(recording, vault.development, asked.latency),
            spread_ticks=self._assumed_spread(recording, survey),
            stage=self.stage,
        )
        return self._ship(recording, survey, vault, folder, prepared, plan, judged, final["model"])

    def open_vault(
        self, recording: Recording, result: TrainingResult, *, who: str, why: str
    ) -> dict[str, Any]:
        """Judge the model of a finished training on the locked sessions that nobody has seen; once, on record.

        Returns
        -------
        dict
            What was found; ``vault_result`` of the summary.
        """
        survey = recording.survey()
        vault = seal(survey, result.folder / "vault.jsonl", self.asked.vault)
        registry = ModelRegistry(result.model.parent.parent)
        loaded = registry.load(result.model.parent.name, result.model.name, validity=False)
        if loaded.manifest.data["sha256"] != result.prepared.data.sha256:
            raise ConfigError(f"{loaded.manifest.id} was not trained in {result.folder}")
        days = np.concatenate((vault.development[-20:], vault.locked))
        data, _ = self._label(recording, survey, days, loaded.names)
        asked = self.asked
        found = judge_in_vault(
            vault,
            data,
            result.prepared.data,
            loaded,
            Policy(asked.margin, cost_ticks(recording, asked.slippage_ticks)),
            study=self._study(recording, survey),
            training=RunFolder.created(result.folder),
            who=who,
            why=why,
            known=result.summary.get("vault_result"),
        )
        result.write(vault_result=found)
        return found

    def name_of(self, recording: Recording) -> str:
        """Return the name of the model."""
        return self.asked.name or name_of_symbol(recording.instrument.symbol, "tick")

    def prepare(self, recording: Recording, survey: Survey, vault: Vault) -> Prepared:
        """Replay the development sessions, and label their rows; the vault's are not looked at."""
        asked, instrument = self.asked, recording.instrument
        dev = vault.development
        clock = self._clock(survey)
        names, left_out = choose_features(
            asked.features, instrument, clock, recording.sessions(dev), self._measuring.of(instrument)
        )
        if SIGMA not in names:
            raise DataError(
                f"tick training: the barriers are measured in {SIGMA}, which the source does not fill or features lack",
                remedy=f"Add {SIGMA} to the features, or give more sessions",
            )
        names = with_stretches(asked.candidates, names)
        data, task = self._label(recording, survey, dev, names)
        by_day = dict(zip(survey.days.tolist(), survey.contracts, strict=True))
        contracts = np.array([by_day.get(int(d), "") for d in data.spans.session], dtype="U16")
        extra = {"barrier_ticks": task.widths_at(data.spans.t0)}
        prepared = Prepared(data, task.regimes.at(data.spans.t0), contracts, (), left_out, extra)
        warm, rows, may = drop_unwarm(data)
        warm, useless = drop_useless(warm)
        may = tuple(n for n in may if n not in useless)
        left_out |= useless
        if not len(rows):
            raise DataError(
                "insufficient: no row has all of its features; the recording is shorter than their warm-up",
                remedy="Give more sessions, or quicker features",
            )
        found = prepared.take(rows)
        return Prepared(warm, found.regimes, found.contracts, may, left_out, found.extra)

    def _measure(self) -> Measuring:
        return Measuring(self.fitted, self.asked.features, self.asked.thresholds)

    def _study(self, recording: Recording, survey: Survey) -> Study:
        return Study.of(
            recording.instrument.product, "triple_barrier", synthetic=survey.synthetic, clock=self.clock
        )

    def _clock(self, survey: Survey) -> str:
        return self.asked.clock or ("bar" if survey.has_bars else "1m")

    def _assumed_spread(self, recording: Recording, survey: Survey) -> float | None:
        """Spread around prints and bars, in ticks of the recording; None where the touch is known."""
        if survey.has_touch:
            return None
        return self.asked.spread_ticks * recording.instrument.ticks_per_exchange_tick

    def _label(
        self, recording: Recording, survey: Survey, days: Int64, names: tuple[str, ...]
    ) -> tuple[Dataset, BarrierTask]:
        asked, instrument = self.asked, recording.instrument
        unit = instrument.ticks_per_exchange_tick
        measured = self._measuring.of(instrument)
        horizon = barrier_horizon_ns(asked.horizon_s, survey)
        task = BarrierTask(
            multiple=asked.barrier_atr,
            least_ticks=asked.least_ticks * unit,
            horizon_ns=horizon,
            latency=asked.latency,
            every_ns=int(asked.every_s * 1e9) or horizon // 4,
            classes=asked.classes,
        )
        data = build_dataset(
            recording.sessions(days),
            FeatureEngine(
                names,
                instrument,
                clock=self._clock(survey),
                day=survey.first_date,
                detectors=measured.detectors,
                fitted=measured.fitted,
            ),
            task.label,
            payer=task.pay,
            spread_ticks=self._assumed_spread(recording, survey),
            gaps=asked.gaps,
            usable=False,
        )
        return data, task

    def _ship(
        self,
        recording: Recording,
        survey: Survey,
        vault: Vault,
        folder: RunFolder,
        prepared: Prepared,
        plan: Plan,
        judged: Judged,
        estimator: Model,
    ) -> TrainingResult:
        data, instrument = prepared.data, recording.instrument
        registry = ModelRegistry(self.models or folder.path / "models")
        name = self.name_of(recording)
        version = folder.document("version", lambda: next_version(registry.root, name))
        assert data.trips is not None  # a tick data set is paid
        moves = np.abs(data.trips.buy_ticks - data.trips.sell_ticks) / 2
        price = _mean_price(recording, vault.development[-1:])
        label = {
            "id": data.label,
            "bar_ns": survey.bar_ns or _MINUTE,
            **dict(data.measured_from),
            "latency_ns": sorted(self.asked.latency.sample_ns),
            "barrier_ticks": float(np.median(prepared.extra["barrier_ticks"])),
            "move": float(np.nanmean(moves) / price),
            "spread_ticks": self.asked.spread_ticks * instrument.ticks_per_exchange_tick,
        }
        about = Shipment(
            name=name,
            version=version,
            created_ns=folder.created_ns,
            instrument=instrument,
            label=label,
            synthetic=survey.synthetic,
            contracts=tuple(dict.fromkeys(c for c in prepared.contracts.tolist() if c)),
            evidence=judged.assessment.evidence(),
            cv={"scheme": "cpcv", **plan.to_document()["splitter"], "seed": plan.seed},
            trials=trials_document(folder, plan, judged),
            metrics={
                "chosen": judged.chosen,
                "sufficient": judged.assessment.sufficiency.sufficient,
                "skill": judged.assessment.skill,
            },
            config=asdict(self.asked),
            newest_day=max(int(survey.days[-1]), self.newest_day),
            valid_sessions=self.asked.valid_sessions,
        )
        calibration = calibrated(data, judged.evaluation, judged.recipe, plan.calibration)
        saved = ship(
            registry,
            prepared,
            estimator,
            calibration,
            golden_events(recording.sessions(vault.development[:60])),
            judged.evaluation,
            about,
            judged.assessment,
            self._measuring.of(instrument).fits,
        )
        return finish(folder, recording, survey, vault, prepared, plan, judged, saved)


def seal(survey: Survey, ledger: Path, share: float, *, newest: bool = True) -> Vault:
    """Lock the last sessions away; the newest contract too, unless that is more than half of them.

    Raises
    ------
    DataError
        There is one session only.
    """
    if len(survey.days) < 2:
        raise DataError(
            f"insufficient: {len(survey.days)} session, none could be kept apart",
            remedy="Record more sessions",
        )
    newest_from = None
    last = survey.contracts[-1]
    if newest and last and survey.contracts[0] != last:
        first = int(survey.days[survey.contracts.index(last)])
        if (survey.days >= first).mean() <= 0.5:
            newest_from = first
    return Vault.seal(survey.days, TrialLedger(ledger), share, newest_from)


def _mean_price(recording: Recording, days: Any) -> float:
    """Mean price of some sessions, in ticks."""
    prices = [part["px"][part["px"] > 0].astype(np.float64) for part in recording.sessions(days)]
    return float(np.concatenate(prices).mean())
