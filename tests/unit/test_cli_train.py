"""The commands ``train`` and ``label``: exit codes, JSON, what is left in the folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from quantumtrader.cli import main as cli
from quantumtrader.cli.evaluate_model import _interval
from quantumtrader.cli.train import _net, _vault
from quantumtrader.data.lake import Lake
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.pipelines.result import _priced
from quantumtrader.training.pipelines.synthetic import synthetic_bars
from quantumtrader.training.study import Study
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
    other = runner.invoke(cli.app, tick(bars(14), out, "--seed", "8"))
    assert other.exit_code == 1
    assert "config.seed was 7, now 8" in other.stderr
    update = ["train", "tick", "-i", str(bars(14)), "-s", "WDOFUT", "-o", str(tmp_path / "again")]
    update += ["--update", "wdofut_tick", "--models", str(out / "models")]
    again = runner.invoke(cli.app, update)
    assert again.exit_code == 0
    assert "not yet, 0 sessions" in again.stdout
    opened = runner.invoke(cli.app, tick(bars(14), out, "--open-vault", "--why", "release 1"))
    assert opened.exit_code == 0
    assert "vault: insufficient: 3 sessions" in opened.stdout
    asked = runner.invoke(cli.app, [*update, "--seed", "7", "--open-vault", "--why", "x", "--json"])
    assert asked.exit_code == 2  # what would be ignored is refused
    assert (
        "--seed, --open-vault: cannot be given with --update" in json.loads(asked.stdout)["error"]["message"]
    )
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
