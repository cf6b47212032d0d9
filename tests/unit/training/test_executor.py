"""Executors: the same results in the same order wherever they are computed, and errors that say where."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, EngineError, MissingExtraError
from quantumtrader.training.executor import (
    DaskExecutor,
    Executor,
    ProcessExecutor,
    SerialExecutor,
    make_executor,
)
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


def test_what_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(make_executor(), SerialExecutor)
    with pytest.raises(ConfigError, match="workers is 0"):
        make_executor(0)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"quantumtrader\[cluster\]"):
        make_executor(scheduler="tcp://127.0.0.1:8786")


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
    with pytest.raises(ConfigError, match="tcp://host:8786"):
        make_executor(scheduler="localhost")
