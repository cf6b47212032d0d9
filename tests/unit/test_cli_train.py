"""The commands ``train`` and ``label``: exit codes, JSON, what is left in the folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from quantumtrader.cli import label as label_command
from quantumtrader.cli import main as cli
from quantumtrader.cli.evaluate_model import _interval
from quantumtrader.cli.train_results import _net, _vault
from quantumtrader.data.lake import Lake
from quantumtrader.exceptions import DataError
from quantumtrader.features.fit.artifact import Artifact, write_artifact
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.pipelines import DualConfig, DualTrainingSystem, Recording, labelling, retraining
from quantumtrader.training.pipelines.result import _priced
from quantumtrader.training.pipelines.synthetic import synthetic_bars, synthetic_book
from quantumtrader.training.study import STUDIES_VARIABLE, Study, studies_folder
from quantumtrader.training.trials import Trial
from quantumtrader.types import Kind
from reference.planted import X, sessions

runner = CliRunner()
Write = Callable[[int], Path]


@pytest.fixture
def bars(tmp_path: Path) -> Write:
    def write(sessions: int) -> Path:
        lines = ["timestamp,open,high,low,close,volume"]
        for part in synthetic_bars(sessions, minutes=60).sessions():
            for bar in part[part["kind"] == Kind.BAR]:
                px = [f"{bar[f] * 0.5:.1f}" for f in ("px", "px_ask", "ref_a", "ref_b")]
                lines.append(",".join((str(bar["id"] // 10**9), *px, str(bar["size"]))))
        file = tmp_path / f"bars{sessions}.csv"
        file.write_text("\n".join(lines) + "\n")
        return file

    return write


def tick(file: Path, out: Path, *more: str) -> list[str]:
    return [
        "train", "tick", "-i", str(file), "-s", "WDOFUT", "-o", str(out), "--candidates", "quick", "--horizon-s", "600",
        "-f", "ret_1,ret_5,atr_14,adx_14,ema_alignment", *more,
    ]  # fmt: skip


@pytest.mark.parametrize("name", cli.TRAIN_COMMANDS)
def test_every_command_has_help_and_offers_json(name: str) -> None:
    result = runner.invoke(cli.app, ["train", name, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.stdout
    assert "Examples:" in result.stdout


def test_train_tick_leaves_everything_in_its_folder(bars: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = runner.invoke(cli.app, tick(bars(14), out, "--json"))
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["verdict"].startswith("Insufficient")
    assert document["table"] == {}
    assert {p.name for p in out.iterdir()} >= {
        "run.json", "data", "folds", "trials.jsonl", "summary.json", "assessment", "report.html", "models",
    }  # fmt: skip
    listed = runner.invoke(cli.app, ["models", "list", "--models", str(out / "models"), "--json"])
    assert json.loads(listed.stdout)[0]["state"] == "candidate"
    shown = runner.invoke(cli.app, tick(bars(14), out))  # goes on, and has nothing to do
    assert shown.exit_code == 0
    assert "Insufficient" in shown.stdout
    assert document["fees_known"] is False
    assert "Fees unknown" in shown.stdout
    assert "ticks beyond the spread, fees unknown" in shown.stdout
    meant = runner.invoke(cli.app, tick(bars(14), out, "--fee", "0"))
    assert "free" in meant.stderr  # a fee that is known makes another training
    other = runner.invoke(cli.app, tick(bars(14), out, "--seed", "8"))
    assert other.exit_code == 1
    assert "config.seed was 7, now 8" in other.stderr
    update = ["train", "tick", "-i", str(bars(14)), "-s", "WDOFUT", "-o", str(tmp_path / "again")]
    update += ["--update", "wdofut_tick", "--models", str(out / "models")]
    again = runner.invoke(cli.app, update)
    assert again.exit_code == 0
    assert "not yet, 0 of 5 sessions" in again.stdout
    (out / "models" / "wdofut_tick" / "retraining.json").write_text('{"every_sessions": 7}')
    ruled = json.loads(runner.invoke(cli.app, [*update, "--json"]).stdout)
    assert (ruled["due"], ruled["rule"]["every_sessions"], ruled["drift"]) == (False, 7, None)
    book = runner.invoke(cli.app, ["train", "book", *update[2:]])
    assert book.exit_code == 2
    assert "is for tick models: give train book the options" in " ".join(
        book.stderr.replace("│", " ").split()
    )
    opened = runner.invoke(cli.app, tick(bars(14), out, "--open-vault", "--why", "release 1"))
    assert opened.exit_code == 0
    assert "vault: insufficient: 3 sessions" in opened.stdout
    asked = runner.invoke(cli.app, [*update, "--seed", "7", "--open-vault", "--why", "x", "--json"])
    assert asked.exit_code == 2  # what would be ignored is refused
    assert (
        "--seed, --open-vault: cannot be given with --update" in json.loads(asked.stdout)["error"]["message"]
    )
    bucket = {"usable_from_ns": 1, "bucket": 400}
    vpin = Artifact("vpin", "WDOFUT", "WDO", 0.5, 0, 1, 1, 1, True, bucket, {}, "rust 0", "none")
    file = str(write_artifact(vpin, tmp_path / "vpin.json"))
    passed_over = runner.invoke(cli.app, [*update, "--fitted", file, "--json"])
    assert passed_over.exit_code == 2
    assert "is a vpin fit, and wdofut_tick 1.0.0 keeps to its own copies" in passed_over.stdout
    judge = ["evaluate", "model", "wdofut_tick", "--models", str(out / "models"), "--json"]
    assert json.loads(runner.invoke(cli.app, judge).stdout)["judged"] == "out of fold"
    seen = runner.invoke(cli.app, [*judge[:-1], "-i", str(bars(14))])
    assert seen.exit_code == 0, seen.output
    assert "3 of these sessions were locked away by the training of wdofut_tick 1.0.0" in " ".join(
        seen.stderr.split()
    )
    later = runner.invoke(cli.app, tick(bars(14), tmp_path / "later", "--open-vault", "--why", "release 2"))
    assert later.exit_code == 1
    assert "vault not opened: the vault holds 3 sessions and all were seen before" in " ".join(
        later.stderr.split()
    )
    assert "Insufficient" in later.stdout  # what was trained is shown all the same
    part = runner.invoke(cli.app, [*judge, "--start", "2024-01-03", "--margin", "0.1"])
    assert part.exit_code == 2
    assert "--margin, --start: is for the sessions" in json.loads(part.stdout)["error"]["message"]


def test_a_model_is_replayed_on_the_recording_it_was_trained_on(bars: Write, tmp_path: Path) -> None:
    # 313 weeks earlier, when sessions were shorter than they are now: a feature knows of their length.
    header, *lines = bars(14).read_text().splitlines()
    moved = [f"{int(t) - 313 * 7 * 86_400},{rest}" for t, _, rest in (line.partition(",") for line in lines)]
    file = tmp_path / "early.csv"
    file.write_text("\n".join([header, *moved]) + "\n")
    asked = tick(file, tmp_path / "out", "-f", "session_frac")
    trained = runner.invoke(cli.app, asked)
    assert trained.exit_code == 0, trained.output
    model = tmp_path / "out" / "models" / "wdofut_tick" / "1.0.0"
    assert "session_seconds" in (model / "manifest.json").read_text()
    gate = json.loads((tmp_path / "out" / "summary.json").read_text())["conditions"]
    assert [c["found"] for c in gate if c["name"] == "parity"] == ["clean"]
    replay = [
        "replay",
        "-i",
        str(file),
        "-s",
        "WDOFUT",
        "-o",
        str(tmp_path / "replay"),
        "--strategy",
        "model",
    ]
    again = runner.invoke(cli.app, [*replay, "-p", f"folder={model}"])
    assert again.exit_code == 0, again.output
    # The locked sessions were among them: labels of them are a look, too.
    logged = runner.invoke(
        cli.app, ["label", "-i", str(file), "-s", "WDOFUT", "-o", str(tmp_path / "l.parquet")]
    )
    for found, how in ((again, "replayed"), (logged, "labelled")):
        said = " ".join(found.stderr.split())
        assert "3 sessions that trainings of WDO-triple_barrier were not trained on" in said, found.output
        assert f"were {how}: written into the study" in said
    looks = (studies_folder() / "WDO-triple_barrier" / "vault.jsonl").read_text()
    assert "replay --strategy model" in looks
    assert '"why":"label --kind side"' in looks
    judge = [
        "evaluate",
        "model",
        "wdofut_tick",
        "--models",
        str(model.parent.parent),
        "-i",
        str(file),
        "--json",
    ]
    judged = runner.invoke(cli.app, judge)
    assert judged.exit_code == 0, judged.output
    assert json.loads(judged.stdout)["judged"] == "after its training"


def test_a_refused_vault_hides_nothing(tmp_path: Path) -> None:
    def book(count: int, out: str, *more: str) -> list[str]:
        lake = tmp_path / f"lake{count}"
        if not lake.exists():
            with Lake(lake).writer(X, source="test") as writer:
                writer.add(np.concatenate(sessions(count, 3, 0.9, n=120)))
        return [
            "train", "book", "-i", str(lake), "-s", "X", "-o", str(tmp_path / out), "--candidates", "quick",
            "--tick-size", "0.5", "--point-value", "10", "--currency", "BRL", "--timezone", "UTC", "--hours", "00:00-23:59",
            "-f", "book_imbalance_1,mid_return_1s", "--clock", "1s", "--target", "direction_1",
            "--open-vault", "--why", "r", *more,
        ]  # fmt: skip

    few = runner.invoke(cli.app, book(7, "few"))
    assert (few.exit_code, "record at least 8" in few.stderr) == (1, True)
    assert not (tmp_path / "few").exists()  # said before the training
    Study.of("X", "order_imbalance", synthetic=False).look(
        np.arange(20_000, 20_012), how="looked at", model="m", who="rui", why="e"
    )
    both = book(12, "both", "--target", "order_imbalance")
    for _ in range(2):  # asked again it says the same
        shown = runner.invoke(cli.app, both)
        assert shown.exit_code == 1
        assert "direction_1 · vault: insufficient: 3 sessions" in shown.stdout
        assert "order_imbalance: vault not opened: the vault holds 3 sessions" in " ".join(
            shown.stderr.split()
        )
    document = json.loads(runner.invoke(cli.app, [*both, "--json"]).stdout)
    assert list(document["vault_refused"]) == ["order_imbalance"]
    assert document["targets"]["direction_1"]["vault_result"]["sessions"] == 3


def test_errors_have_their_exit_codes(bars: Write, tmp_path: Path) -> None:
    few = runner.invoke(cli.app, tick(bars(3), tmp_path / "few"))
    assert few.exit_code == 3
    assert "insufficient: 2 sessions outside the vault" in few.stderr
    assert runner.invoke(cli.app, tick(bars(3), tmp_path / "x", "--candidates", "magic")).exit_code == 2
    assert runner.invoke(cli.app, tick(bars(3), tmp_path / "x", "--open-vault")).exit_code == 2
    for option, value in (
        ("--least-ticks", "-3"),
        ("--spread-ticks", "0"),
        ("--horizon-s", "1e12"),
        ("--every-s", "1e12"),
    ):
        assert runner.invoke(cli.app, tick(bars(3), tmp_path / "x", option, value)).exit_code == 2
    assert (
        runner.invoke(
            cli.app, ["train", "book", *tick(bars(3), tmp_path / "x")[2:8], "--open-vault"]
        ).exit_code
        == 2
    )
    book = ["train", "book", "-i", "no.file", "-s", "WDOFUT", "-o", str(tmp_path / "wrong")]
    nothing = Path("no.file")
    for asked, words in (  # before the input is looked for
        (tick(nothing, tmp_path / "wrong", "-f", "ret_one"), 'no feature "ret_one"'),
        (tick(nothing, tmp_path / "wrong", "--name", "../x"), "'../x' is no name of a model: use a-z"),
        (tick(nothing, tmp_path / "wrong", "--update", "../x"), "'../x' is no name of a model: use a-z"),
        (tick(nothing, tmp_path / "wrong", "--scheduler", "nonsense"), "use an address such as tcp://"),
        (tick(nothing, tmp_path / "wrong", "-m", str(bars(3))), "is a file"),
        ([*book, "--target", "direction", "--target", "nonsense"], "one of direction, direction_05"),
        ([*book, "-f", "nope"], "quantumtrader features list"),
    ):
        wrong = runner.invoke(cli.app, [*asked, "--json"])
        assert wrong.exit_code == 2, wrong.output
        assert words in json.loads(wrong.stdout)["error"]["message"]
    assert not (tmp_path / "wrong").exists()
    short = runner.invoke(cli.app, [*tick(bars(6), tmp_path / "short"), "--horizon-s", "30"])
    assert short.exit_code == 3
    assert "the horizon of 30 s is shorter than a bar of 60 s" in short.stderr
    assert not (tmp_path / "short").exists()
    for label in (["side"], ["direction_1", "--every-s", "60"]):
        asked = [
            "label",
            "-i",
            str(bars(6)),
            "-s",
            "WDOFUT",
            "-o",
            str(tmp_path / "l.parquet"),
            "--horizon-s",
            "30",
        ]
        short = runner.invoke(cli.app, [*asked, "--label", *label])
        assert (short.exit_code, "shorter than a bar of 60 s" in short.stderr) == (3, True), short.output
    no_book = ["train", "book", "-i", str(bars(3)), "-s", "WDOFUT", "-o", str(tmp_path / "book")]
    found = runner.invoke(cli.app, no_book)
    assert found.exit_code == 3
    assert "no book and no quotes" in found.stderr
    for more in ([], ["--book", "x"], ["--synthetic", "--book", "x"], ["--synthetic", "--ticks", "x"]):
        dual = runner.invoke(cli.app, ["train", "dual", "-s", "WDOFUT", "-o", str(tmp_path / "d"), *more])
        assert dual.exit_code == 2


def test_an_update_may_say_how_long_the_next_version_is_valid(
    bars: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[int | None] = []

    def retrain(*_: object, valid_sessions: int | None, **__: object) -> None:
        said.append(valid_sessions)
        raise DataError("enough")

    monkeypatch.setattr(retraining, "retrain", retrain)
    asked = [*tick(bars(3), tmp_path / "o")[:8], "--update", "y_tick"]
    for more in ([], ["--valid-sessions", "0"], ["--valid-sessions", "30"]):
        assert runner.invoke(cli.app, [*asked, *more]).exit_code == 3
    assert said == [None, 0, 30]


def test_dual_takes_costs_and_lookbacks(bars: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[DualConfig, int]] = []

    def train(system: DualTrainingSystem, ticks: Recording, book: Recording | None, out: Path) -> None:
        given.append((system.asked, len(ticks.survey().days)))
        raise DataError("enough")

    monkeypatch.setattr(DualTrainingSystem, "train", train)
    asked = ["train", "dual", "-s", "WDOFUT", "-o", str(tmp_path / "d"), "--ticks", str(bars(12))]
    costs = [
        "--slippage-ticks", "2", "--latency-ms", "50", "--spread-ticks", "3", "--margin", "0.2", "--gaps", "drop",
        "--csv-lookback", "4", "--half-life", "60", "--valid-sessions", "45",
    ]  # fmt: skip
    measured = tmp_path / "latency.txt"
    measured.write_text("1000000\n3000000\n", "utf-8")
    assert (
        runner.invoke(cli.app, [*asked, *costs, "--latency-from", str(measured)]).exit_code == 2
    )  # one of both
    for more in ([], costs, ["--latency-from", str(measured)]):
        assert runner.invoke(cli.app, [*asked, *more]).exit_code == 3
    (plain, every), (costly, few), (drawn, _) = given
    assert (plain.csv_lookback, plain.book_lookback) == (365, 30)
    assert plain.tick == DualConfig().tick
    assert plain.book == replace(DualConfig().book, targets=("direction_1",))
    for one in (costly.tick, costly.book):
        assert (one.slippage_ticks, one.latency_ms, one.margin, one.gaps) == (2, 50, 0.2, "drop")
        assert (one.half_life_sessions, one.valid_sessions) == (60, 45)
    assert drawn.tick.latency_sample_ns == drawn.book.latency_sample_ns == (1_000_000, 3_000_000)
    assert costly.tick.spread_ticks == 3
    assert (every, few) == (12, 3)  # four days until a Wednesday, one of them a Sunday


def test_label_writes_spans_and_classes(bars: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "labels.parquet"
    asked = ["label", "-i", str(bars(6)), "-s", "WDOFUT", "-o", str(out), "--horizon-s", "600"]
    result = runner.invoke(cli.app, [*asked, "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    table = pq.read_table(out).to_pydict()
    assert len(table["y"]) == facts["rows"] > 0
    assert set(table["y"]) == {-1, 1}
    assert all(a < b for a, b in zip(table["t0"], table["t1"], strict=True))
    assert facts["n_eff"] <= facts["rows"]
    # A disk that fills up while labels are replaced leaves those that were there.
    before = out.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        failed = runner.invoke(cli.app, [*asked, "--overwrite"])
    assert failed.exit_code == 1
    assert "cannot be written (No space left on device)" in failed.stderr
    assert out.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if "labels" in p.name] == [out.name]
    assert not facts["sufficient"]
    assert facts["synthetic"] is False  # a CSV says nothing of where its numbers come from
    again = runner.invoke(cli.app, asked)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    folder = ["label", "-i", "missing.csv", "-s", "WDOFUT", "--overwrite", "-o"]
    assert "is a folder" in runner.invoke(cli.app, [*folder, str(tmp_path)]).stderr
    assert "is a file, not a folder" in runner.invoke(cli.app, [*folder, str(out / "x.parquet")]).stderr
    move = runner.invoke(
        cli.app, [*asked, "--overwrite", "--label", "price_move_1min", "--clock", "bar", "--json"]
    )
    assert move.exit_code == 0, move.output
    assert json.loads(move.stdout)["label"] == "price_move_1min"


def test_labels_are_not_made_for_a_study_that_cannot_be_written(
    bars: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STUDIES_VARIABLE, str(tmp_path / "studies"))
    study = Study.of("WDO", "triple_barrier", synthetic=False)
    study.add(Trial("s", {}, ("1970-01-01",), (0.0,)), "a", "x")  # every session of the recording came later
    (study.folder / "vault.jsonl").mkdir()

    def made(*_: object) -> None:
        raise DataError("labels are made")

    monkeypatch.setattr(labelling, "label_recording", made)
    file, out = str(bars(3)), str(tmp_path / "l.parquet")
    for kind, words in (
        ("touch", "vault.jsonl: cannot be written"),
        ("volatility", "vault.jsonl: cannot be written"),
        ("direction_1", "labels are made"),  # of another study
    ):
        asked = ["label", "--kind", kind, "-i", file, "-s", "WDOFUT", "-o", out, "--json"]
        assert words in json.loads(runner.invoke(cli.app, asked).stdout)["error"]["message"]


def test_every_kind_of_label_is_written(bars: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def label(kind: str, *more: str) -> tuple[dict[str, Any], dict[str, list[Any]]]:
        asked = ["label", "--kind", kind, "-i", str(bars(6)), "-s", "WDOFUT", "-o", str(out), "--overwrite"]
        result = runner.invoke(cli.app, [*asked, *more, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout), pq.read_table(out).to_pydict()

    out = tmp_path / "labels.parquet"
    facts, table = label("volatility", "--horizon-s", "600")
    assert list(table) == ["t0", "t1", "session", "y", "weight", "sigma_ticks"]
    assert facts["n_eff"] == pytest.approx(sum(table["weight"]))
    sides = tmp_path / "sides.parquet"
    pq.write_table(pa.table({"t0": table["t0"], "side": [1, -1] * (len(table["t0"]) // 2)}), sides)
    latencies = tmp_path / "latencies.txt"
    latencies.write_text("1000000\n90000000000\n")
    barriers = ["side", "gross_ticks", "entry_px", "exit_px", "barrier_ticks", "ended", "net_ticks"]
    barrier = ("--horizon-s", "600")
    facts, table = label("meta", "--sides", str(sides), "--latency-from", str(latencies), *barrier)
    assert list(table)[5:] == barriers
    assert set(table["y"]) == {0, 1}
    assert facts["measured_from"]["latency_max_ns"] == 90 * 10**9
    assert facts["fees_known"] is False
    meta = ["label", "--kind", "meta", *barrier, "--sides", str(sides), "--overwrite", "-s", "WDOFUT"]
    for fees, said in ((["--fee", "0"], False), ([], True)):
        shown = runner.invoke(cli.app, [*meta, "-i", str(bars(6)), "-o", str(out), *fees])
        assert ("fees unknown" in shown.stdout) is said, shown.output
    facts, table = label(
        "meta", "--strategy", "bar_trend_baseline", "-p", "cooldown_s=0", "-p", "hold_s=300", *barrier
    )
    assert facts["measured_from"]["sides"] == "bar_trend_baseline(cooldown_s=0, hold_s=300)"
    monkeypatch.setattr(label_command, "open_recording", lambda *_: synthetic_book(1, minutes=3))
    facts, table = label("fill", "--side", "sell")
    orders = ["side", "limit_px", "fill_ts", "fill_px", "maker"]
    assert list(table)[5:] == orders
    assert set(table["side"]) == {-1}
    facts, table = label("markout", "--after-s", "0.5", "--after-s", "2", "--wait-s", "3")
    assert list(table)[5:] == [*orders, "move_0.5s_ticks", "move_2s_ticks"]
    assert table["y"] == table["move_0.5s_ticks"]
    assert facts["synthetic"]
    shown = runner.invoke(
        cli.app, ["label", "--kind", "markout", "-i", "x", "-s", "X", "-o", str(tmp_path / "m")]
    )
    assert "SYNTHETIC" in shown.stdout
    assert "p95" in shown.stdout


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--kind", "luck"], 2, "'luck' is not known"),
        (["--kind", "fill", "--barrier-atr", "3"], 2, "--barrier-atr: --kind fill does not read it"),
        (["--kind", "fill", "--after-s", "3"], 2, "--after-s: --kind fill does not read it"),
        (["--wait-s", "3"], 2, "--wait-s: --kind side does not read it"),
        (["--kind", "volatility", "--latency-ms", "3"], 2, "--kind volatility does not read it"),
        (["--kind", "fill", "--wait-s", "0"], 2, "0.0 is not above 0"),
        (["--kind", "fill", "--side", "bid"], 2, "'bid' is not known"),
        (["--kind", "markout", "--after-s", "-1"], 2, "-1.0 is not above 0"),
        (["--kind", "markout", "--after-s", "2", "--after-s", "1"], 1, "after_s is [2.0, 1.0]"),
        (["--kind", "meta"], 2, "one of --strategy and --sides"),
        (["--kind", "meta", "--strategy", "model", "--sides", "x"], 2, "one of --strategy and --sides"),
        (["--kind", "meta", "--sides", "x", "-p", "a=1"], 2, "is for --strategy"),
        (["--kind", "meta", "--strategy", "bar_trend_baseline", "-p", "luck=1"], 1, "luck"),
        (["--latency-ms", "5", "--latency-from", "x"], 2, "one of --latency-ms and --latency-from"),
        (["--latency-from", "x"], 1, "x: cannot be read"),
    ],
)
def test_labels_that_are_asked_wrongly_are_refused_before_anything_is_read(
    more: list[str], code: int, said: str, tmp_path: Path
) -> None:
    asked = ["label", "-i", "missing.csv", "-s", "WDOFUT", "-o", str(tmp_path / "l.parquet"), *more, "--json"]
    result = runner.invoke(cli.app, asked)
    message = json.loads(result.stdout)["error"]["message"]
    assert said in message
    assert result.exit_code == code
    assert "missing.csv" not in message


def test_fills_of_bars_and_other_latencies_of_trainings_are_refused(bars: Write, tmp_path: Path) -> None:
    asked = ["label", "--kind", "fill", "-i", str(bars(3)), "-s", "WDOFUT", "-o", str(tmp_path / "l.parquet")]
    refused = runner.invoke(cli.app, asked)
    assert refused.exit_code == 3
    assert "has no book, only bar" in " ".join(refused.stderr.split())
    odd = tmp_path / "odd.txt"
    odd.write_text("-5")
    for command in ("tick", "book"):
        asked = ["train", command, "-i", "missing.csv", "-s", "WDOFUT", "-o", str(tmp_path / "o")]
        for more, said in (
            (["--latency-from", str(odd)], "'-5' is no latency"),
            (["--latency-from", str(odd), "--latency-ms", "3"], "one of --latency-ms and --latency-from"),
            (["--half-life", "0"], "0.0 is not above 0"),
        ):
            result = runner.invoke(cli.app, [*asked, *more, "--json"])
            assert said in json.loads(result.stdout)["error"]["message"]


def test_the_vault_is_told_in_ticks_of_the_exchange() -> None:
    found = {
        "sufficient": True,
        "skill": 0.01,
        "trades": 12,
        "net_ticks": {"mean": 50.0, "low": -25.0, "high": 100.0},
    }
    assert _vault(found, 50) == "vault: skill 1.00 %, net 1.00 (-0.50 to 2.00) ticks in 12 trades"
    assert _vault({**found, "net_ticks": None}, 1) == "vault: skill 1.00 %, 12 trades, too few for a mean"
    assert _vault({**found, "net_ticks": None, "trades": 0}, 1) == "vault: skill 1.00 %, no trades"
    assert _vault({**found, "seen": 2, "locked": 30}, 50).startswith(
        "vault: 2 of 30 sessions were seen before and are left out; skill 1.00 %, net 1.00"
    )
    thin = {**found, "sufficient": False, "reasons": ["3 sessions, at least 20 are needed"]}
    assert _vault(thin, 1) == "vault: insufficient: 3 sessions, at least 20 are needed"


def test_means_of_too_few_trades_are_withheld_as_on_the_page() -> None:
    found = Interval(0.5, 0.1, 0.9, 0.2, 30, 499.0)
    assert _priced(found) is None
    assert _priced(replace(found, n_eff=500.0)) is not None
    assert _net({"net_ticks": None, "trades": 499.0}, 1) == "insufficient"
    assert _net({"net_ticks": None, "trades": 0.0}, 1) == _net({"net_ticks": None, "trades": None}, 1) == ""


def test_a_judged_model_is_told_in_ticks_of_the_exchange() -> None:
    assert _interval(Interval(50.0, -25.0, 100.0, 30.0, 8, 8.0), 2, 50) == "1.00 (-0.50 to 2.00)"
