"""``quantumtrader report``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from quantumtrader.cli import main as cli
from quantumtrader.cli.report import places
from quantumtrader.training.report import render_page
from quantumtrader.training.report.gate import gate_rows
from reference.assessed import assessed

pytest.importorskip("scipy", reason="intervals need the extra ml")

runner = CliRunner()


def test_the_page_of_a_training(tmp_path: Path) -> None:
    a = assessed(0.9)
    a.save(tmp_path / "assessment")
    result = runner.invoke(cli.app, ["report", str(tmp_path)])
    assert result.exit_code == 0, result.output
    page = tmp_path / "report.html"
    assert page.read_text("utf-8") == render_page(a)
    assert "meets every condition" in result.stdout
    assert "Net at 1.5 times the cost" in result.stdout
    shown = json.loads(runner.invoke(cli.app, ["report", str(tmp_path), "--lang", "pt", "--json"]).stdout)
    assert page.read_text("utf-8") == render_page(a, "pt")
    assert shown["report"] == str(page)
    assert shown["verdict"] == a.verdict
    assert shown["synthetic"] is True
    assert shown["money"]["net_ticks"] == list(a.money.net_ticks)  # type: ignore[union-attr]
    assert shown["picture"] == {"scheme": "CombinatorialPurged", "splits": 15}
    assert [c["met"] for c in shown["conditions"]] == [True] * 6


def test_an_assessment_by_itself_and_several(tmp_path: Path) -> None:
    for name in ("tick", "book"):
        assessed(0.0).save(tmp_path / "assessment" / name)
    one = runner.invoke(cli.app, ["report", str(tmp_path / "assessment" / "tick"), "--json"])
    assert json.loads(one.stdout)["report"] == str(tmp_path / "assessment" / "tick" / "report.html")
    every = json.loads(runner.invoke(cli.app, ["report", str(tmp_path), "--json"]).stdout)
    assert [Path(e["report"]).parent.name for e in every] == ["book", "tick"]


def test_the_gate_is_told_in_the_language_of_the_page(tmp_path: Path) -> None:
    a = assessed(0.0)
    a.save(tmp_path / "assessment")
    shown = " ".join(runner.invoke(cli.app, ["report", str(tmp_path), "--lang", "pt"]).stdout.split())
    for words in (
        "Portão de promoção",
        "Cumprida",
        "Índice de Sharpe",
        "ao menos 0,95",
        "caminhos",
    ):
        assert words in shown
    for name in (c.name for c in a.conditions if c.name not in ("placebos", "parity")):
        assert name not in shown
    assert "wanted" not in shown
    assert "at least" not in shown
    blank = replace(a, selection=None, parity=None, placebos=())
    unknown = [found == "não medido" for _, _, found, _ in gate_rows(blank, "pt")]
    assert unknown == [c.found == "not recorded" for c in blank.conditions]
    assert sum(unknown) >= 4


def test_opening_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import webbrowser

    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda uri: opened.append(uri))
    assessed(0.0).save(tmp_path / "assessment")
    assert runner.invoke(cli.app, ["report", str(tmp_path), "--open"]).exit_code == 0
    assert opened == [(tmp_path / "report.html").as_uri()]


def test_what_cannot_be_shown(tmp_path: Path) -> None:
    missing = runner.invoke(cli.app, ["report", str(tmp_path)])
    assert missing.exit_code == 1
    assert "Is it the folder of a training?" in missing.stderr
    assessed(0.0).save(tmp_path / "assessment")
    file = tmp_path / "assessment" / "assessment.json"
    file.write_bytes(file.read_bytes().replace(b'"ridge"', b'"edgir"'))
    changed = runner.invoke(cli.app, ["report", str(tmp_path), "--json"])
    assert changed.exit_code == 3
    assert "changed after it was written" in json.loads(changed.stdout)["error"]["message"]
    assert runner.invoke(cli.app, ["report", str(tmp_path), "--lang", "fr"]).exit_code == 2


def test_both_halves_of_a_dual_training_are_found(tmp_path: Path) -> None:
    for part in ("tick", "book/direction_1"):
        (tmp_path / part / "assessment").mkdir(parents=True)
        (tmp_path / part / "assessment" / "assessment.json").touch()
    pages = [page.relative_to(tmp_path).as_posix() for _, page in places(tmp_path)]
    assert pages == ["book/direction_1/report.html", "tick/report.html"]
