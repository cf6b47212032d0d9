"""``quantumtrader doctor``: it finds what is wrong, says what to do, and its exit code tells."""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from quantumtrader import _backend
from quantumtrader.cli import checks, checks_profit
from quantumtrader.cli.main import app
from quantumtrader.exceptions import EngineError, SessionError
from quantumtrader.profitdll.library import load_library
from quantumtrader.profitdll.simulator import configure, library_path

runner = CliRunner()


@pytest.fixture(autouse=True)
def _empty_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings and data of the developer's own must not reach these tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *_, **__: str(tmp_path / "config"))


def test_everything_essential_works_here() -> None:
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 0, result.stdout
    assert f"engine: {_backend.engine().name}" in result.stdout
    assert "everything essential works" in result.stdout


def test_json_names_the_engine_and_why() -> None:
    result = runner.invoke(app, ["doctor", "--json"])
    page = json.loads(result.stdout)
    assert page["ok"] is True
    assert page["engine"] == _backend.engine().name
    sections = {check["section"] for check in page["checks"]}
    assert {"engine", "versions", "folders", "clock", "build tools", "machine"} <= sections
    engine = next(check for check in page["checks"] if check["section"] == "engine")
    assert engine["data"]["reason"] == _backend.engine().reason
    names = {check["name"] for check in page["checks"]}
    assert {"numpy", "pyarrow", "python", "cargo", "lake", "journal", "time zones"} <= names


def test_an_engine_that_does_not_load_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise EngineError("QUANTUMTRADER_ENGINE=rust, but it is not installed")

    monkeypatch.setattr(_backend, "engine", fail)
    result = runner.invoke(app, ["doctor", "--json"])
    assert result.exit_code == 1
    page = json.loads(result.stdout)
    assert page["ok"] is False
    assert page["engine"] is None
    assert runner.invoke(app, ["doctor"]).exit_code == 1


def test_the_python_engine_says_how_to_get_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    info = _backend.EngineInfo("python", "no compiled module", "0.1.0", "x")
    monkeypatch.setattr(_backend, "engine", lambda: info)
    [check] = checks.check_engine()
    assert (check.name, check.status, check.detail) == ("engine: python", "ok", "no compiled module")
    assert "rustup" in check.remedy


def test_missing_base_package_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_requirements", lambda extra: ["numpy", "no-such-package"])
    by_name = {check.name: check for check in checks.check_versions()}
    assert by_name["numpy"].status == "ok"
    assert by_name["no-such-package"].status == "broken"
    assert by_name["no-such-package"].remedy == "pip install no-such-package"


def test_extras_give_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    requires = ["numpy>=2.1", 'hypothesis>=6; extra == "test"', 'no-such-package>=1; extra == "test"']
    page = metadata.PackageMetadata
    monkeypatch.setattr(metadata, "requires", lambda _: requires)
    monkeypatch.setattr(
        metadata, "metadata", lambda _: type("M", (page,), {"get_all": lambda self, key: ["test"]})()
    )
    [check] = checks.check_extras()
    assert check.status == "missing"
    assert check.data == {"packages": ["hypothesis", "no-such-package"], "missing": ["no-such-package"]}
    assert check.remedy == "pip install 'quantumtrader[test]'"


def test_folders_that_do_not_exist_yet_are_fine(tmp_path: Path) -> None:
    lake, journal = checks.check_folders()
    assert lake.status == journal.status == "ok"
    assert lake.data["path"] == str(tmp_path / "data" / "lake")
    assert lake.data["exists"] is False
    assert lake.data["free_bytes"] > 0


def test_a_file_where_the_lake_should_be_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lake").touch()
    monkeypatch.setenv("QT_DATA__LAKE", str(tmp_path / "lake"))
    lake, _ = checks.check_folders()
    assert lake.status == "broken"
    assert "is not a folder" in lake.detail
    assert "QT_DATA__LAKE" in lake.remedy


@pytest.mark.skipif(sys.platform == "win32", reason="folder permissions are not POSIX modes on Windows")
def test_a_folder_without_write_permission_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    lake, _ = checks.check_folders()
    assert lake.status == "broken"
    assert "is not writable" in lake.detail


def test_a_wrong_setting_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_DATA__NONSENSE", "1")
    [check] = checks.check_folders()
    assert check.status == "broken"
    assert "nonsense" in check.detail.lower()


def test_clock_measures_something() -> None:
    monotonic, wall, zone = checks.check_clock()
    assert monotonic.data["perf_counter_step_ns"] > 0
    assert wall.name == "wall"
    assert zone.status == "ok"


def test_rust_tools_that_are_absent_are_not_essential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert [check.status for check in checks.check_tools()] == ["missing", "missing"]


def test_profit_without_a_library_says_that_the_simulator_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QT_PROFIT__DLL_PATH", raising=False)
    by_name = {check.name: check for check in checks_profit.check_profit()}
    assert by_name["library"].status == "missing"
    assert "simulator" in by_name["library"].detail
    assert by_name["credentials"].status in ("missing", "ok")


def test_profit_library_that_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "ProfitDLL64.dll"
    file.write_bytes(b"not a library")
    monkeypatch.setenv("QT_PROFIT__DLL_PATH", str(file))
    library = checks_profit.check_profit()[0]
    assert library.status == "broken"
    assert "not a library" in library.detail


def test_profit_library_is_looked_at_and_logged_in_to(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        file = library_path()
    except SessionError as error:
        pytest.skip(str(error))
    # Another test of this process may have played something else: an older version, a refused login.
    configure(load_library(file), "")
    monkeypatch.setenv("QT_PROFIT__DLL_PATH", str(file))
    monkeypatch.setenv("QT_PROFIT__VERSION", "4.0.0.41")
    for name in ("USERNAME", "ACTIVATION_KEY", "PASSWORD", "SIGNATURE"):
        monkeypatch.setenv(f"QT_PROFIT__{name}", f"secret-{name}")
    by_name = {check.name: check for check in checks_profit.check_profit()}
    assert by_name["library"].status == "ok"
    assert "layouts agree" in by_name["library"].detail
    assert by_name["credentials"].status == "ok"
    (login,) = checks_profit.check_login(5)
    assert login.status == "ok"
    assert "market CONNECTED (4)" in login.detail
    shown = repr((*by_name.values(), login))
    assert "secret-" not in shown


def test_login_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        "quantumtrader.profitdll.credentials.credentials_file", lambda: tmp_path / "none.toml"
    )
    monkeypatch.setenv("QT_PROFIT__DLL_PATH", str(tmp_path / "ProfitDLL64.dll"))
    (login,) = checks_profit.check_login()
    assert login.status == "broken"
    assert "ProfitDLL needs username" in login.detail
