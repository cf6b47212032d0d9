"""The command line: what it lists, what an error looks like, how quickly the help comes."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from quantumtrader import __version__
from quantumtrader.cli import main as cli
from quantumtrader.cli import output
from quantumtrader.cli.choices import SUMMARIES
from quantumtrader.exceptions import ConfigError, DataFormatError, TradingHaltedError

runner = CliRunner()


def _failing(error: Exception) -> typer.Typer:
    app = typer.Typer(cls=cli.CommandGroup, pretty_exceptions_enable=False)
    app.callback()(cli.options)

    @app.command("fail")
    def fail(as_json: bool = typer.Option(False, "--json")) -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("clock 'x' is not known"), 1),
        (DataFormatError("price is 'abc'", path="t.csv", line=3, remedy="Correct the row"), 3),
        (TradingHaltedError("daily loss of 1000.00 BRL reached"), 4),
        (OSError(28, "No space left on device", "out.parquet"), 1),
    ],
)
def test_error_is_one_line_and_a_code(error: Exception, code: int) -> None:
    result = runner.invoke(_failing(error), ["fail"])
    assert result.exit_code == code
    assert result.stderr.splitlines() == [f"error: {error}"]
    assert result.stdout == ""


def test_error_as_json_names_file_line_and_remedy() -> None:
    error = DataFormatError("price is 'abc'", path="t.csv", line=3, remedy="Correct the row")
    result = runner.invoke(_failing(error), ["fail", "--json"])
    assert result.exit_code == 3
    assert result.stderr == ""
    assert json.loads(result.stdout)["error"] == {
        "type": "DataFormatError",
        "message": "t.csv:3: price is 'abc'. Correct the row",
        "exit_code": 3,
        "path": "t.csv",
        "line": 3,
        "remedy": "Correct the row",
    }


def test_message_over_several_lines_keeps_them() -> None:
    result = runner.invoke(_failing(ConfigError("a\n  b")), ["fail"])
    assert result.stderr == "error: a\n  b\n"


def test_debug_shows_the_traceback() -> None:
    result = runner.invoke(_failing(ConfigError("bad")), ["--debug", "fail"])
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("error: bad\n")


def test_a_bug_is_one_line_that_says_what_to_do() -> None:
    result = runner.invoke(_failing(ZeroDivisionError("a\nb")), ["fail"])
    assert result.exit_code == 1
    assert result.stderr == "internal error: ZeroDivisionError: a b; run with --debug and report it\n"
    result = runner.invoke(_failing(ZeroDivisionError()), ["fail", "--json"])
    assert json.loads(result.stdout)["error"]["type"] == "ZeroDivisionError"
    assert "Traceback" in runner.invoke(_failing(ZeroDivisionError()), ["--debug", "fail"]).stderr


def test_interruption_is_one_word_and_130() -> None:
    result = runner.invoke(_failing(KeyboardInterrupt()), ["fail"])
    assert result.exit_code == 130
    assert result.stderr == "interrupted\n"


def test_a_missing_file_is_an_error_but_no_invalid_data(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.csv")
    result = runner.invoke(cli.app, ["validate", missing, "--symbol", "WDOU25"])
    assert result.exit_code == 1
    assert "no such file" in result.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ["--strategy", "nonsense"],
        ["--clock", "nonsense"],
        ["--clock", "0ms"],
        ["--queue", "nonsense"],
        ["--lang", "xx"],
        ["--format", "nonsense"],
        ["--pace", "0x"],
        ["--latency-ms", "1e300"],
        ["--latency-ms", "nan"],
        ["--tick-size", "-1"],
        ["--fee", "inf"],
        ["-p", "stop_atr=nan"],
        ["--date", "15/08/2025"],
        ["--nonsense"],
    ],
)
def test_wrong_values_are_usage_errors_and_json_when_asked(wrong: list[str], tmp_path: Path) -> None:
    replay = ["replay", "-i", "x.csv", "-s", "WDOU25", "-o", str(tmp_path), *wrong]
    result = runner.invoke(cli.app, replay)
    assert result.exit_code == 2, result.output
    assert wrong[0] in result.stderr or "--param" in result.stderr
    result = runner.invoke(cli.app, [*replay, "--json"])
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["exit_code"] == 2


def test_choices_are_those_of_the_modules_that_use_them() -> None:
    from typing import get_args

    from quantumtrader.cli.choices import CHOICES, PICTURES
    from quantumtrader.data.importers import IMPORTERS
    from quantumtrader.data.lake import Compression
    from quantumtrader.execution.registry import ABOVE
    from quantumtrader.execution.strategy import REGISTERED
    from quantumtrader.features import set_names
    from quantumtrader.features.pictures import SUFFIXES
    from quantumtrader.features.sets import FAMILIES
    from quantumtrader.training.pipelines.book_task import TARGETS
    from quantumtrader.training.pipelines.candidates import SETS
    from quantumtrader.training.pipelines.label_config import LABELS, SIDES

    # Another test of this process may have loaded a strategy of a user's own.
    ours = {name for name, cls in REGISTERED.items() if cls.__module__.startswith("quantumtrader.")}
    assert CHOICES["strategy"] == tuple(sorted(ours | set(ABOVE)))
    assert CHOICES["format"] == tuple(sorted(importer.name for importer in IMPORTERS))
    assert CHOICES["compression"] == get_args(Compression)
    assert CHOICES["family"] == FAMILIES
    assert PICTURES == SUFFIXES
    assert CHOICES["set"] == set_names()
    assert CHOICES["candidates"] == tuple(SETS)
    assert CHOICES["label"] == LABELS
    assert CHOICES["side"] == tuple(SIDES)
    assert CHOICES["target"] == ("direction", *TARGETS)


@pytest.mark.parametrize("encoding", ["cp850", "ascii"])
@pytest.mark.parametrize("command", [["doctor"], ["demo", "--minutes", "5", "--lang", "pt", "--out"]])
def test_any_output_encoding_will_do(encoding: str, command: list[str], tmp_path: Path) -> None:
    arguments = [*command, str(tmp_path)] if command[-1] == "--out" else command
    run = subprocess.run(
        [sys.executable, "-m", "quantumtrader", *arguments],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr.decode(encoding)
    assert b"Error" not in run.stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["version", "--nonsense"]])
def test_usage_errors_leave_with_2(arguments: list[str]) -> None:
    assert runner.invoke(cli.app, arguments).exit_code == 2


def test_help_lists_every_command() -> None:
    text = runner.invoke(cli.app, ["--help"]).stdout
    for name in (*cli.COMMANDS, "features", "fit", "train", "models", "evaluate", "version"):
        assert f" {name} " in text


@pytest.mark.parametrize("name", [*cli.COMMANDS, "version"])
def test_every_command_has_help_and_offers_json(name: str) -> None:
    result = runner.invoke(cli.app, [name, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.stdout
    assert "Examples:" in result.stdout


@pytest.mark.parametrize(
    ("group", "name"),
    [
        *(("features", name) for name in ("list", "show", *cli.FEATURE_COMMANDS)),
        *(("evaluate", name) for name in cli.EVALUATE_COMMANDS),
        *(("models", name) for name in ("observe", *cli.MODEL_COMMANDS)),
    ],
)
def test_every_command_of_a_group_has_help_and_offers_json(group: str, name: str) -> None:
    result = runner.invoke(cli.app, [group, name, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.stdout
    assert "Examples:" in result.stdout
    assert f" {name} " in runner.invoke(cli.app, [group, "--help"]).stdout


@pytest.mark.parametrize("name", cli.FIT_COMMANDS)
def test_every_command_of_fit_has_help_and_offers_json(name: str) -> None:
    result = runner.invoke(cli.app, ["fit", name, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.stdout
    assert "Examples:" in result.stdout
    assert f" {name} " in runner.invoke(cli.app, ["fit", "--help"]).stdout


def test_version_names_the_engine() -> None:
    assert runner.invoke(cli.app, ["--version"]).stdout == f"quantumtrader {__version__}\n"
    shown = json.loads(runner.invoke(cli.app, ["version", "--json"]).stdout)
    assert shown["version"] == __version__
    assert shown["engine"] in ("rust", "python")


def test_features_list() -> None:
    every = json.loads(runner.invoke(cli.app, ["features", "list", "--json"]).stdout)
    assert len({info["name"] for info in every}) == len(every) >= 40
    table = runner.invoke(cli.app, ["features", "list"]).stdout
    assert all(info["name"] in table for info in every)
    result = runner.invoke(cli.app, ["features", "list", "--family", "nonsense"])
    assert result.exit_code == 2
    assert "'nonsense' is not known" in result.stderr


def test_json_has_no_nan_and_takes_plain_python(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"a": float("nan"), "b": Path("x"), 3: (1, True, None), "c": [float("inf"), 0.5]})
    assert json.loads(capsys.readouterr().out) == {
        "a": None,
        "b": "x",
        "3": [1, True, None],
        "c": [None, 0.5],
    }
    with pytest.raises(TypeError, match="cannot write SimpleNamespace as JSON"):
        output.print_json(SimpleNamespace())


def test_table_keeps_markup_out_of_the_title_and_long_cells_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    output.table("[a]", ("name", "n"), [("x" * 100, 1), ("y", None)])
    text = capsys.readouterr().out
    assert "[a]" in text
    assert "x" * 100 in text


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress("reading", 10) as advance:
        advance(5)
    assert capsys.readouterr() == ("", "")


def _loaded_modules(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sorted(sys.modules))"
    environment = {**os.environ, "QUANTUMTRADER_ENGINE": "python"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return {name.partition(".")[0] for name in run.stdout.split()}


@pytest.fixture(autouse=True)
def _source_tree_on_the_path(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(root / "python"))


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = _loaded_modules("import quantumtrader")
    heavy = {"numpy", "pandas", "pyarrow", "typer", "rich", "pydantic", "pydantic_settings", "platformdirs"}
    assert not loaded & (heavy - {"numpy"})
    assert not _loaded_modules("import quantumtrader.types") & (heavy - {"numpy"})


def test_the_command_line_loads_nothing_heavy() -> None:
    loaded = _loaded_modules("import quantumtrader.cli.main")
    assert not loaded & {"numpy", "pandas", "pyarrow", "pydantic"}


def _seconds(*arguments: str) -> float:
    """CPU seconds of one run (wall seconds where children's CPU time cannot be asked for)."""
    if os.name != "posix":
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        return time.perf_counter() - start
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_line_of_a_command_is_the_beginning_of_its_help(name: str) -> None:
    module = importlib.import_module(f"quantumtrader.cli.{cli.COMMANDS[name]}")
    first = (inspect.getdoc(module.command) or "").partition("\n\n")[0]
    assert " ".join(first.split()) == SUMMARIES[name]


def test_help_costs_little_more_than_the_library_that_prints_it() -> None:
    """The figure to hold is 0.3 s (README); the bound is relative, for a machine of any speed.

    typer printing one line of help with rich takes nearly all of it (ratio about 1.0), so half as much again
    means that a heavy module has crept into the start: numpy alone would do. The runs alternate and the
    quickest of each counts, so that a busy moment does not decide.
    """
    bare = "import typer\napp = typer.Typer()\n@app.command()\ndef f(): 'x'\napp(['--help'])"
    runs = [(_seconds("-m", "quantumtrader", "--help"), _seconds("-c", bare)) for _ in range(6)]
    ours, floor = (min(column) for column in zip(*runs, strict=True))
    assert ours < 1.5 * floor


@pytest.mark.parametrize("rest", [["password", "MYSECRET"], ["password", "--MYSECRET"], ["MYSECRET"]])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_secret_on_the_command_line_is_not_repeated(rest: list[str], as_json: bool) -> None:
    result = runner.invoke(cli.app, ["credentials", "set", *rest, *(["--json"] if as_json else [])])
    assert result.exit_code == 2
    assert "MYSECRET" not in result.output + result.stderr


def test_validate_of_nothing_says_that_there_is_nothing(tmp_path: Path) -> None:
    missing = runner.invoke(cli.app, ["validate", str(tmp_path / "nope")])
    assert (missing.exit_code, "no such file" in missing.stderr) == (1, True)
    empty = runner.invoke(cli.app, ["validate", str(tmp_path)])
    assert (empty.exit_code, "is a folder without a data file" in empty.stderr) == (3, True)


@pytest.mark.parametrize("command", [["replay"], ["features", "compute", "--set", "tick_only"]])
def test_a_folder_of_journals_asks_for_one(tmp_path: Path, command: list[str]) -> None:
    golden = Path(__file__).parents[1] / "golden" / "journal.qtj"
    journals = tmp_path / "journals"
    journals.mkdir()
    for part in (1, 2):
        (journals / f"2025-08-15_WDOU25_00{part}.qtj").write_bytes(golden.read_bytes())
    where = ["-i", str(journals), "-s", "WDOU25", "-o", str(tmp_path / "out.parquet")]
    result = runner.invoke(cli.app, [*command, *where])
    assert result.exit_code == 3
    assert "Give one journal file" in result.stderr
