"""Assessments of synthetic trainings, small enough for every run of the tests."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader.features import FeatureEngine
from quantumtrader.models import model
from quantumtrader.training.assessment import Assessment, Liquidity, assess
from quantumtrader.training.cross_validate import Evaluation, evaluate, fold_importance
from quantumtrader.training.dataset import Dataset, build_dataset
from quantumtrader.training.labels import Latency, RoundTrips, direction, round_trips
from quantumtrader.training.notes import Note
from quantumtrader.training.paired import ships
from quantumtrader.training.placebo import permute_days
from quantumtrader.training.policy import Policy
from quantumtrader.training.recipes import Recipe, Single
from quantumtrader.training.splits import CombinatorialPurged
from quantumtrader.training.trials import TrialLedger
from reference import planted

POLICY = Policy(margin=0.2, cost_ticks=0.5)
BOOK = CombinatorialPurged(6, 2, embargo_sessions=1)
LIQUIDITY = Liquidity(0.5, 900.0, np.tile([[3.0, 5, 8, 12, 20]], (50, 1)), np.arange(5) + 0.5)


@dataclass(frozen=True)
class Noise:
    """A recipe without skill: probabilities out of the air, up to ``width`` from one half."""

    seed: int
    width: float = 0.3

    @property
    def parameters(self) -> dict[str, Any]:
        return {"kind": "noise", "seed": self.seed, "width": self.width}

    def fit_predict(self, train: Dataset, X: np.ndarray, classes: np.ndarray, half_life: float) -> np.ndarray:
        first = int(train.spans.t0[0] + train.spans.t1[-1] + len(train)) % 2**32
        up = np.random.default_rng([self.seed, first]).uniform(0.5 - self.width, 0.5 + self.width, len(X))
        return np.column_stack((1 - up, up))


@cache
def planted_data(response: float, count: int = 24, jump: int = 6, seed: int = 3) -> Dataset:
    """Sessions in which the imbalance moves the mid by ``jump`` ticks, or does not."""
    latency = Latency((2 * 10**6, 5 * 10**6, 40 * 10**6))
    return build_dataset(
        planted.sessions(count, seed, response, jump=jump),
        FeatureEngine(["book_imbalance_1", "mid_return_1s"], planted.X, clock="1s"),
        lambda path, rows: direction(path, rows.times, 3 * planted.S, 0.5),
        payer=lambda path, times: round_trips(path, times, 3 * planted.S, latency),
    )


def thinned(data: Dataset, step: int) -> Dataset:
    """One row of every ``step``: three rows of the planted sessions say the same."""
    return data.take(np.flatnonzero(np.arange(len(data)) % step == 0))


def without_costs(data: Dataset) -> Dataset:
    """Trips from mid to mid: what has no skill makes nothing, and loses nothing."""
    assert data.trips is not None
    moved = (data.trips.buy_ticks - data.trips.sell_ticks) / 2
    return replace(data, trips=RoundTrips(moved, -moved, data.trips.buy_left, data.trips.sell_left))


@dataclass(frozen=True)
class Training:
    """Everything that ``assess`` is given."""

    data: Dataset
    candidates: Mapping[str, Evaluation]
    baselines: Mapping[str, Evaluation]
    placebos: Mapping[str, Evaluation]
    ledger: TrialLedger
    policy: Policy

    def assess(self, chosen: str = "ridge", **more: Any) -> Assessment:
        n = len(self.data)
        third = np.array(["range", "trend_up", "trend_down"])[np.arange(n) % 3]
        given: dict[str, Any] = {
            "policy": self.policy,
            "splitter": BOOK,
            "ledger": self.ledger,
            "study": "s",
            "regimes": third,
            "contracts": np.where(np.arange(n) < n // 3, "XF25", "XG25"),
            "instrument": planted.X,
            "families": {},
            "placebos": self.placebos,
            "synthetic": True,
            "parity": True,
            "seed": 7,
            "liquidity": LIQUIDITY,
            "nested": self.candidates.get("ridge"),
            "rehearsal": self.candidates.get("noise 0"),
        }
        return assess(self.data, self.candidates, chosen, self.baselines, **(given | more))


def train(data: Dataset, policy: Policy = POLICY, noise: int = 6) -> Training:
    """Evaluate a ridge, some noise, baselines and a placebo."""
    ledger = TrialLedger(Path(tempfile.mkdtemp(prefix="quantumtrader-")) / "trials.jsonl")

    def run(recipe: Recipe, study: str = "s", on: Dataset = data) -> Evaluation:
        return evaluate(on, recipe, BOOK, ledger, study, policy=policy)

    ridge = Single(model("logistic"))
    candidates = {"ridge": run(ridge)} | {f"noise {k}": run(Noise(k, 0.101)) for k in range(noise)}
    baselines = {
        "base_rate": run(Single(model("base_rate"))),
        "last_sign": run(Single(model("last_sign", column="mid_return_1s"))),
    }
    placebos = {"days permuted": run(ridge, "s/placebo", permute_days(data))}
    return Training(data, candidates, baselines, placebos, ledger, policy)


@cache
def trained(response: float, count: int = 24) -> Training:
    """A training on planted sessions; 0 has no edge."""
    return train(planted_data(response, count))


@cache
def assessed(response: float, count: int = 24) -> Assessment:
    """Its assessment, importance included."""
    found = trained(response, count)
    families = fold_importance(found.data, Single(model("logistic")), BOOK)
    noise, ridge = found.candidates["noise 0"], found.candidates["ridge"]
    networks = {"lstm": ships(noise, ridge, found.data, challengers=2, names=("lstm", "ridge"))}
    a = found.assess(families=families, networks=networks)
    return replace(
        a,
        notes=(
            Note("a note of another version", "a note of another version"),
            Note("the embargo is 1 session", "o embargo é de 1 pregão"),
        ),
    )
