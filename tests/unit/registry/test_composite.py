"""A stack of models is kept, refused and served like any other model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader.backtest import Backtest
from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import ConfigError, ModelError
from quantumtrader.models import model
from quantumtrader.models._logit import log_odds
from quantumtrader.models.arrays import pack_arrays, unpack_arrays
from quantumtrader.models.composite import Composite, combined, stack_columns
from quantumtrader.models.manager import ModelManager
from quantumtrader.models.manifest import ModelManifest
from quantumtrader.models.prediction import PredictionEngine
from quantumtrader.models.registry import LoadedModel, ModelRegistry
from quantumtrader.models.stack import Stack
from quantumtrader.models.strategy import ModelStrategy

NOW = 1_800_000_000_000_000_000


def whole(trained: Any) -> np.ndarray:
    rows: np.ndarray = trained.frame.values[np.isfinite(trained.frame.values).all(axis=1)]
    return rows


def put_together(
    trained: Any, kinds: tuple[str, ...] = ("lightgbm", "random_forest"), classes: int = 2
) -> Composite:
    """The first member reads all columns, the others every second one."""
    rows, names = whole(trained), trained.draft.features.names
    edges = np.quantile(rows[:, 1], [0.5] if classes == 2 else [0.3, 0.7])
    labels = np.searchsorted(
        edges, rows[:, 1] + np.random.default_rng(1).normal(0, rows[:, 1].std(), len(rows))
    )
    labels = 2 * labels - 1 if classes == 2 else labels - 1
    half = len(rows) // 2
    members, scores = [], []
    for k, kind in enumerate(kinds):
        step = 1 if k == 0 else 2
        small = {} if kind == "logistic" else {"trees": 8}
        member = model(kind, **small).fit(rows[:half, ::step], labels[:half], names=names[::step])
        members.append(member)
        scores.append(log_odds(member.predict_proba(rows[half:, ::step])))
    stack = Stack(shrinkage=1.0).fit(np.column_stack(scores), labels[half:], names=stack_columns(members))
    return Composite.of(members, stack, names)


def save(root: Path, trained: Any, composite: Composite, name: str = "both") -> LoadedModel:
    registry = ModelRegistry(root, ReplayClock(NOW))
    registry.save(replace(trained.draft, name=name), composite, whole(trained), trained.events[:8_000])
    return registry.load(name, "1.0.0")


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kinds", [("lightgbm", "random_forest"), ("xgboost", "logistic", "lightgbm")])
def test_it_is_served_as_it_was_put_together(
    root: Path, trained: Any, kinds: tuple[str, ...], classes: int
) -> None:
    if "xgboost" in kinds:
        pytest.importorskip("xgboost", reason="needs the extra xgboost")
    composite = put_together(trained, kinds, classes)
    found = save(root, trained, composite)
    rows = whole(trained)[:300]
    assert found.manifest.kind == "composite"
    np.testing.assert_allclose(found.batch(rows), composite.predict_proba(rows), rtol=0, atol=1e-14)
    weights = np.array(composite.stack_.weights_)
    assert (weights[:, :-1] >= 0).all()
    assert (weights[:, :-1] > 0.01).any()
    # By hand: log-odds of each member, weighed.
    names = composite.names_
    z = sum(
        weights[-1, k] * log_odds(m.predict_proba(rows[:, [names.index(n) for n in m.names_]])[:, -1])
        for k, m in enumerate(composite.parts_)
    )
    last = 1 / (1 + np.exp(-(z + weights[-1, -1])))
    if classes == 2:
        np.testing.assert_allclose(found.batch(rows)[:, 1], last, atol=1e-12)


def test_members_that_are_trees_are_exact(root: Path, trained: Any) -> None:
    """One bit in the score of a tree is refused; the weighted sum depends on the machine's exp and log."""
    found = save(root, trained, put_together(trained, ("lightgbm", "logistic")))
    assert found.scorer.exact_scores.tolist() == [True, False, False, False, False]
    folder = root / "both" / "1.0.0"
    arrays = unpack_arrays((folder / "golden.npz").read_bytes(), "golden")
    assert arrays["raw"].shape == (512, 5)
    for column, refused in ((0, True), (1, False), (4, False)):
        raw = arrays["raw"].copy()
        raw[7, column] = np.nextafter(raw[7, column], np.inf)
        (folder / "golden.npz").write_bytes(pack_arrays({**arrays, "raw": raw}))
        forge(folder)
        if refused:
            with pytest.raises(ModelError, match="golden rows: 1 of 512 have other scores; row 7"):
                ModelRegistry(root, ReplayClock(NOW)).load("both", "1.0.0")
        else:
            ModelRegistry(root, ReplayClock(NOW)).load("both", "1.0.0")


def forge(folder: Path) -> None:
    manifest = ModelManifest.from_bytes((folder / "manifest.json").read_bytes())
    files = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "manifest.json"}
    (folder / "manifest.json").write_bytes(manifest.with_files(files).to_bytes())


