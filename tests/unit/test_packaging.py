"""The build backend and what goes into a wheel."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import quantumtrader


@pytest.fixture
def backend(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The in-tree backend, with Rust present and the choice left to it."""
    spec = importlib.util.spec_from_file_location("qt_build", root / "build_backend" / "qt_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delenv("QUANTUMTRADER_NATIVE", raising=False)
    monkeypatch.setattr(module, "build_simulator", list)
    monkeypatch.setattr(module.shutil, "which", lambda tool: f"/bin/{tool}")
    _rustc(module, monkeypatch, "rustc 1.99.0 (0000 2026-01-01)")
    return module


def _rustc(backend: ModuleType, monkeypatch: pytest.MonkeyPatch, shown: str) -> None:
    monkeypatch.setattr(backend.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=shown))


def _fake(monkeypatch: pytest.MonkeyPatch, name: str, build: object) -> None:
    module = ModuleType(name)
    for hook in ("build_wheel", "build_editable", "build_sdist"):
        setattr(module, hook, build)
    if "." in name:
        parent = ModuleType(name.partition(".")[0])
        setattr(parent, name.rpartition(".")[2], module)
        monkeypatch.setitem(sys.modules, parent.__name__, parent)
    monkeypatch.setitem(sys.modules, name, module)


def _leave(*_: object) -> str:
    raise SystemExit(1)


def test_rust_present_asks_for_both_backends(backend: ModuleType) -> None:
    assert backend.why_not_native() is None
    assert backend.get_requires_for_build_wheel() == backend.HATCHLING + backend.MATURIN
    assert backend.get_requires_for_build_sdist() == backend.MATURIN


def test_no_cargo_asks_for_hatchling_only(backend: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend.shutil, "which", lambda tool: None)
    assert "cargo is not on the path" in backend.why_not_native()
    assert backend.get_requires_for_build_editable() == backend.HATCHLING


def test_old_rust_is_named(backend: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    _rustc(backend, monkeypatch, "rustc 1.63.0 (4b91a6ea7 2022-08-08)")
    assert "rustc 1.63 is older than 1." in backend.why_not_native()


def test_rustup_without_a_toolchain_counts_as_absent(
    backend: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "cargo", stderr="error: no default toolchain\nhelp: …")

    monkeypatch.setattr(backend.subprocess, "run", fail)
    assert backend.why_not_native() == "`cargo --version` fails: error: no default toolchain"


def test_auto_builds_native_where_it_can(backend: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(monkeypatch, "maturin", lambda *_: "native.whl")
    assert backend.build_wheel("d") == "native.whl"
    assert backend.build_editable("d") == "native.whl"


def test_auto_falls_back_when_the_rust_build_fails(
    backend: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fake(monkeypatch, "maturin", _leave)
    _fake(monkeypatch, "hatchling.build", lambda *_: "pure.whl")
    assert backend.build_wheel("d") == "pure.whl"
    assert "Python engine only: the Rust build failed" in capsys.readouterr().err


def test_auto_does_without_a_simulator_that_fails(
    backend: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise subprocess.CalledProcessError(101, "cargo")

    monkeypatch.setattr(backend, "build_simulator", fail)
    _fake(monkeypatch, "maturin", lambda *_: "native.whl")
    assert backend.build_wheel("d") == "native.whl"
    assert "without the simulated ProfitDLL" in capsys.readouterr().err
    monkeypatch.setenv("QUANTUMTRADER_NATIVE", "1")
    with pytest.raises(subprocess.CalledProcessError):
        backend.build_wheel("d")


def test_1_means_native_or_failure(backend: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTUMTRADER_NATIVE", "1")
    _fake(monkeypatch, "maturin", _leave)
    _fake(monkeypatch, "hatchling.build", lambda *_: "pure.whl")
    assert backend.get_requires_for_build_wheel() == backend.MATURIN
    with pytest.raises(SystemExit):
        backend.build_wheel("d")


def test_0_never_touches_rust(backend: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTUMTRADER_NATIVE", "0")
    _fake(monkeypatch, "maturin", _leave)
    _fake(monkeypatch, "hatchling.build", lambda *_: "pure.whl")
    assert backend.get_requires_for_build_wheel() == backend.HATCHLING
    assert backend.build_wheel("d") == "pure.whl"


def test_another_value_is_refused(backend: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTUMTRADER_NATIVE", "yes")
    with pytest.raises(SystemExit, match="QUANTUMTRADER_NATIVE is 'yes', expected auto, 1 or 0"):
        backend.mode()


def test_one_version_everywhere(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    crates = tomllib.loads((root / "Cargo.toml").read_text("utf-8"))["workspace"]["package"]["version"]
    assert project == crates == quantumtrader.__version__


@pytest.mark.integration
def test_pure_wheel_holds_the_package_and_nothing_else(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling comes with the dev extra")
    code = "import sys; sys.path.insert(0, 'build_backend'); import qt_build; print(qt_build.build_wheel(sys.argv[1]))"
    environment = {**os.environ, "QUANTUMTRADER_NATIVE": "0"}
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    name = run.stdout.split()[-1]
    assert name == f"quantumtrader-{quantumtrader.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(tmp_path / name) as wheel:
        inside = set(wheel.namelist())
        metadata = wheel.read(next(n for n in inside if n.endswith("METADATA"))).decode()
    package = root / "python" / "quantumtrader"
    built = {".so", ".pyd", ".dll", ".dylib", ".pyc"}
    expected = {
        path.relative_to(root / "python").as_posix()
        for path in package.rglob("*")
        if path.is_file() and path.suffix not in built
    }
    assert expected <= inside
    files = {n for n in inside if n.startswith("quantumtrader/")}
    assert not [n for n in files if n.endswith((".so", ".pyd", ".dll", ".pyc", ".parquet", ".csv"))]
    tops = {n.partition("/")[0] for n in inside}
    assert tops == {"quantumtrader", f"quantumtrader-{quantumtrader.__version__}.dist-info"}
    assert "License-Expression: MIT OR Apache-2.0" in metadata


def test_generated_json_is_readable_from_the_package(root: Path) -> None:
    files = list((root / "python/quantumtrader/_generated").glob("*.json"))
    assert files
    for path in files:
        json.loads(path.read_text("utf-8"))


def test_the_windows_twin_has_every_target(root: Path) -> None:
    makefile = (root / "Makefile").read_text("utf-8")
    documented = set(re.findall(r"^([a-z-]+):.*?## ", makefile, re.MULTILINE))
    script = (root / "make.ps1").read_text("utf-8")
    twins = set(re.findall(r"^    '([a-z-]+)' \{", script, re.MULTILINE))
    # loom is for whoever changes the ring, and valgrind does not run on Windows; CI runs both on Linux.
    assert documented - {"loom", "instructions"} == twins
    listed = set(
        re.findall(r"[a-z-]+", " ".join(re.findall(r"Write-Host '(?:Targets: | {9})(.*?)'", script)))
    )
    assert twins - {"help"} <= listed


@pytest.mark.skipif(os.name == "nt", reason="Windows has no executable bit")
def test_ci_is_executable_and_runs_the_same_as_a_developer(root: Path) -> None:
    path = root / ".ci" / "run"
    assert os.access(path, os.X_OK)
    assert path.read_text("utf-8").rstrip().endswith("exec make test </dev/null")
