"""``quantumtrader evaluate detectors``: scripts, truths, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from quantumtrader.cli import main as cli
from quantumtrader.evaluation import detectors
from quantumtrader.evaluation.aftermath import after_absorptions
from quantumtrader.evaluation.detectors import evaluate_detectors, score_scripts
from quantumtrader.evaluation.scoring import found
from quantumtrader.evaluation.scripts import ASK, BID, OPENING, Script
from quantumtrader.evaluation.truths import (
    Iceberg,
    masked,
    native_icebergs,
    one_time_sweeps,
    score_hidden,
    score_natives,
)
from quantumtrader.evaluation.units import MS
from quantumtrader.exceptions import DataFormatError
from quantumtrader.features import DetectorSettings, detector_kinds
from quantumtrader.types import Flag, Instrument, Kind

runner = CliRunner()
WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)


def test_every_script_goes_as_written():
    scores = score_scripts()
    assert tuple(s.kind for s in scores) == detector_kinds()
    for s in scores:
        assert s.wrong == ()
        assert s.positives.share == 1
        assert s.misses.share == 0


def test_other_thresholds_give_other_scores():
    (s,) = score_scripts(["sweep"], DetectorSettings(sweep_min_levels=6))
    assert 0 < s.positives.share < 1
    assert any("3 rows" in name for name in s.wrong)


def test_executions_of_one_time():
    s = Script("trades").wait(MS)
    for k in range(3):
        s.trade(1, 1_001 + k, 1)
    s.wait(1).trade(1, 1_004, 1).trade(-1, 1_000, 1).trade(-1, 999, 1)
    (e,) = one_time_sweeps(s.events())
    assert (e.side, e.px, e.ready_ns) == (1, (1_001, 1_002, 1_003), s.now - 1)


def test_orders_executed_beyond_what_they_showed(tmp_path: Path):
    rows = [
        ("A", "B", 1, 2),
        ("A", "B", 2, 5),
        ("F", "B", 1, 9),  # in the auction
        ("T", "N", 0, 9),
        ("F", "B", 1, 2),
        ("M", "B", 1, 3),
        ("F", "B", 1, 2),  # 4 of 3
        ("F", "B", 2, 5),
        ("C", "B", 1, 1),
        ("A", "B", 3, 1),
        ("F", "B", 3, 4),
        ("C", "B", 3, 1),
    ]
    columns = list(zip(*rows, strict=True))
    names = ("action", "side", "order_id", "size")
    ts = [*range(8), 8, 9, 10, 10]  # the rest of order 1 is cancelled, order 3 is executed whole
    table = pa.table({"ts_event": ts, **dict(zip(names, map(list, columns), strict=True))})
    pq.write_table(table, tmp_path / "x.parquet")
    found = native_icebergs(tmp_path / "x.parquet")
    assert found == [Iceberg(1, 3, 4, complete=False), Iceberg(3, 1, 4, complete=True)]
    truth = score_natives(found, [])
    assert (truth.recall.hits, truth.recall.of) == (0, 2)
    assert (truth.sizes.cases, truth.sizes.complete, truth.sizes.beyond) == (2, 1, (0.5,))
    late = [Iceberg(1, 1, 3, complete=True), Iceberg(2, 2, 9, complete=True), Iceberg(3, 5, 9, complete=True)]
    assert score_natives(late, []).sizes.beyond == (0.5, 0)  # at 3 the third is not known yet
    pq.write_table(table.drop(["action"]), tmp_path / "y.parquet")
    with pytest.raises(DataFormatError):
        native_icebergs(tmp_path / "y.parquet")


def test_hidden_seconds():
    s = Script("trades").wait(MS)
    s.trade(1, 1_001, 1, flags=int(Flag.HIDDEN)).wait(1_000 * MS).trade(1, 1_001, 1)
    events = s.events()
    assert not (masked(events)["flags"] & int(Flag.HIDDEN)).any()
    at = events["ts_event"][events["kind"] == Kind.TRADE]
    times = np.array([at[0] - 1, at[0] + 1, at[1] + 1])
    (h,) = score_hidden(events, [], (times, np.array([0.0, 0.5, 0.5])))
    assert (h.base.hits, h.base.of) == (1, 2)
    assert (h.recall.share, h.precision.share) == (1, 1)


def test_the_mid_after_absorptions():
    """By hand: told at 100 s on the side of buyers, the mid is 2 ticks up 30 s later; sellers before it and after."""
    s = Script("levels")
    s.wait(1).timer()
    for second in range(1, 400):
        s.wait(1_000 * MS).trade(-1, BID, 1)
        if second in (110, 350):
            s.shift(2 if second == 110 else -1)
    told = found("absorption", 1, OPENING + 100 * 1_000 * MS + 1)
    usual = DetectorSettings()
    own, like = after_absorptions(s.events(), [told], usual)
    assert (own.cases, own.towards.hits, own.towards.of, own.mean_ticks) == (1, 1, 1, 2.0)
    # 69, 131, 39, 161 and 191 s: none of them sees the step at 110 s, which lies in (80, 110].
    assert (like.cases, like.towards.of, like.mean_ticks) == (5, 0, 0.0)
    bought = found("absorption", -1, OPENING + 100 * 1_000 * MS + 1)
    own, like = after_absorptions(s.events(), [bought], usual)
    assert (own.towards.hits, own.mean_ticks) == (0, -2.0)
    assert like.cases == 0  # nobody bought
    assert after_absorptions(s.events(), [], usual) == ()
    assert after_absorptions(Script("trades").trade(1, 5).events(), [told], usual) == ()


def test_matched_moments_have_the_delta_of_the_detectors_window():
    """Sellers take 3 in every second but each tenth, in which buyers take 40: over 10 s bought, over 3 s mostly sold."""
    s = Script("levels")
    s.wait(1).timer()
    for second in range(1, 400):
        s.wait(1_000 * MS)
        s.trade(1, ASK, 40) if second % 10 == 5 else s.trade(-1, BID, 3)
    told = found("absorption", 1, OPENING + 105 * 1_000 * MS + 1)
    events = s.events()
    cases = {w: after_absorptions(events, [told], DetectorSettings(absorption_window_s=w)) for w in (3, 10)}
    assert {w: like.cases for w, (_, like) in cases.items()} == {3: 5, 10: 0}


def test_a_moment_exactly_30_s_away_sees_the_same_move():
    """Told at 100 s; the mid steps just after 160 s, which 131 sees and 130 would not."""
    s = Script("levels")
    s.wait(1).timer()
    for second in range(1, 400):
        s.wait(1_000 * MS).trade(-1, BID, 1)
        if second == 160:
            s.shift(2)
    told = found("absorption", 1, OPENING + 100 * 1_000 * MS + 1)
    _, like = after_absorptions(s.events(), [told], DetectorSettings())
    assert (like.cases, like.towards.of) == (5, 1)


def test_the_evaluation_takes_the_window_of_its_settings(monkeypatch: pytest.MonkeyPatch):
    given: list[DetectorSettings] = []
    monkeypatch.setattr(
        detectors, "after_absorptions", lambda events, told, settings: given.append(settings) or ()
    )
    events, own = Script("levels").events(), DetectorSettings(absorption_window_s=60)
    for settings in (None, own):
        evaluate_detectors(events, WDO, kinds=["absorption"], injections=0, shuffles=0, settings=settings)
    assert given == [DetectorSettings(), own]


def test_what_every_run_dropped_is_told():
    """Trades at 80 displayed rows: the table of refilled rows holds 64."""
    s = Script("levels")
    for k in range(80):
        s.set(1, BID - k, 10).set(-1, ASK + k, 10)
    for k in range(80):
        s.wait(MS).trade(-1, BID - k, 1)
    report = evaluate_detectors(s.events(), WDO, kinds=["iceberg_synthetic"], injections=0, shuffles=2)
    runs = ["recording", *(f"shuffled {what} {k}" for what in ("sides", "times") for k in (1, 2))]
    assert report.dropped == dict.fromkeys(runs, 16)


def test_the_command_on_the_synthetic_session(tmp_path: Path):
    arguments = ["evaluate", "detectors", "-k", "sweep,spoofing", "--injections", "3", "--shuffles", "1"]
    result = runner.invoke(cli.app, [*arguments, "--out", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["report"]["synthetic"] is True
    assert document["notes"][0].startswith("SYNTHETIC")
    assert [i["kind"] for i in document["report"]["injected"]] == ["sweep", "spoofing"]
    assert json.loads((tmp_path / "detectors.json").read_text("utf-8"))["report"] == document["report"]
    text = runner.invoke(cli.app, [*arguments]).stdout
    assert "SYNTHETIC" in text
    assert "near misses" in text


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--kinds", "nonsense"], 2),
        (["--input", "x.csv"], 2),
        (["--settings", "missing.toml"], 1),
        (["--injections", "-1"], 2),
    ],
)
def test_wrong_arguments(arguments, code):
    result = runner.invoke(cli.app, ["evaluate", "detectors", *arguments])
    assert result.exit_code == code


def test_settings_are_checked(tmp_path: Path):
    file = tmp_path / "d.toml"
    for text, code in (
        ("sweep_min_level = 3", 2),
        ("sweep_min_levels = 1", 2),
        ('sweep_min_levels = "many"', 2),
        ("= 3", 2),
    ):
        file.write_text(text, "utf-8")
        result = runner.invoke(cli.app, ["evaluate", "detectors", "--settings", str(file)])
        assert result.exit_code == code, result.output
