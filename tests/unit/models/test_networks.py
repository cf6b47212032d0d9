"""Networks with a memory: what they read, what they learn, and that they need no library to predict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.features import lagged
from quantumtrader.models import load_estimator, model
from quantumtrader.models._network import _NUMPY, Arrays
from quantumtrader.models.arrays import pack_arrays
from quantumtrader.models.lstm import LSTM
from quantumtrader.models.sequences import Stretch, later_sessions
from quantumtrader.models.transformer import Transformer
from quantumtrader.training.evaluation.discrimination import auc
from quantumtrader.training.spans import Spans
from quantumtrader.training.splits import CombinatorialPurged

STEPS = 8
NAMES = lagged(["ret_1"], STEPS)
SMALL: dict[str, dict[str, float]] = {
    "lstm": {"hidden": 16, "epochs": 14, "rate": 0.01, "batch": 64},
    "transformer": {"width": 16, "heads": 2, "layers": 1, "epochs": 14, "rate": 0.005, "batch": 64},
}


def stretches(values: np.ndarray, session: np.ndarray, steps: int) -> np.ndarray:
    """Return the columns ``lagged`` of one feature or several, by hand."""
    columns = []
    for k in range(steps):
        earlier = np.full(values.shape, np.nan)
        same = session[k:] == session[: len(session) - k]
        earlier[k:][same] = values[: len(values) - k][same]
        columns.append(earlier)
    return np.concatenate(columns, axis=1)


def remembered(sessions: int, seed: int, per: int = 200) -> tuple[np.ndarray, np.ndarray, Spans]:
    """The class is the product of the last two moves; a row alone says nothing of it, and no sum of rows does."""
    rng = np.random.default_rng(seed)
    n = sessions * per
    session = np.repeat(np.arange(sessions), per)
    moves = np.where(rng.random(n) < 0.5, rng.choice([-1.0, 1.0], n), 0.0)
    y = np.ones(n, np.int64)
    for day in range(sessions):
        last = [1.0, 1.0]
        for t in range(day * per, (day + 1) * per):
            if moves[t]:
                last = [moves[t], last[0]]
            y[t] = last[0] * last[1]
    t0 = np.arange(n, dtype=np.int64)
    return stretches(moves[:, None], session, STEPS), y, Spans(t0, t0, session)


def test_the_tensor_of_a_row() -> None:
    names = ("a@2", "b", "a", "b@2")  # of b two steps, of a two, of no feature the step between
    X = np.array([[1.0, 10.0, 3.0, np.nan], [5.0, 30.0, 3.0, 20.0]])
    stretch = Stretch.fit(names, X, np.ones(2), clip=6.0)
    assert (stretch.steps, stretch.features) == (2, 2)
    np.testing.assert_allclose(stretch.mean, [3.0, 20.0])
    np.testing.assert_allclose(stretch.scale, [np.sqrt(2), np.sqrt(200 / 3)], rtol=1e-12)
    found = stretch.tensor(X)
    assert found.shape == (2, 2, 4)
    np.testing.assert_allclose(found[0, 0], [-np.sqrt(2), 0, 1, 0], rtol=1e-6)  # b was not known
    np.testing.assert_allclose(found[0, 1], [0, -10 / np.sqrt(200 / 3), 1, 1], rtol=1e-6)
    # What is not known is not what is average: the last two numbers tell them apart.
    again = Stretch.of(names, json.loads(json.dumps(stretch.state)), 6.0)
    np.testing.assert_array_equal(again.tensor(X), found)
    # A price far from 0 keeps its digits.
    far = Stretch.fit(["p"], 1e9 + np.array([[0.0], [2.0]]), np.ones(2), 6.0)
    np.testing.assert_allclose(far.scale, 1.0)


def test_the_later_sessions_are_set_aside_and_purged() -> None:
    t0 = np.arange(60, dtype=np.int64)
    spans = Spans(t0, t0 + 7, t0 // 10)
    found = later_sessions(spans, 0.34)
    assert found is not None
    train, stop = found
    assert stop.tolist() == list(range(40, 60))
    assert train.tolist() == list(range(33))  # 33 looks until 40
    assert later_sessions(spans[np.arange(40)], 0.34) is None  # four sessions
    assert later_sessions(spans, 0.05) is None


@pytest.mark.parametrize("net", [LSTM(hidden=64), Transformer()])
def test_numpy_gives_what_jax_gives(net: LSTM | Transformer) -> None:
    jax = pytest.importorskip("jax", reason="needs the extra deep")
    rng = np.random.default_rng(3)
    raw = rng.normal(size=(40, 100 * 5))
    raw[rng.random(raw.shape) < 0.1] = np.nan
    raw[:10, 5 * 30 :] = np.nan  # early rows of a session
    raw[0] = np.nan
    stretch = Stretch.fit(lagged(list("abcde"), 100), raw, np.ones(40), 6.0)
    weights = net._first(rng, 100, 10, 3)
    x = stretch.tensor(raw)
    theirs = Arrays(jax.numpy, lambda step, carry, over: jax.lax.scan(step, carry, over)[0])
    with jax.default_matmul_precision("highest"):
        one = np.asarray(jax.nn.softmax(jax.jit(lambda w, v: net.forward(theirs, w, v))(weights, x)))
    two = net.forward(_NUMPY, {k: w.astype(float) for k, w in weights.items()}, x.astype(float))
    two = np.exp(two) / np.exp(two).sum(axis=1, keepdims=True)
    assert two.std(axis=0).min() > 0.01
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def lstm() -> LSTM:
    pytest.importorskip("optax", reason="needs the extra deep")
    X, y, spans = remembered(20, 1)
    found = model("lstm", **SMALL["lstm"]).fit(X, y, names=NAMES, spans=spans)
    assert isinstance(found, LSTM)
    return found


def test_what_needs_a_memory_is_learned_by_what_has_one(lstm: LSTM) -> None:
    X, y, spans = remembered(20, 1)
    unseen, truth, _ = remembered(10, 2)
    assert (lstm.predict(unseen) == truth).mean() > 0.9
    transformer = model("transformer", **SMALL["transformer"]).fit(X, y, names=NAMES, spans=spans)
    assert (transformer.predict(unseen) == truth).mean() > 0.9
    for columns in (1, STEPS):  # the last row, or all of them
        linear = model("logistic").fit(X[:, :columns], y, names=NAMES[:columns])
        assert (linear.predict(unseen[:, :columns]) == truth).mean() < 0.6
    blind = model("lstm", **{**SMALL["lstm"], "epochs": 4}).fit(X[:, :1], y, names=NAMES[:1], spans=spans)
    assert (blind.predict(unseen[:, :1]) == truth).mean() < 0.6


def test_training_stops_on_later_sessions(lstm: LSTM) -> None:
    X, y, spans = remembered(12, 1)
    y = np.random.default_rng(5).permutation(y)  # nothing to learn: what follows the first passes is overfit
    found = model("lstm", **{**SMALL["lstm"], "patience": 2}).fit(X, y, names=NAMES, spans=spans)
    assert found.epochs_ < 14  # type: ignore[attr-defined]
    whole = model("lstm", **{**SMALL["lstm"], "epochs": 3}).fit(X, y, names=NAMES)
    assert whole.epochs_ == 3  # type: ignore[attr-defined]
    # The sessions set aside give neither scale nor weights: only when to stop.
    wild = X.copy()
    wild[spans.session >= 10] *= 3
    other = model("lstm", **{**SMALL["lstm"], "epochs": 1}).fit(wild, y, names=NAMES, spans=spans)
    one = model("lstm", **{**SMALL["lstm"], "epochs": 1}).fit(X, y, names=NAMES, spans=spans)
    np.testing.assert_array_equal(one.weights_["out"], other.weights_["out"])  # type: ignore[attr-defined]


def test_unknown_is_not_average(lstm: LSTM) -> None:
    known = np.zeros((1, STEPS))
    unknown = known.copy()
    unknown[0, 2:] = np.nan
    assert abs(lstm.predict_proba(known) - lstm.predict_proba(unknown)).max() > 1e-3
    # Rows before the session began leave the memory as it was: nothing.
    short = model("lstm", **SMALL["lstm"])
    short._take(  # type: ignore[attr-defined]
        Stretch(lstm.stretch_.places[-2:], lstm.stretch_.mean, lstm.stretch_.scale, 6.0), lstm.weights_, 1
    )
    short.classes_, short.names_ = lstm.classes_, NAMES[:2]
    np.testing.assert_allclose(
        short.predict_proba(unknown[:, :2]), lstm.predict_proba(unknown), rtol=0, atol=1e-12
    )


def test_it_predicts_without_the_library(lstm: LSTM, tmp_path: Path) -> None:
    lstm.to_files(tmp_path / "m")
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["estimator.json", "weights.npz"]
    X = remembered(2, 3)[0]
    np.save(tmp_path / "x.npy", X)
    code = (
        "import sys; sys.modules['jax'] = sys.modules['optax'] = None\n"
        "import numpy as np; from pathlib import Path; from quantumtrader.models import load_estimator\n"
        "folder = Path(sys.argv[1]); p = load_estimator(folder / 'm').predict_proba(np.load(folder / 'x.npy'))\n"
        "np.save(folder / 'p.npy', p)"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3] / "python")}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=env, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), lstm.predict_proba(X))


def test_other_weights_are_refused(lstm: LSTM, tmp_path: Path) -> None:
    lstm.to_files(tmp_path)
    good = lstm.weights_
    for wrong in (
        {**good, "out": good["out"][:, :1]},
        {**good, "out": good["out"].astype(np.float64)},
        {**good, "out": np.full_like(good["out"], np.nan)},
        {k: w for k, w in good.items() if k != "out"},
    ):
        (tmp_path / "weights.npz").write_bytes(pack_arrays(wrong))
        with pytest.raises(DataError, match="does not hold the weights of a lstm"):
            load_estimator(tmp_path)
    (tmp_path / "weights.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="no file of arrays"):
        load_estimator(tmp_path)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("lstm", {"hidden": 0}),
        ("lstm", {"epochs": 0}),
        ("lstm", {"stop_share": 1.0}),
        ("transformer", {"rate": 0.0}),
        ("transformer", {"heads": 3}),
    ],
)
def test_parameters(kind: str, wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=kind):
        model(kind, **wrong)


@pytest.mark.parametrize(("kind", "seeds", "within"), [("lstm", 8, 0.05), ("transformer", 3, 0.1)])
def test_nothing_is_found_in_a_random_walk(kind: str, seeds: int, within: float) -> None:
    """Overlapping labels of 60 steps, and stretches of rolling means: the memory sees no more than chance."""
    pytest.importorskip("optax", reason="needs the extra deep")
    sessions, per, horizon, windows, scores = 20, 120, 60, (50, 100, 200), []
    t0 = np.arange(sessions * per, dtype=np.int64)
    spans = Spans(t0, t0 + horizon, t0 // per)
    for seed in range(seeds):
        moves = np.random.default_rng(seed).normal(size=len(t0) + horizon + 200)
        walk = np.concatenate(([0], np.cumsum(moves)))
        t = 200 + t0
        base = np.column_stack([(walk[t] - walk[t - w]) / w for w in windows])
        X, y = stretches(base, spans.session, 4), (walk[t + horizon] > walk[t]).astype(np.int64)
        p, base_rate = np.empty((2, len(y)))
        for split in CombinatorialPurged(5, 1, embargo_sessions=1, embargo_ns=200).split(spans):
            net = model(kind, **{**SMALL[kind], "epochs": 3})
            net.fit(X[split.train], y[split.train], names=lagged(list("abc"), 4), spans=spans[split.train])
            p[split.test] = net.predict_proba(X[split.test])[:, 1]
            base_rate[split.test] = y[split.train].mean()
        scores.append(auc(p, y))
        loss, base_loss = (-np.log(np.where(y == 1, q, 1 - q)).mean() for q in (p, base_rate))
        assert 1 - loss / base_loss < 0.01
    assert np.mean(scores) == pytest.approx(0.5, abs=within)
