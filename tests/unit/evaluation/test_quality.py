"""The measurement of detectors: scripts, injections, truths, shuffles; and its command."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from quantumtrader import _backend, empty_events
from quantumtrader.cli import main as cli
from quantumtrader.data.contracts import instrument
from quantumtrader.evaluation.quality import measure_quality, measure_scripts, sweeps_of_one_instant
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


def test_sweeps_of_one_instant_by_hand():
    events = trades(
        (5, 10, 1), (5, 11, 1), (5, 12, 1), (5, 12, 1),  # three rows
        (5, 12, -1), (5, 11, -1),                        # two rows of the other side
        (6, 10, -1), (6, 9, -1), (7, 8, -1),             # three rows, two instants
        (8, 10, 0), (8, 11, 0), (8, 12, 0),              # no aggressor
        (9, 5, -1), (9, 4, -1), (9, 3, -1),
    )  # fmt: skip
    assert [(e.side, e.ready_ns) for e in sweeps_of_one_instant(events)] == [(1, 5), (-1, 9)]
    assert sweeps_of_one_instant(empty_events()) == []


def test_every_script_is_told_right():
    for kind, scripted in measure_scripts(detector_kinds()).items():
        assert scripted.found.of > 0, kind
        assert scripted.found.hits == scripted.found.of, kind
        assert scripted.fooled.hits == 0, kind


def test_injected_sweeps_are_found_and_shuffled_sides_are_not():
    quality = measure_quality(session(), instrument("WDOU25"), kinds=["sweep"], injections=8)
    assert quality.synthetic
    planted = quality.planted["sweep"]
    assert planted.score.recall.of == 8
    assert planted.score.recall.hits >= 7
    rates = quality.rates["sweep"]
    assert rates.shuffled_sides < rates.recorded / 4
    assert quality.told["sweep: executions of one instant"].recall.share > 0.9


def test_the_flag_of_hidden_executions_is_not_shown_to_the_detectors():
    events = session(5)
    prints = np.flatnonzero(events["kind"] == Kind.TRADE)
    events["flags"][prints[::3]] |= int(Flag.HIDDEN)
    told = measure_quality(events, instrument("WDOU25"), kinds=["iceberg_tape"], injections=1)
    plain = events.copy()
    plain["flags"] &= np.uint16(0xFFFF ^ int(Flag.HIDDEN))
    untold = measure_quality(plain, instrument("WDOU25"), kinds=["iceberg_tape"], injections=1)
    assert told.rates == untold.rates
    assert list(told.told) == ["iceberg_tape: hidden executions within 1 s"]
    assert untold.told == {}


def test_the_same_seed_gives_the_same_figures(engine: ModuleType):
    def measure() -> Any:
        return measure_quality(session(4), instrument("WDOU25"), kinds=["spoofing"], injections=3)

    assert repr(measure()) == repr(measure())


def test_the_command(tmp_path: Path):
    done = runner.invoke(
        cli.app,
        ["evaluate", "detectors", "--kinds", "sweep", "--injections", "2", "--out", str(tmp_path), "--json"],
    )
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["quality"]["synthetic"] is True
    assert "synthetic" in document["source"]
    assert document["quality"]["planted"]["sweep"]["score"]["recall"]["of"] == 2
    assert json.loads((tmp_path / "detectors.json").read_text())["quality"] == document["quality"]
    text = runner.invoke(cli.app, ["evaluate", "detectors", "--kinds", "sweep", "--injections", "2"]).stdout
    assert text.count("SYNTHETIC") >= 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kinds", "sweeps"], "--kinds has 'sweeps'"),
        (["--input", "nowhere"], "--input needs --symbol"),
        (["--injections", "0"], "injections"),
    ],
)
def test_usage_errors(arguments: list[str], words: str):
    done = runner.invoke(cli.app, ["evaluate", "detectors", *arguments], env={"COLUMNS": "160"})
    assert done.exit_code == 2
    assert words in done.output
