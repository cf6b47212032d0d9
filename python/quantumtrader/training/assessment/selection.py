"""How much of the result is luck of having chosen among many."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.evaluation import (
    Sharpe,
    annualised,
    deflated_sharpe,
    expected_best_sharpe,
    pbo,
    probabilistic_sharpe,
    reality_check,
    sharpe,
    spa,
    track_record_length,
)
from quantumtrader.training.study import Earlier
from quantumtrader.training.trials import Trial, TrialLedger, independent_trials

__all__ = ["BLOCKS", "Selection", "Trials", "read_trials", "selection"]

Float64 = npt.NDArray[np.float64]

BLOCKS = 10
"""Of the CSCV: 252 combinations."""


@dataclass(frozen=True, slots=True)
class Trials:
    """What a study's ledger holds.

    Parameters
    ----------
    lines : int
        Lines of the study and of those below it (``study/…``: inner splits, tuning).
    hashes : tuple of str
        Configurations of the study itself, placebos left out, in the order of their first line.
    sessions : ndarray of str, shape (n,)
        Sessions that they share.
    results : ndarray of float64, shape (n, configurations)
        Net ticks per session.
    earlier : Earlier
        What earlier trainings tried on these sessions.
    """

    lines: int
    hashes: tuple[str, ...]
    sessions: npt.NDArray[np.str_]
    results: Float64
    earlier: Earlier = field(default_factory=Earlier)


@dataclass(frozen=True, slots=True)
class Selection:
    """Sharpe ratio per session of the chosen configuration, and what choosing it makes of it.

    ``why`` says by name why a number is None: ``few_sessions``, ``one_trial``, ``no_variation``.

    Parameters
    ----------
    lines, configurations, independent : int
        Lines in the ledger; different configurations; those that do not move together, with those of earlier
        trainings, which is the N of ``dsr``.
    sessions : int
        Sessions behind the ratio.
    sharpe, annualised : float
        Ratio per session, and times √252; NaN where results do not vary.
    skewness, kurtosis : float
        Of the results per session.
    expected_best : float
        Ratio per session that the best of N without skill is expected to show.
    psr, dsr : float or None
        Probability that the true ratio is above 0; the same above ``expected_best``.
    sessions_needed : float
        Until such a ratio is above 0 with 95 % confidence; infinite where it is not above 0.
    pbo : float or None
        Probability of backtest overfitting.
    pbo_trials : int
        Configurations behind it; those that stood still through half of the blocks are left out.
    ranks : ndarray of float64, shape (combinations,)
        Relative rank in the future of each past winner; empty where ``pbo`` is None.
    benchmark : str
        The best of the baselines, which the tests below compare with; ``flat`` where none made money.
    reality_check, spa, spa_lower, spa_upper : float or None
        p-values: that the best of all configurations only seems better than the benchmark.
    why : dict of str to str
    """

    lines: int
    configurations: int
    independent: int
    sessions: int
    sharpe: float
    annualised: float
    skewness: float
    kurtosis: float
    expected_best: float
    psr: float | None
    dsr: float | None
    sessions_needed: float
    pbo: float | None
    pbo_trials: int
    ranks: Float64
    benchmark: str
    reality_check: float | None
    spa: float | None
    spa_lower: float | None
    spa_upper: float | None
    why: Mapping[str, str]


def read_trials(
    ledger: TrialLedger, study: str, left_out: Collection[str] = (), earlier: Earlier | None = None
) -> Trials:
    """Read a study; lines without a policy count, but their results are no money and join no column."""
    lines = [t for t in ledger.trials() if t.study == study or t.study.startswith(f"{study}/")]
    latest: dict[str, Trial] = {}
    for trial in lines:
        if trial.study == study and trial.hash not in left_out and trial.parameters.get("policy"):
            latest[trial.hash] = trial
    shared = set.intersection(*(set(t.sessions) for t in latest.values())) if latest else set()
    sessions = sorted(shared)
    columns = []
    for trial in latest.values():
        by_session = dict(zip(trial.sessions, trial.results, strict=True))
        columns.append([by_session[s] for s in sessions])
    results = np.array(columns, np.float64).reshape(len(latest), len(sessions)).T
    return Trials(len(lines), tuple(latest), np.array(sessions, np.str_), results, earlier or Earlier())


def selection(
    results: Float64, trials: Trials, baselines: Mapping[str, str], *, seed: int, draws: int = 5_000
) -> Selection:
    """Deflate a result by the trials behind it.

    Parameters
    ----------
    results : ndarray of float64, shape (sessions,)
        Net ticks per session of the chosen configuration.
    trials : Trials
        Everything that was tried.
    baselines : mapping of str to str
        Hash of each baseline that is among the trials.
    seed, draws
        Of the bootstrap.
    """
    why: dict[str, str] = {}
    own = sharpe(results)
    ratios, count = trial_ratios(trials), _independent(trials)
    best = expected_best_sharpe(ratios, count) if len(ratios) > 1 or count == 1 else math.nan
    psr, dsr = _number(probabilistic_sharpe(own)), _number(deflated(own, trials))
    if dsr is None:
        why["dsr"] = "no_variation"
    moving = [k for k, column in enumerate(trials.results.T) if not stands_still(column)]
    probability, ranks = None, np.empty(0)
    if len(moving) < 2:
        why["pbo"] = "one_trial"
    elif len(trials.sessions) < 2 * BLOCKS:
        why["pbo"] = "few_sessions"
    else:
        found = pbo(trials.results[:, moving], BLOCKS)
        probability, ranks = found.probability, found.ranks
    name, checks = _checks(trials, baselines, seed, draws)
    if checks is None:
        why["reality_check"] = "few_sessions" if len(trials.sessions) < 8 else "no_variation"
    return Selection(
        lines=trials.lines,
        configurations=len(trials.hashes),
        independent=count,
        sessions=len(results),
        sharpe=own.ratio,
        annualised=annualised(own.ratio),
        skewness=own.skewness,
        kurtosis=own.kurtosis,
        expected_best=best,
        psr=psr,
        dsr=dsr,
        sessions_needed=track_record_length(own),
        pbo=probability,
        pbo_trials=len(moving),
        ranks=ranks,
        benchmark=name,
        reality_check=None if checks is None else checks[0],
        spa=None if checks is None else checks[1],
        spa_lower=None if checks is None else checks[2],
        spa_upper=None if checks is None else checks[3],
        why=why,
    )


def trial_ratios(trials: Trials) -> Float64:
    """Return the Sharpe ratios per session of all trials that have one, those of earlier trainings too."""
    own = [sharpe(column).ratio for column in trials.results.T]
    found = np.array([*own, *trials.earlier.ratios], np.float64)
    return found[np.isfinite(found)]


def deflated(own: Sharpe, trials: Trials) -> float:
    """Return the deflated Sharpe ratio of ``own`` among the trials; NaN where it is not defined."""
    ratios, count = trial_ratios(trials), _independent(trials)
    if len(ratios) < 2:
        return probabilistic_sharpe(own) if count == 1 else math.nan
    return deflated_sharpe(own, ratios, count)


def _independent(trials: Trials) -> int:
    """Return the N of the deflated ratio: at least the one that is judged."""
    own = independent_trials(trials.results) if len(trials.sessions) else len(trials.hashes)
    return max(1, own) + trials.earlier.independent


def stands_still(column: Float64, blocks: int = BLOCKS) -> bool:
    """Whether a trial has the same result throughout half of the blocks: then some half has no variation."""
    size = len(column) // blocks
    if not size:
        return True
    parts = column[len(column) - size * blocks :].reshape(blocks, size)
    still = parts[(parts == parts[:, :1]).all(axis=1), 0]
    _, count = np.unique(still, return_counts=True)
    return bool(len(count)) and int(count.max()) >= blocks // 2


def _checks(
    trials: Trials, baselines: Mapping[str, str], seed: int, draws: int
) -> tuple[str, tuple[float, float, float, float] | None]:
    n = len(trials.sessions)
    name, benchmark = "flat", np.zeros(n)
    for baseline, found in baselines.items():
        if found in trials.hashes:
            column = trials.results[:, trials.hashes.index(found)]
            if column.sum() > benchmark.sum():
                name, benchmark = baseline, column
    others = [k for k, h in enumerate(trials.hashes) if h not in baselines.values()]
    excess = trials.results[:, others] - benchmark[:, None]
    excess = excess[:, (excess != excess[:1]).any(axis=0)] if n else excess
    if n < 8 or not excess.shape[1]:
        return name, None
    try:
        white, hansen = reality_check(excess, draws=draws, seed=seed), spa(excess, draws=draws, seed=seed)
    except ConfigError:
        return name, None
    return name, (white.p_value, hansen.p_value, hansen.lower, hansen.upper)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
