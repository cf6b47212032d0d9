"""Baselines, candidates, the choice among them, its rehearsal and its placebos: the middle of every pipeline."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any

import numpy as np

from quantumtrader.exceptions import DataError
from quantumtrader.models.importance import families_of
from quantumtrader.training.assessment import Assessment, Books, Liquidity, assess
from quantumtrader.training.assessment.codec import decode
from quantumtrader.training.cross_validate import Evaluation, Nested, evaluate, fold_importance, nested
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.executor import Executor
from quantumtrader.training.notes import Note
from quantumtrader.training.paired import Shipping, ships
from quantumtrader.training.pipelines.candidates import NETWORKS, Candidates, baselines, learners
from quantumtrader.training.pipelines.look_back import named
from quantumtrader.training.pipelines.prepared import Prepared
from quantumtrader.training.placebo import permute_days
from quantumtrader.training.policy import Policy
from quantumtrader.training.recipes import Recipe, Single
from quantumtrader.training.run_folder import RunFolder
from quantumtrader.training.splits import CombinatorialPurged, PurgedWalkForward, Splitter
from quantumtrader.training.study import Earlier, Study, lineage_of
from quantumtrader.training.tuning import Tuned
from quantumtrader.training.vault import Vault
from quantumtrader.types import Instrument

__all__ = ["Judged", "Plan", "Stage", "interval_document", "judge", "make_plan", "purged_splits"]

Stage = Callable[[str, float | None], AbstractContextManager[Callable[[float], None]]]
"""Shows progress: ``with stage(description, total) as advance: advance(units)``."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How candidates are judged; everything is fixed before the first number.

    Parameters
    ----------
    name : str
        Of the group of trials in the folder's ledger: what competes there.
    kind : str
        ``tick`` or ``book``.
    splitter : CombinatorialPurged
        Selects.
    rough : CombinatorialPurged
        Few splits, for what is repeated: the nested choice, importance, placebos.
    inner : CombinatorialPurged
        Divides training parts: calibration, stacks, the nested choice.
    rehearsal : PurgedWalkForward or None
        How the choice would have been deployed; None where there are too few sessions.
    policy : Policy
    candidates : str or tuple of str
        A set of ``candidates.SETS``, or names.
    calibration : str
        Method.
    seed : int
    min_leaf : int
    notes : tuple of Note
        What was asked and is not done.
    half_life_sessions : float or None
        Sessions of a training part in which the weight of its rows halves; None for no decay.
    """

    name: str
    kind: str
    splitter: CombinatorialPurged
    rough: CombinatorialPurged
    inner: CombinatorialPurged
    rehearsal: PurgedWalkForward | None
    policy: Policy
    candidates: Candidates = "standard"
    calibration: str = "platt"
    seed: int = 7
    min_leaf: int = 100
    notes: tuple[Note, ...] = ()
    half_life_sessions: float | None = None

    @property
    def half_life(self) -> float:
        """The half-life as ``evaluate`` takes it: infinite for no decay."""
        return inf if self.half_life_sessions is None else float(self.half_life_sessions)

    def to_document(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def purged_splits(
    sessions: int, groups: int, test_groups: int, *, embargo_sessions: int, embargo_ns: int
) -> tuple[CombinatorialPurged, CombinatorialPurged, CombinatorialPurged]:
    """Fit the divisions of a plan to the sessions that there are.

    With fewer sessions than groups there are as many groups as sessions. The embargo takes at most half of the sessions that
    a split does not test, at most one session where there are fewer than three for each group, and none where there are
    fewer than two.

    Returns
    -------
    splitter, rough, inner : CombinatorialPurged
        As of ``Plan``.

    Raises
    ------
    DataError
        There are fewer than four sessions: no split has a training part to speak of.
    """
    least = max(4, test_groups + 2)
    if sessions < least:
        raise DataError(
            f"insufficient: {sessions} sessions outside the vault, at least {least} are needed to divide them",
            remedy="Record more sessions",
        )
    kept = embargo_sessions
    if sessions < 3 * groups:  # embargoes of whole sessions would leave next to nothing
        kept = min(embargo_sessions, 1)
    if sessions < 2 * groups:
        kept = 0
    divided, parts = min(groups, sessions), 3 if sessions >= 6 else 2
    kept = min(kept, _affordable(sessions, divided, test_groups))
    trained = sessions - test_groups * (math.ceil(sessions / divided) + kept)
    return (
        CombinatorialPurged(divided, test_groups, kept, embargo_ns),
        CombinatorialPurged(min(5, sessions), 1, kept, embargo_ns),
        CombinatorialPurged(parts, 1, min(kept, _affordable(trained, parts, 1)), embargo_ns),
    )


def _affordable(sessions: int, groups: int, test_groups: int) -> int:
    """Return the longest embargo after each test group that takes no more than half of what is not tested, in sessions."""
    return max(0, (sessions - test_groups * math.ceil(sessions / groups)) // (2 * test_groups))


def make_plan(
    name: str,
    kind: str,
    sessions: int,
    policy: Policy,
    *,
    groups: int,
    test_groups: int,
    rehearsal: tuple[int, int, int],
    embargo_sessions: int,
    embargo_ns: int,
    candidates: Candidates,
    seed: int,
    rows: int,
    half_life_sessions: float | None = None,
    look_back: Mapping[str, int] | None = None,
) -> Plan:
    """Fit a plan to the sessions that there are.

    Where ``purged_splits`` shortens the embargo, a note of the plan tells; with fewer sessions than groups what comes out is
    insufficient, and says so.

    Parameters
    ----------
    rehearsal : tuple of int
        Sessions to train on, to test, between them.
    rows : int
        Labelled rows; leaves hold at least a hundredth of them, and at most 100.
    half_life_sessions : float, optional
        As of ``Plan``.
    look_back : mapping of str to int, optional
        Sessions that each feature looks back on: the note names those that the embargo does not cover.

    Raises
    ------
    DataError
        There are fewer than four sessions: no split has a training part to speak of.
    """
    splitter, rough, inner = purged_splits(
        sessions, groups, test_groups, embargo_sessions=embargo_sessions, embargo_ns=embargo_ns
    )
    kept = splitter.embargo_sessions
    notes: tuple[Note, ...] = ()
    within = inner.embargo_sessions
    if within < embargo_sessions:
        longer = [name for name, count in (look_back or {}).items() if count > within]
        notes = (_shorter_embargo(kept, within, embargo_sessions, sessions, groups, longer),)
    train, test, between = rehearsal
    if sessions < train + between + 4 * test:
        train = sessions // 2
    walk = PurgedWalkForward(train, test, between, embargo_ns) if train >= 2 * test else None
    return Plan(
        name,
        kind,
        splitter,
        rough,
        inner,
        walk,
        policy,
        candidates,
        seed=seed,
        min_leaf=int(np.clip(rows // 100, 5, 100)),
        notes=notes,
        half_life_sessions=half_life_sessions,
    )


def _shorter_embargo(
    kept: int, within: int, wanted: int, sessions: int, groups: int, longer: Sequence[str]
) -> Note:
    """Say that the embargo does not cover what features look back on, and which they are."""
    which = f": {named(longer)}" if longer else ""
    inside, inside_pt = "", ""
    if within != kept:
        inside, inside_pt = f" ({within} inside training parts)", f" ({within} dentro dos treinos)"
    return Note(
        f"the embargo after test sessions is {kept} sessions{inside} instead of {wanted}: {sessions} sessions in {groups} "
        f"groups would leave next to nothing to train on. What features remember may leak into the scores{which}",
        f"o embargo depois dos pregões de teste é de {kept} pregões{inside_pt} em vez de {wanted}: {sessions} pregões em "
        f"{groups} grupos não deixariam quase nada para treinar. O que as features lembram pode vazar para os "
        f"resultados{which}",
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """What came out.

    Parameters
    ----------
    assessment : Assessment
        Of the chosen configuration, calibrated.
    candidates, baselines, placebos : mapping of str to Evaluation
    chosen : str
        Name among the candidates, without calibration.
    recipe : Recipe
        The chosen one.
    evaluation : Evaluation
        Of the chosen one before its calibration: its out-of-fold scores.
    judged : Evaluation
        Of the chosen one with its calibration: what is assessed.
    choice : Nested or None
        What choosing by inner splits would have brought; None where there is too little data, as the rehearsal.
    rehearsal : Evaluation or None
    networks : mapping of str to Shipping
        Whether each network may take LightGBM's place, and why.
    """

    assessment: Assessment
    candidates: Mapping[str, Evaluation]
    baselines: Mapping[str, Evaluation]
    placebos: Mapping[str, Evaluation]
    chosen: str
    recipe: Recipe
    evaluation: Evaluation
    judged: Evaluation
    choice: Nested | None
    rehearsal: Evaluation | None
    networks: Mapping[str, Shipping]


def judge(
    prepared: Prepared,
    plan: Plan,
    folder: RunFolder,
    executor: Executor,
    instrument: Instrument,
    *,
    study: Study | None,
    vault: Vault,
    synthetic: bool,
    parity: Callable[[Recipe], bool | None],
    judged_by: str,
    liquidity: Liquidity | None = None,
    books: Books | None = None,
    spread_ticks: float | None = None,
    stage: Stage | None = None,
) -> Judged:
    """Evaluate everything that the plan names; every evaluation has its line in the folder's ledger.

    The best candidate by log loss over the base rate is chosen, calibrated on inner splits, and judged again with its
    calibration; a stack is one already. ``spread_ticks`` is what a round trip loses to an assumed spread, see ``assess``.

    What is judged on all sessions gets a line in ``study`` too, and what earlier trainings wrote there counts. It is kept
    in the folder as ``earlier.json`` when it is first read: a training that is asked again ends in the same bytes. Without a
    study (blocks of time are no sessions) the trials are those of the folder.
    """
    data, ledger = prepared.data, folder.ledger
    lineage = lineage_of(folder.request)
    show: Stage = stage or (lambda _text, _total: nullcontext(lambda _units: None))
    policy = None if data.trips is None else plan.policy

    def run(name: str, recipe: Recipe, splitter: Splitter, where: str = "", on: Any = None) -> Evaluation:
        with show(f"{name}", float(_count(splitter, data))) as advance:
            found = evaluate(
                data if on is None else on,
                recipe,
                splitter,
                ledger,
                f"{plan.name}{where}",
                policy=policy,
                half_life=plan.half_life,
                mapper=folder.mapper(executor, f"evaluating {name}", advance),
            )
        if study is not None and not where:
            study.add(found.trial, lineage, name)
        return found

    simple = baselines(data.names, plan.kind)
    recipes = learners(
        plan.candidates, data.names, plan.kind, plan.inner, plan.seed, plan.min_leaf, ledger, plan.name
    )
    base = {name: run(name, recipe, plan.splitter) for name, recipe in simple.items()}
    tried = {name: run(name, recipe, plan.splitter) for name, recipe in recipes.items()}
    verdicts = _networks(tried, data)
    able = [name for name in tried if name not in verdicts or verdicts[name].ships]
    chosen = max(able, key=lambda name: tried[name].edge.mean)
    recipe = recipes[chosen]
    judged, name = tried[chosen], chosen
    choice = rehearsal = None
    false: dict[str, Evaluation] = {}
    families: dict[str, Interval] = {}
    if (
        data.sufficiency().sufficient
    ):  # else there will be no number, and inner splits would be of next to nothing
        calibrated = _calibrated(recipe, plan)
        if calibrated is not None:
            name = f"{chosen}+{plan.calibration}"
            tried[name] = judged = run(name, calibrated, plan.splitter)
        with show("choosing inside", None) as advance:
            choice = nested(
                data,
                list(recipes.values()),
                plan.rough,
                plan.inner,
                ledger,
                f"{plan.name}/nested",
                policy=policy,
                half_life=plan.half_life,
                mapper=folder.mapper(executor, "choosing inside training parts", advance),
            )
        if plan.rehearsal is not None:
            rehearsal = run("rehearsal", recipe, plan.rehearsal, "/rehearsal")
        for k in (1, 2):
            placebo = permute_days(data, plan.seed + k)
            false[f"days permuted {k}"] = run(f"placebo {k}", recipe, plan.rough, "/placebo", placebo)
        with show("importance", None):
            families = fold_importance(
                data,
                _single(recipe, recipes),
                plan.rough,
                families=families_of(data.names),
                half_life=plan.half_life,
                seed=plan.seed,
            )
    earlier = None
    if study is not None:
        own = {name: found.trial for name, found in {**base, **tried}.items()}
        kept = folder.document("earlier", lambda: asdict(study.earlier(own, lineage, vault.locked)))
        earlier = decode(Earlier, kept, {})
    assessment = assess(
        data,
        tried,
        name,
        base,
        policy=plan.policy,
        splitter=plan.splitter,
        ledger=ledger,
        study=plan.name,
        regimes=prepared.regimes if (prepared.regimes != "").any() else None,
        contracts=prepared.contracts if (prepared.contracts != "").any() else None,
        instrument=instrument,
        families=families,
        placebos=false,
        synthetic=synthetic,
        parity=parity(recipe),
        seed=plan.seed,
        judged_by=judged_by,
        liquidity=liquidity,
        books=books,
        volatility=prepared.extra.get("volatility"),
        spread_ticks=spread_ticks,
        earlier=earlier,
        nested=None if choice is None else choice.evaluation,
        rehearsal=rehearsal,
        networks=verdicts,
    )
    return Judged(
        assessment, tried, base, false, chosen, recipe, tried[chosen], judged, choice, rehearsal, verdicts
    )


def _networks(tried: Mapping[str, Evaluation], data: Dataset) -> dict[str, Shipping]:
    """Hold every network against the LightGBM that did best; where it is not better, it is not chosen."""
    found = [name for name in NETWORKS if name in tried]
    if not found:
        return {}
    best = max((n for n in tried if n.startswith("lightgbm")), key=lambda n: tried[n].edge.mean)
    return {
        name: ships(tried[name], tried[best], data, challengers=len(found), names=(name, best))
        for name in found
    }


def _calibrated(recipe: Recipe, plan: Plan) -> Recipe | None:
    """Return the recipe with a calibration; None for a stack, which is one of its members."""
    if isinstance(recipe, Single):
        return Single(recipe.estimator, plan.calibration, plan.inner)
    return replace(recipe, calibration=plan.calibration) if isinstance(recipe, Tuned) else None


def _single(recipe: Recipe, recipes: Mapping[str, Recipe]) -> Single:
    """Return the recipe, or for a stack or a search its first competitor: whole families are scrambled in one model."""
    if isinstance(recipe, Single):
        return recipe
    return next(r for r in recipes.values() if isinstance(r, Single))


def interval_document(found: Interval | None) -> dict[str, float] | None:
    """Return mean and bounds as JSON values; None where there is no number."""
    if found is None:
        return None
    values = {"mean": found.mean, "low": found.low, "high": found.high}
    return values if all(np.isfinite(v) for v in values.values()) else None


def _count(splitter: Splitter, data: Any) -> int:
    if isinstance(splitter, CombinatorialPurged):
        return splitter.count
    return sum(1 for _ in splitter.split(data.spans))
