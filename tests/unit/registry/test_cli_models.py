"""``quantumtrader models``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from quantumtrader.cli import main as cli
from quantumtrader.exceptions import DataAccessError
from quantumtrader.models.registry import ModelRegistry

runner = CliRunner()


def run(root: Path, *arguments: str, code: int = 0) -> Any:
    result = runner.invoke(cli.app, ["models", *arguments, "--models", str(root), "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_list_names_what_is_wrong(root: Path, save: Callable[..., Path]) -> None:
    (save(version="1.1.0") / "model.txt").write_bytes(b"tree")
    good, bad = run(root, "list")
    assert (good["version"], good["state"], good["problem"], good["features"]) == (
        "1.0.0",
        "candidate",
        None,
        8,
    )
    assert (bad["version"], bad["state"]) == ("1.1.0", None)
    assert "hash of model.txt" in bad["problem"]
    file = root.parent / "a-file"
    file.touch()
    wrong = runner.invoke(cli.app, ["models", "list", "--models", str(file), "--json"])
    assert wrong.exit_code == 2
    assert "is a file" in json.loads(wrong.stdout)["error"]["message"]
    with pytest.raises(DataAccessError, match=r"a-file: is a file\. Give the folder of all models"):
        ModelRegistry(file)
    shown = runner.invoke(cli.app, ["models", "list", "--models", str(root)])
    assert "wdo_dir" in shown.stdout
    assert "wdo_dir 1.1.0 cannot be used" in shown.stderr
    assert run(root / "nothing", "list") == []


def test_show_says_what_keeps_it_down(root: Path, save: Callable[..., Path], trained: Any) -> None:
    save(version="1.1.0", evidence=replace(trained.draft.evidence, dsr=0.4))
    document = run(root, "show", "wdo_dir")
    assert document["manifest"]["version"] == "1.1.0"
    assert [c["name"] for c in document["gate"] if not c["met"]] == ["dsr"]
    shown = runner.invoke(cli.app, ["models", "show", "wdo_dir", "1.0.0", "--models", str(root)])
    assert shown.exit_code == 0
    assert "for shadow" in shown.stdout


def test_verify_leaves_with_3_where_it_is_not_sound(root: Path) -> None:
    assert run(root, "verify", "wdo_dir", "1.0.0")["verified"]
    (root / "wdo_dir" / "1.0.0" / "golden.npz").write_bytes(b"x")
    error = run(root, "verify", "wdo_dir", "1.0.0", code=3)["error"]
    assert "hash of golden.npz" in error["message"]
    assert "no model" in run(root, "verify", "wdo_dir", "3.0.0", code=3)["error"]["message"]


def test_promote_and_rollback(root: Path, save: Callable[..., Path], trained: Any) -> None:
    moved = run(root, "promote", "wdo_dir", "--why", "statistics", "--who", "ana")
    assert [(m["version"], m["from"], m["to"]) for m in moved["moves"]] == [("1.0.0", "candidate", "shadow")]
    error = run(root, "promote", "wdo_dir", "1.0.0", "--why", "hope", code=1)["error"]
    assert "shadow_sessions: 0 of 0 inside" in error["message"]
    assert (
        "no version to go back to"
        in run(root, "rollback", "wdo_dir", "--why", "x", code=1)["error"]["message"]
    )
    assert run(root, "retire", "wdo_dir", "1.0.0", "--why", "old")["moves"][0]["to"] == "retired"
    assert "that can rise" in run(root, "promote", "wdo_dir", "--why", "x", code=3)["error"]["message"]


@pytest.mark.parametrize("name", ["../other", "a/b"])
def test_names_stay_in_the_folder(root: Path, name: str) -> None:
    assert "no name of a model" in run(root, "show", name, code=3)["error"]["message"]


def evaluate(root: Path, *arguments: str) -> Any:
    return runner.invoke(cli.app, ["evaluate", "model", *arguments, "--models", str(root)])


def test_the_record_of_a_model(root: Path, trained: Any) -> None:
    pytest.importorskip("scipy", reason="intervals need the extra ml")
    rows = trained.frame.values[np.isfinite(trained.frame.values).all(axis=1)]

    def save(version: str, sessions: int) -> None:
        n = 30 * sessions
        day = 20_000 + np.arange(n) // 30
        t0 = day * 86_400 * 10**9 + np.arange(n) % 30 * 60_000_000_000
        y = np.where(np.arange(n) % 2, 1, -1)
        p = np.where(y > 0, 0.7, 0.3)
        oof = pa.table({"t0": t0, "t1": t0 + 1, "session": day, "y": y, "p_-1": 1 - p, "p_1": p})
        draft = replace(trained.draft, version=version, data={**trained.draft.data, "synthetic": True})
        ModelRegistry(root).save(draft, trained.estimator, rows, trained.events[:8_000], oof=oof)

    save("1.1.0", 20)
    shown = evaluate(root, "wdo_dir")
    assert shown.exit_code == 0, shown.output
    assert "wdo_dir 1.1.0 (synthetic)" in shown.stdout
    assert "0.33647" in shown.stdout  # ln 0.7 − ln 0.5
    document = json.loads(evaluate(root, "wdo_dir", "1.1.0", "--json").stdout)
    assert document["sufficient"] is document["synthetic"] is True
    assert document["edge"]["mean"] == pytest.approx(math.log(1.4), abs=1e-4)
    save("1.2.0", 19)
    few = json.loads(evaluate(root, "wdo_dir", "1.2.0", "--json").stdout)
    assert few["sufficient"] is False
    assert few["edge"] is few["quality"] is None
    assert "insufficient" in evaluate(root, "wdo_dir", "1.2.0").stdout
    without = evaluate(root, "wdo_dir", "1.0.0")
    assert without.exit_code == 3
    assert "saved without out-of-fold predictions" in without.stderr
    assert evaluate(root, "nobody").exit_code == 3