def change(folder: Path, file: str, edit: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((folder / file).read_text())
    edit(document)
    (folder / file).write_text(json.dumps(document))
    forge(folder)


@pytest.mark.parametrize(
    ("file", "edit", "words"),
    [
        ("0.estimator.json", lambda d: d.update(names=["x", *d["names"][1:]]), "reads x, which is no column"),
        ("stack.estimator.json", lambda d: d.update(classes=[0, 1]), r"with classes \[0, 1\]"),
        ("stack.estimator.json", lambda d: d.update(kind="logistic"), "stack is a logistic"),
        ("stack.estimator.json", lambda d: d["names"].reverse(), r"expected one of 0\.lightgbm:-1"),
        ("1.estimator.json", lambda d: d.update(classes=[-1, 0, 1]), "the trees are of"),
    ],
)
def test_a_forged_part_is_refused(
    root: Path, trained: Any, file: str, edit: Callable[[dict[str, Any]], object], words: str
) -> None:
    save(root, trained, put_together(trained))
    change(root / "both" / "1.0.0", file, edit)
    with pytest.raises(ModelError, match=words):
        ModelRegistry(root, ReplayClock(NOW)).load("both", "1.0.0")


def test_a_missing_part_is_refused(root: Path, trained: Any) -> None:
    save(root, trained, put_together(trained))
    folder = root / "both" / "1.0.0"
    for path in folder.glob("1.*"):
        path.unlink()
    with pytest.raises(ModelError, match="missing 1\\.estimator"):
        ModelRegistry(root, ReplayClock(NOW)).load("both", "1.0.0")
    forge(folder)
    with pytest.raises(ModelError, match="has 1 members"):
        ModelRegistry(root, ReplayClock(NOW)).load("both", "1.0.0")


def test_a_stack_of_stacks(root: Path, trained: Any) -> None:
    inner = put_together(trained)
    rows = whole(trained)
    other = model("logistic").fit(rows, np.where(rows[:, 1] > 0, 1, -1), names=inner.names_)
    scores = np.column_stack([log_odds(m.predict_proba(rows)) for m in (inner, other)])
    stack = Stack().fit(scores, np.where(rows[:, 1] > 0, 1, -1), names=stack_columns([inner, other]))
    found = save(root, trained, Composite.of([inner, other], stack), "nested")
    np.testing.assert_allclose(
        found.batch(rows[:50]),
        combined(
            [m.predict_proba(rows[:50]) for m in (inner, other)], [inner.classes_, other.classes_], stack
        ),
        atol=1e-14,
    )


def test_what_does_not_belong_together(trained: Any) -> None:
    composite = put_together(trained)
    members, stack = composite.parts_, composite.stack_
    with pytest.raises(ConfigError, match="at least two"):
        Composite.of(members[:1], stack)
    with pytest.raises(ConfigError, match=r"fitted on 0\.lightgbm:-1"):
        Composite.of(members[::-1], stack)
    with pytest.raises(ConfigError, match="was not fitted"):
        Composite.of([members[0], members[1].clone()], stack)
    with pytest.raises(ConfigError, match="'flow_ofi_1m' is not among"):
        Composite.of(members, stack, composite.names_[1:])


def test_the_strategy_and_the_prediction_engine_take_it(root: Path, trained: Any) -> None:
    composite = put_together(trained)
    save(root, trained, composite)
    strategy = ModelStrategy(
        folder=str(root / "both" / "1.0.0"), alpha=0.0, settle_s=0.0, confidence=0.5, direction=0.0
    )
    result = Backtest(trained.events[:20_000], trained.instrument, strategy).run()
    assert result.halted == ""
    assert strategy.prediction is not None
    assert strategy.prediction.model_used == "both 1.0.0"
    manager = ModelManager(root, ReplayClock(NOW), alpha=0.0)
    manager.load_models()
    row = whole(trained)[5]
    said = PredictionEngine(manager).predict(
        dict(zip(composite.names_, row.tolist(), strict=True)), model="both"
    )
    p = composite.predict_proba(row[None])[0]
    assert said["direction"] == pytest.approx(p[1] - p[0], abs=1e-14)


@pytest.mark.parametrize("engine", ["rust", "python"])
def test_both_engines_load_it(root: Path, trained: Any, engine: str) -> None:
    """With the Rust engine, without the library that trained it."""
    save(root, trained, put_together(trained))
    without = "import sys; sys.modules['lightgbm'] = None\n" if engine == "rust" else ""
    code = without + (
        "import sys; from quantumtrader.models.registry import ModelRegistry\n"
        "print(ModelRegistry(sys.argv[1]).load('both', '1.0.0', validity=False).id)"
    )
    source = str(Path(__file__).resolve().parents[3] / "python")
    env = {**os.environ, "PYTHONPATH": source, "QUANTUMTRADER_ENGINE": engine}
    run = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, env=env)
    assert run.stdout.strip() == "both 1.0.0", run.stderr
