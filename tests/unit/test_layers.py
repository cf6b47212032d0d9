"""Borders between the rooms: lower never imports higher, in Python and in Rust."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CRATES = {
    "qt-core": set(),
    "qt-flow": {"qt-core"},
    "qt-features": {"qt-core", "qt-flow"},
    "qt-venue": {"qt-core"},
    "qt-profitdll": {"qt-core"},
    "qt-profitdll-sim": {"qt-core", "qt-venue", "qt-profitdll"},
    "qt-models": set(),
    "qt-python": {"qt-core", "qt-flow", "qt-features", "qt-venue", "qt-profitdll", "qt-models"},
}
"""Crate to the crates of the workspace that it may use."""


def _dependencies(manifest: Path, *, dev: bool = False) -> set[str]:
    tables = tomllib.loads(manifest.read_text("utf-8"))
    names = set(tables.get("dependencies", {}))
    for target in tables.get("target", {}).values():
        names |= set(target.get("dependencies", {}))
    return names | (set(tables.get("dev-dependencies", {})) if dev else set())


def test_every_crate_is_in_the_table(root: Path) -> None:
    assert {path.parent.name for path in root.glob("crates/*/Cargo.toml")} == set(CRATES)


@pytest.mark.parametrize("crate", CRATES)
def test_crates_use_only_lower_crates(root: Path, crate: str) -> None:
    used = {name for name in _dependencies(root / "crates" / crate / "Cargo.toml") if name.startswith("qt-")}
    assert used <= CRATES[crate]


@pytest.mark.parametrize("crate", sorted(set(CRATES) - {"qt-python"}))
def test_only_the_binding_knows_python(root: Path, crate: str) -> None:
    assert not _dependencies(root / "crates" / crate / "Cargo.toml", dev=True) & {"pyo3", "numpy"}


@pytest.mark.parametrize("crate", sorted(set(CRATES) - {"qt-python"}))
def test_crates_stand_nearly_alone(root: Path, crate: str) -> None:
    foreign = {
        name for name in _dependencies(root / "crates" / crate / "Cargo.toml") if not name.startswith("qt-")
    }
    # crc32fast: the journal's checksum, which readers in other languages have as zlib's crc32.
    allowed = {"thiserror", "memmap2", "loom", "libm", "crc32fast"}
    if crate == "qt-profitdll-sim":
        # Users write scenarios in TOML; nothing that trades links this crate.
        allowed |= {"serde", "serde_json", "toml"}
    assert foreign <= allowed


def test_layer_contracts_hold(root: Path) -> None:
    pytest.importorskip("importlinter", reason="import-linter comes with the dev extra")
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-logo"],
        cwd=root,
        env={"PYTHONPATH": str(root / "python"), "PATH": "", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_only_the_command_line_prints(root: Path) -> None:
    package = root / "python" / "quantumtrader"
    guilty = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in package.rglob("*.py")
        if not path.is_relative_to(package / "cli")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not guilty


def test_commands_import_only_light_modules_at_the_top(root: Path) -> None:
    """``--help`` loads every command's file, so a heavy import at its top would slow every start."""
    from quantumtrader.cli.main import COMMANDS, EVALUATE_COMMANDS, FEATURE_COMMANDS

    light = ("typer", "quantumtrader.exceptions", "quantumtrader.cli")
    modules = (COMMANDS, FEATURE_COMMANDS, EVALUATE_COMMANDS)
    for module in (*(m for table in modules for m in table.values()), "features", "fit", "models_observe"):
        tree = ast.parse((root / "python/quantumtrader/cli" / f"{module}.py").read_text("utf-8"))
        names = set()
        for node in tree.body:
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
        heavy = {
            n for n in names if not n.startswith(light) and n.partition(".")[0] not in sys.stdlib_module_names
        }
        assert not heavy, module
