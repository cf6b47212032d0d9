"""Executors: the same results in the same order wherever they are computed, and errors that say where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, EngineError, MissingExtraError
from quantumtrader.features import FeatureEngine
from quantumtrader.models import model
from quantumtrader.training.cross_validate import evaluate
from quantumtrader.training.dataset import build_dataset
from quantumtrader.training.executor import (
    DaskExecutor,
    Executor,
    ProcessExecutor,
    SerialExecutor,
    make_executor,
)
from quantumtrader.training.labels import direction
from quantumtrader.training.recipes import Single
from quantumtrader.training.run_folder import RunFolder
from quantumtrader.training.splits import CombinatorialPurged
from reference.planted import S, X, sessions
from reference.work import Work

WORK = Work(np.arange(1000.0))


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessExecutor]:
    with ProcessExecutor(2) as executor:
        yield executor


def values(executor: Executor) -> list[tuple[int, float]]:
    return [found[:2] for found in executor.map(WORK, [5, 3, 8, 1])]


def test_processes_give_what_this_process_gives(processes: ProcessExecutor) -> None:
    seen: list[int] = []
    serial = values(SerialExecutor())
    assert values(processes) == serial
    assert [item for item, _ in serial] == [5, 3, 8, 1]
    elsewhere = processes.map(WORK, range(6), done=lambda place, _: seen.append(place))
    assert sorted(seen) == list(range(6))
    assert os.getpid() not in {pid for _, _, pid in elsewhere}
    assert processes.map(WORK, []) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_says_what_was_being_done(workers: int, processes: ProcessExecutor) -> None:
    executor: Executor = processes if workers == 2 else SerialExecutor()
    with pytest.raises(MissingExtraError, match="the thirteenth") as caught:
        executor.map(WORK, [1, 13], doing="fitting lightgbm")
    assert "while fitting lightgbm, part 1" in caught.value.__notes__
    assert values(executor) == values(SerialExecutor())  # goes on afterwards


def test_a_worker_that_dies_is_an_error_and_not_a_hang() -> None:
    with ProcessExecutor(1) as executor:
        with pytest.raises(EngineError, match="ended by itself while fitting"):
            executor.map(WORK, [1, 99], doing="fitting")
        assert values(executor) == values(SerialExecutor())  # with new workers


ASKED = """
import os, sys
from pathlib import Path
from quantumtrader.training.executor import ProcessExecutor
from reference.work import Waiting

if __name__ == "__main__":
    with ProcessExecutor(2) as executor:
        executor.map(Waiting(sys.argv[1]), [0, 1])
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_workers_end_quietly_with_who_asked(name: str, tmp_path: Path) -> None:
    """Killed: no worker is left. Ctrl-C reaches the whole group: only the process that was asked speaks of it."""
    sent = getattr(signal, name)
    script = tmp_path / "asked.py"
    script.write_text(ASKED)
    path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    asked = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    until = time.monotonic() + 60
    while len(list(tmp_path.glob("[0-9]*"))) < 2:
        assert asked.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    if name == "SIGKILL":
        asked.kill()
    else:
        os.killpg(asked.pid, sent)
        (tmp_path / "go").touch()  # what is being computed is finished
    try:
        _, said = asked.communicate(timeout=30)  # until all that hold standard error have ended
    finally:
        with suppress(ProcessLookupError):
            os.killpg(asked.pid, signal.SIGKILL)
    assert "SpawnProcess" not in said


def test_what_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(make_executor(), SerialExecutor)
    with pytest.raises(ConfigError, match="workers is 0"):
        make_executor(0)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"quantumtrader\[cluster\]"):
        make_executor(scheduler="tcp://127.0.0.1:8786")


def fold_predictions(executor: Executor, folder: Path) -> np.ndarray[Any, Any]:
    """Folds of a model, kept in a training's folder, computed by an executor."""
    data = build_dataset(
        sessions(8, 5, 0.9, n=60),
        FeatureEngine(["book_imbalance_1", "mid_return_1s"], X, clock="1s"),
        lambda path, rows: direction(path, rows.times, 3 * S, 0.5),
    )
    with RunFolder(folder, {"a": 1}) as run:
        found = evaluate(
            data, Single(model("lightgbm", trees=5, min_leaf=5)), CombinatorialPurged(4, 2), run.ledger, "s",
            mapper=run.mapper(executor),
        )  # fmt: skip
        assert len(list((folder / "folds").iterdir())) == 6
    return found.predictions


def test_folds_in_processes_are_those_of_this_process(processes: ProcessExecutor, tmp_path: Path) -> None:
    pytest.importorskip("lightgbm", reason="lightgbm comes with the ml extra")
    here = fold_predictions(SerialExecutor(), tmp_path / "here")
    np.testing.assert_array_equal(fold_predictions(processes, tmp_path / "there"), here)


@pytest.mark.integration
def test_a_cluster_gives_what_this_process_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed", reason="distributed comes with the cluster extra")
    monkeypatch.chdir(tmp_path)  # Dask leaves a folder behind
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
        ) as cluster,
        make_executor(scheduler=cluster.scheduler_address) as executor,
    ):
        assert isinstance(executor, DaskExecutor)
        assert values(executor) == values(SerialExecutor())
        with pytest.raises(MissingExtraError) as caught:
            executor.map(WORK, [13], doing="fitting")
        assert "while fitting, part 0" in caught.value.__notes__
        folds = (
            fold_predictions(executor, tmp_path / "cluster"),
            fold_predictions(SerialExecutor(), tmp_path / "here"),
        )
        np.testing.assert_array_equal(*folds)
    with pytest.raises(ConfigError, match="tcp://host:8786"):
        make_executor(scheduler="localhost")
