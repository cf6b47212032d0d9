"""The measurement of detectors: scripts, injections, truths, shuffles; and its command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from quantumtrader import _backend, empty_events
from quantumtrader.cli import main as cli
from quantumtrader.data.contracts import instrument
from quantumtrader.evaluation.detectors import evaluate_detectors, score_scripts
from quantumtrader.evaluation.truths import one_time_sweeps
from quantumtrader.features import detector_kinds
from quantumtrader.types import Flag, Kind

MINUTE = 60 * 10**9
runner = CliRunner()


def trades(*rows: tuple[int, int, int]) -> Any:
    """Trades by (time, price, side)."""
    events = empty_events(len(rows))
    for k, (t, px, side) in enumerate(rows):
        events["ts_event"][k], events["px"][k], events["side"][k] = t, px, side
    events["kind"], events["size"], events["sequence"] = Kind.TRADE, 1, np.arange(len(rows))
    return events


def session(minutes: int = 12) -> Any:
    core: Any = _backend.core()
    return core.generate_session(seed=3, duration_ns=minutes * MINUTE)


def test_sweeps_of_one_time_by_hand():
    events = trades(
        (5, 10, 1), (5, 11, 1), (5, 12, 1), (5, 12, 1),  # three rows
        (5, 12, -1), (5, 11, -1),                        # two rows of the other side
        (6, 10, -1), (6, 9, -1), (7, 8, -1),             # three rows, two instants
        (8, 10, 0), (8, 11, 0), (8, 12, 0),              # no aggressor
        (9, 5, -1), (9, 4, -1), (9, 3, -1),
    )  # fmt: skip
    assert [(e.side, e.ready_ns) for e in one_time_sweeps(events)] == [(1, 5), (-1, 9)]
    assert one_time_sweeps(empty_events()) == []


def test_every_script_is_told_right():
    scored = {s.kind: s for s in score_scripts()}
    assert set(scored) == set(detector_kinds())
    for s in scored.values():
        assert s.positives.of > 0, s.kind
        assert s.positives.hits == s.positives.of, (s.kind, s.wrong)
        assert s.misses.hits == 0, (s.kind, s.wrong)


def test_injected_sweeps_are_found_and_shuffled_sides_are_not():
    report = evaluate_detectors(session(), instrument("WDOU25"), kinds=["sweep"], injections=8, shuffles=2)
    assert report.synthetic
    (planted,) = report.injected
    assert planted.score.recall.of == 8
    assert planted.score.recall.hits >= 7
    (control,) = report.controls
    assert min(control.by_control.values()) < control.recorded / 4
    assert report.sweeps is not None
    assert report.sweeps.recall.share > 0.9


def test_the_flag_of_hidden_executions_is_not_shown_to_the_detectors():
    events = session(5)
    prints = np.flatnonzero(events["kind"] == Kind.TRADE)
    plain = evaluate_detectors(events, instrument("WDOU25"), kinds=["iceberg_tape"], injections=0, shuffles=1)
    events["flags"][prints[::3]] |= int(Flag.HIDDEN)
    told = evaluate_detectors(events, instrument("WDOU25"), kinds=["iceberg_tape"], injections=0, shuffles=1)
    assert told.controls == plain.controls
    assert told.hidden
    assert not plain.hidden


def test_the_same_seed_gives_the_same_figures():
    def measure() -> str:
        kinds = ["spoofing"]
        return repr(
            evaluate_detectors(session(4), instrument("WDOU25"), kinds=kinds, injections=3, shuffles=1)
        )

    assert measure() == measure()


def test_the_command(tmp_path: Path):
    few = ["evaluate", "detectors", "--kinds", "sweep", "--injections", "2", "--shuffles", "1"]
    done = runner.invoke(cli.app, [*few, "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert "ynthetic" in json.dumps(document)
    assert (tmp_path / "detectors.json").exists()
    assert "SYNTHETIC" in runner.invoke(cli.app, few).output


@pytest.mark.parametrize("arguments", [["--kinds", "sweeps"], ["--input", "nowhere"], ["--injections", "-1"]])
def test_usage_errors(arguments: list[str]):
    done = runner.invoke(cli.app, ["evaluate", "detectors", *arguments], env={"COLUMNS": "160"})
    assert done.exit_code == 2
