"""The assessment of a training: every number of its report, what the gate reads, and one honest sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.models.gate import Condition, evidence_conditions
from quantumtrader.models.manifest import Evidence
from quantumtrader.training.assessment.codec import encode
from quantumtrader.training.assessment.facts import DataFacts, data_facts
from quantumtrader.training.assessment.folder import read_assessment, write_assessment
from quantumtrader.training.assessment.money import Money, money
from quantumtrader.training.assessment.picture import SplitPicture, split_picture
from quantumtrader.training.assessment.placebos import Placebo, placebo
from quantumtrader.training.assessment.quality import Quality, quality
from quantumtrader.training.assessment.references import (
    RandomSide,
    Reference,
    always_long,
    hold,
    paths_beaten,
    random_side,
    reference,
)
from quantumtrader.training.assessment.scores import said, score
from quantumtrader.training.assessment.selection import Selection, read_trials, selection
from quantumtrader.training.assessment.shifted import Shifted, shifted_labels
from quantumtrader.training.assessment.size import Books, Liquidity, SizeFacts, size_facts, with_books
from quantumtrader.training.assessment.slices import (
    PathResult,
    Slice,
    hours_of,
    path_results,
    rolls_of,
    slices,
    terciles,
    volatility_of,
)
from quantumtrader.training.assessment.verdict import verdict_code, verdict_text
from quantumtrader.training.assessment.walk import walk_paths
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.dataset import Dataset, Sufficiency
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.notes import Note
from quantumtrader.training.paired import Shipping
from quantumtrader.training.policy import Policy
from quantumtrader.training.splits import Splitter
from quantumtrader.training.study import Earlier
from quantumtrader.training.trials import TrialLedger
from quantumtrader.types import Instrument

__all__ = ["Assessment", "assess"]

Names = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that may be said about a training.

    What there is too little data for, or what was not measured, is None: there is no number to misread.

    Parameters
    ----------
    study, chosen, kind : str
        Study in the ledger, name of the chosen candidate, kind of its recipe.
    synthetic : bool
        Whether any event was made by a generator.
    judged_by : str
        ``dsr`` (tick models) or ``markout`` (book models): which condition of the gate applies.
    margin, cost_ticks : float
        Of the policy.
    data : DataFacts
    picture : SplitPicture
    skill : float or None
        Share of the base rate's log loss that is removed, mean over the paths.
    edge, net : Interval or None
        Nats per row over the base rate; net ticks per trade.
    paths : tuple of PathResult
        Empty where insufficient, as all that follow.
    slices : tuple of Slice
    volatility : str
        What the volatility terciles were cut by.
    quality : Quality or None
    importance : dict of str to Interval or None
        Rise of the log loss without a family of features, in nats per row.
    money : Money or None
    size : SizeFacts or None
    references : tuple of Reference
    paths_beaten : int or None
        Paths on which the skill exceeds that of every baseline.
    random_side : RandomSide or None
    selection : Selection or None
    placebos : tuple of Placebo
    parity : bool or None
        Whether a replay gave the same rows and predictions.
    expected_low, expected_high : float or None
        Between these, net ticks, lay 95 % of the sessions.
    seed : int
        Of all draws.
    shifted : Shifted or None
        The same predictions with labels of later moments of the session; None also where it was not measured yet when the
        assessment was written.
    earlier : Earlier
        What earlier trainings tried and saw.
    fees_known : bool or None
        Whether ``cost_ticks`` has the fees in it; where not they count as zero, and no net result passes the gate. None in
        assessments from before it was recorded.
    nested : Reference or None
        What choosing by inner splits brings; None where there is too little data, or it was not measured, as the next one.
    rehearsal : Reference or None
        The chosen one walked forward: every test with a model of earlier sessions only.
    networks : tuple of Shipping
        Of each network whether it may take LightGBM's place, and why.
    notes : tuple of Note
        What must be said beside the numbers.
    half_life_sessions : float or None
        In which the weight of training rows halved; None where it did not, or was not told when this was written.
    """

    study: str
    chosen: str
    kind: str
    synthetic: bool
    judged_by: str
    margin: float
    cost_ticks: float
    data: DataFacts
    picture: SplitPicture
    skill: float | None
    edge: Interval | None
    net: Interval | None
    paths: tuple[PathResult, ...]
    slices: tuple[Slice, ...]
    volatility: str
    quality: Quality | None
    importance: Mapping[str, Interval | None]
    money: Money | None
    size: SizeFacts | None
    references: tuple[Reference, ...]
    paths_beaten: int | None
    random_side: RandomSide | None
    selection: Selection | None
    placebos: tuple[Placebo, ...]
    parity: bool | None
    expected_low: float | None
    expected_high: float | None
    seed: int
    shifted: Shifted | None = None
    earlier: Earlier = field(default_factory=Earlier)
    fees_known: bool | None = None
    nested: Reference | None = None
    rehearsal: Reference | None = None
    networks: tuple[Shipping, ...] = ()
    notes: tuple[Note, ...] = ()
    half_life_sessions: float | None = None

    @property
    def sufficiency(self) -> Sufficiency:
        """Whether there is enough data to say anything."""
        return Sufficiency(self.data.reasons)

    @property
    def verdict(self) -> str:
        """One honest sentence, in English."""
        return verdict_text(self)

    @property
    def verdict_code(self) -> str:
        """Which sentence it is."""
        return verdict_code(self)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Conditions of the promotion gate that a training can meet, with what was found and what is wanted."""
        return evidence_conditions(self.evidence())

    def evidence(self) -> Evidence:
        """Return what the registry's gate reads; None where it was not measured, which passes no gate."""
        beyond = None if self.money is None else self.money.per_trade[1]
        chosen = self.selection
        return Evidence(
            judged_by=self.judged_by,
            paths=len(self.paths) or None,
            paths_beaten=self.paths_beaten,
            net_at_1_5_cost=None if beyond is None else beyond.mean,
            dsr=None if chosen is None else chosen.dsr,
            markout_low=None if self.net is None else self.net.low,
            pbo=None if chosen is None else chosen.pbo,
            placebos_clean=all(p.clean for p in self.placebos) if self.placebos else None,
            parity_clean=self.parity,
            expected_low=self.expected_low,
            expected_high=self.expected_high,
            fees_known=self.fees_known,
        )

    def to_document(self) -> dict[str, Any]:
        """Return JSON values, arrays as lists, with verdict and conditions."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        document = _filled(encode(self, arrays), arrays)
        conditions = [{k: getattr(c, k) for k in ("name", "met", "found", "wanted")} for c in self.conditions]
        return {
            "verdict": self.verdict,
            "verdict_code": self.verdict_code,
            **document,
            "conditions": conditions,
        }

    def save(self, folder: Path) -> None:
        """Write ``assessment.json`` and ``arrays.npz`` into ``folder``; the same assessment gives the same bytes."""
        write_assessment(self, folder)

    @staticmethod
    def load(folder: Path) -> Assessment:
        """Read what :meth:`save` wrote.

        Raises
        ------
        DataAccessError
            There is no assessment.
        DataFormatError
            A file was changed, cut off, or is of another version.
        """
        return read_assessment(Assessment, folder)


def assess(
    data: Dataset,
    candidates: Mapping[str, Evaluation],
    chosen: str,
    baselines: Mapping[str, Evaluation],
    *,
    policy: Policy,
    splitter: Splitter,
    ledger: TrialLedger,
    study: str,
    regimes: Names | None,
    contracts: Names | None,
    instrument: Instrument,
    families: Mapping[str, Interval],
    placebos: Mapping[str, Evaluation],
    synthetic: bool,
    parity: bool | None,
    seed: int,
    judged_by: str = "dsr",
    liquidity: Liquidity | None = None,
    books: Books | None = None,
    volatility: npt.NDArray[np.float64] | None = None,
    spread_ticks: float | None = None,
    earlier: Earlier | None = None,
    nested: Evaluation | None = None,
    rehearsal: Evaluation | None = None,
    networks: Mapping[str, Shipping] | None = None,
) -> Assessment:
    """Assess a training.

    Parameters
    ----------
    data : Dataset
        What was evaluated, without the vault.
    candidates : mapping of str to Evaluation
        On ``data`` and ``splitter``, each with its line in ``study``.
    chosen : str
        Which of them is judged.
    baselines : mapping of str to Evaluation
        On the same splits.
    policy : Policy
        With which the chosen one was evaluated.
    splitter : Splitter
    ledger : TrialLedger
    study : str
        Its lines are the trials; lines of ``study/…`` (inner splits) are counted apart.
    regimes, contracts : ndarray of str, shape (rows,), optional
        One name per row, empty where unknown.
    instrument : Instrument
        Tick value, currency, time zone, and whether its fee is known.
    families : mapping of str to Interval
        From ``fold_importance``.
    placebos : mapping of str to Evaluation
        Of the same recipe on placebo data.
    synthetic : bool
        Whether any event was made by a generator.
    parity : bool, optional
        Whether a replay gave the same rows and predictions; None where that was not tried.
    seed : int
        Of random sides and bootstraps.
    judged_by : str
        ``dsr`` for tick models, ``markout`` for book models.
    liquidity : Liquidity, optional
        For the capacity.
    books : callable, optional
        Reads the displayed levels at the entries of its trades; without it those of ``liquidity``.
    volatility : ndarray of float64, shape (rows,), optional
        To cut into terciles; by default a feature that measures it.
    spread_ticks : float, optional
        What a round trip loses to the spread, where both sides of a trade leave at different times (barriers) and their
        results do not tell it. Without it multiples of the cost are of fees and slippage alone.
    earlier : Earlier, optional
        From ``Study.earlier``: what earlier trainings tried deflates this one's results too. Without it the trials are
        those of ``study`` alone.
    nested, rehearsal : Evaluation, optional
        Of the choice made inside the training parts, and of the chosen one walked forward, both with ``policy``.
    networks : mapping of str to Shipping, optional
        What a paired test says of each network.

    Raises
    ------
    ConfigError
        Arguments do not belong together.
    DataError
        The chosen evaluation has no line in the ledger.
    """
    if chosen not in candidates:
        raise ConfigError(f"assess: {chosen!r} is none of the candidates {', '.join(candidates) or '(none)'}")
    if judged_by not in ("dsr", "markout"):
        raise ConfigError(f"assess: judged_by is {judged_by!r}, expected dsr or markout")
    evaluation = candidates[chosen]
    _check_line(evaluation, ledger, study, policy, data)
    for name, found in baselines.items():
        if found.predictions.shape != evaluation.predictions.shape:
            raise ConfigError(
                f"assess: baseline {name} has predictions of shape {found.predictions.shape}, the chosen candidate of "
                f"{evaluation.predictions.shape}; evaluate both with the same splitter"
            )
    for what, names in (("regimes", regimes), ("contracts", contracts), ("volatility", volatility)):
        if names is not None and names.shape != (len(data),):
            raise ConfigError(
                f"assess: {what} has shape {names.shape}, expected one for each of {len(data)} rows"
            )

    before = earlier or Earlier()
    half_life = evaluation.trial.parameters.get("half_life_sessions")
    scores = score(data, evaluation)
    edge = said(scores.gained.mean(axis=0), scores.spans.session, scores.weights)
    kind = str(evaluation.trial.parameters.get("kind", ""))
    about = (study, chosen, kind, synthetic, judged_by, policy.margin, policy.cost_ticks)
    facts, picture = (
        data_facts(data, len(scores.rows), contracts, instrument),
        split_picture(splitter, data.spans),
    )
    cut_by = "given" if volatility is not None else ""
    if volatility is None and (measure := volatility_of(data)) is not None:
        cut_by, volatility = measure
    if edge is None:
        return Assessment(
            *about, facts, picture, None, None, None, (), (), cut_by, None, dict.fromkeys(sorted(families)), None, None,
            (), None, None, None, (), parity, None, None, seed, earlier=before,
            fees_known=instrument.fee_known, half_life_sessions=half_life,
        )  # fmt: skip

    axes: dict[str, Names] = {}
    if regimes is not None:
        axes["regime"] = regimes
    axes["hour"] = hours_of(data.spans.t0, instrument.timezone)
    thirds = None if volatility is None else terciles(volatility)
    if thirds is not None:
        axes["volatility"] = thirds
    if contracts is not None:
        axes["contract"] = contracts
    rolls = rolls_of(data.spans.session, instrument)
    if rolls is not None:
        axes["roll"] = rolls
    walk = walk_paths(data, evaluation, scores, policy, spread_ticks)
    cost = policy.cost_ticks
    paid = net = size = chance = None
    table = [Reference("flat", float("nan"), None, None, 0.0, 0.0)]
    picked: Selection | None = None
    tried = read_trials(ledger, study, {p.trial.hash for p in placebos.values()}, before)
    low = high = None
    if walk is not None:
        paid = money(data, evaluation, scores, walk, policy, instrument)
        net = paid.per_trade[0]
        held = hold(data, scores.rows, cost) or always_long(data, scores.rows, cost)
        if held is not None:
            table.append(held)
        chance = random_side(data, walk, cost, seed)
        picked = selection(paid.net[0], tried, {n: b.trial.hash for n, b in baselines.items()}, seed=seed)
        if liquidity is not None and len(walk):
            shown = liquidity if books is None else with_books(liquidity, walk, data.spans.t0, books)
            size = size_facts(walk, cost, shown)
        nets = walk.net(cost)
        days = scores.spans.sessions
        each = [walk.of_path(k).by_session(nets[walk.path == k], days) for k in range(walk.paths)]
        low, high = (float(q) for q in np.quantile(np.concatenate(each), (0.025, 0.975)))
    table += [reference(name, data, found, policy) for name, found in baselines.items()]
    return Assessment(
        *about,
        data=facts,
        picture=picture,
        skill=float(evaluation.skill.mean()),
        edge=edge,
        net=net,
        paths=path_results(evaluation, scores, walk, cost),
        slices=slices(evaluation, scores, walk, cost, axes),
        volatility=cut_by,
        quality=quality(evaluation, scores),
        importance={n: i if i.sufficient() else None for n, i in sorted(families.items())},
        money=paid,
        size=size,
        references=tuple(table),
        paths_beaten=paths_beaten(evaluation, baselines) if baselines else None,
        random_side=chance,
        selection=picked,
        placebos=tuple(placebo(name, found, tried) for name, found in placebos.items()),
        parity=parity,
        expected_low=low,
        expected_high=high,
        seed=seed,
        shifted=shifted_labels(evaluation, scores, seed),
        earlier=before,
        fees_known=instrument.fee_known,
        nested=None if nested is None else reference("nested", data, nested, policy),
        rehearsal=None if rehearsal is None else reference("rehearsal", data, rehearsal, policy),
        networks=tuple((networks or {}).values()),
        half_life_sessions=half_life,
    )


def _check_line(
    evaluation: Evaluation, ledger: TrialLedger, study: str, policy: Policy, data: Dataset
) -> None:
    trial = evaluation.trial
    if trial.study != study or all(t.hash != trial.hash for t in ledger.trials(study)):
        raise DataError(
            f"assess: the chosen configuration has no line in study {study!r}: no line, no number",
            path=ledger.path,
        )
    used = trial.parameters.get("policy")
    asked = None if data.trips is None else {"margin": policy.margin, "cost_ticks": policy.cost_ticks}
    if used != asked:
        raise ConfigError(
            f"assess: the chosen configuration was evaluated with policy {used}, asked for {asked}"
        )


def _filled(document: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    if isinstance(document, dict):
        if document.keys() == {"array"}:
            return encode(arrays[document["array"]].tolist(), {})
        return {k: _filled(v, arrays) for k, v in document.items()}
    return [_filled(v, arrays) for v in document] if isinstance(document, list) else document
