"""Bad input through the command line: one error that names file, line and remedy, and nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from quantumtrader.cli.main import app
from quantumtrader.data.lake import Lake

HEADER = "timestamp,open,high,low,close,volume\n"
ROWS = [f"2025-08-14 09:{m:02d},5400,5401,5399.5,5400.5,10\n" for m in range(30)]
GOOD = HEADER + "".join(ROWS)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]


@pytest.fixture
def commands(tmp_path: Path) -> Callable[[Path], list[tuple[str, Result]]]:
    """Run all three commands on an input; whatever fails must leave nothing behind."""

    def call(source: Path, *more: str, symbol: str = "WDOU25") -> list[tuple[str, Result]]:
        lake, out = tmp_path / "made" / "lake", tmp_path / "made" / "out"
        lines = {
            "import": ("import", source, "--out", lake),
            "validate": ("validate", source),
            "replay": ("replay", "--input", source, "--out", out),
        }
        results = []
        for name, line in lines.items():
            result = run(*line, "--symbol", symbol, *more)
            if result.exit_code and (tmp_path / "made").exists():
                assert files(tmp_path / "made") == [], name
            results.append((name, result))
        return results

    return call


Commands = Callable[..., list[tuple[str, Result]]]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", "", ("empty.csv: the file is empty", "Export or download it again")),
        ("header.csv", HEADER, ("header.csv: no bars", "Check the export")),
        ("columns.csv", "time,o,h,l,c\n2025-08-14 09:00,1,2,3,4\n", ("starts with 'time,o,h,l,c'", "--format", "mt5-ticks")),
        (
            "nearly.csv",
            "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\n2025.08.14\t09:00:00\t1\t2\t3\n",
            ("its header has <DATE>, <TIME>, <BID>, <ASK>, <LAST>", "nearest to mt5-ticks, without <VOLUME>"),
        ),
        ("noise.bin", bytes(range(256)), ("noise.bin: is in no format", "not text")),
        ("cut.csv", GOOD + "2025-08-14 09:30,54", ("cut.csv:32: the last line is cut short", "export or copy it again")),
        (
            "mixed.csv",
            HEADER.replace(",", ";") + "2025-08-14 09:00;5400.5;5401,5;5399,5;5400;10\n" * 2,
            ("mixed.csv:2: column open: '5400.5' does not fit", "--decimal"),
        ),
        (
            "disorder.csv",
            HEADER + ROWS[0] + ROWS[2] + ROWS[1],
            ("disorder.csv:4: time 2025-08-14 12:01:00", "--out-of-order sort"),
        ),
        (
            "words.csv",
            HEADER + "2025-08-14 09:00,a,b,c,d,1\n" * 3,
            ("words.csv:2: none of the 3 rows can be used", "open 'a' is refused because: not a number"),
        ),
        (
            "grid.csv",
            HEADER + ROWS[0] + "".join(ROWS[1:10]).replace("5399.5", "5399.3"),
            ("grid.csv:3: only 1 of the 10 rows can be used", "off the tick grid of 0.5", "--symbol"),
        ),
        (
            "days.csv",
            GOOD.replace("2025-08-14 09:", "202508"),
            ("days.csv:2: column timestamp: 20250800 is no time since 1970", "ISO"),
        ),
        ("cut.parquet", b"PAR1" + bytes(500), ("cut.parquet", "not readable as Parquet; it may be truncated")),
    ],
)  # fmt: skip
def test_files(
    tmp_path: Path, commands: Commands, name: str, content: str | bytes, words: tuple[str, ...]
) -> None:
    for command, result in commands(write(tmp_path / name, content)):
        assert result.exit_code == 3, (command, result.output)
        assert result.stderr.startswith("error: "), command
        assert "Traceback" not in result.output
        for word in words:
            assert word in result.stderr, (command, word, result.stderr)


def test_columns_of_an_unknown_parquet_are_shown(tmp_path: Path, commands: Commands) -> None:
    folder = tmp_path / "of"
    folder.mkdir()
    pq.write_table(pa.table({"code": ["IF"], "bid_price_1": [1.0]}), folder / "ticks.parquet")
    for source in (folder / "ticks.parquet", folder):
        for _, result in commands(source):
            assert result.exit_code == 3
            assert "columns code, bid_price_1" in result.stderr
            assert "named timestamp, open, high, low, close, volume" in result.stderr


def test_bars_in_parquet_need_times_that_are_times(tmp_path: Path, commands: Commands) -> None:
    prices = {name: [5400.0, 5400.0] for name in ("open", "high", "low", "close")}
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.table({"date": [20131006, 20131006], **prices}), path)
    for _, result in commands(path):
        assert result.exit_code == 3
        assert "bars.parquet:1: column date: 20131006 is no time since 1970" in result.stderr
    pq.write_table(pa.table({"date": ["2025-08-14", "2025-08-15"], **prices}), path)
    for _, result in commands(path):
        assert (result.exit_code, "column date holds string" in result.stderr) == (3, True)
    when = pa.array(np.array(["2025-08-14T12:00", "2025-08-14T12:01"], "M8[us]"))
    pq.write_table(pa.table({"timestamp": when, **prices}), path)
    assert [r.exit_code for _, r in commands(path)] == [0, 0, 0]


def test_places(tmp_path: Path, commands: Commands) -> None:
    for _, result in commands(tmp_path / "nowhere" / "x.csv"):
        assert (result.exit_code, "no such file or folder. Check the path" in result.stderr) == (1, True)
    (tmp_path / "bars.csv").mkdir()
    for _, result in commands(tmp_path / "bars.csv"):
        assert (result.exit_code, "is a folder without a data file" in result.stderr) == (3, True)
    write(tmp_path / "bars.csv" / "notes.txt", "hello\n")
    for _, result in commands(tmp_path / "bars.csv"):
        assert (result.exit_code, "notes.txt: it starts with 'hello'" in result.stderr) == (3, True)


def test_unreadable(tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "bars.csv", GOOD)
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.R_OK)  # root may read everything
    for _, result in commands(path):
        assert (result.exit_code, "bars.csv: may not be read. Check the permissions" in result.stderr) == (
            1,
            True,
        )


def test_duplicate_rows_are_put_aside_and_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "twice.csv", GOOD + ROWS[-1])
    words = "twice.csv:32: time '2025-08-14 12:29:00.000000000 UTC': a second bar"
    result = run("import", path, "--symbol", "WDOU25", "--out", tmp_path / "lake")
    assert (result.exit_code, words in result.stderr) == (0, True)
    assert "all of them in" in result.stderr
    result = run("validate", path, "--symbol", "WDOU25")
    assert (result.exit_code, words in result.stderr) == (3, True)
    [row] = [line for line in result.stdout.splitlines() if "rejected" in line]
    assert [cell.strip() for cell in row.strip("│").split("│")][:3] == ["error", "rejected", "1"]
    assert "twice.csv:32" in row


def test_output_that_is_a_file(tmp_path: Path) -> None:
    path, taken = write(tmp_path / "bars.csv", GOOD), write(tmp_path / "taken", "mine")
    result = run("import", path, "--symbol", "WDOU25", "--out", taken)
    assert (result.exit_code, "taken: cannot write to the lake: File exists" in result.stderr) == (1, True)
    result = run("replay", "--input", path, "--symbol", "WDOU25", "--out", taken)
    assert result.exit_code == 1
    assert "taken: is a file, not a folder. Choose another --out" in result.stderr
    assert taken.read_text() == "mine"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            ("--symbol", "ESH4"),
            "Any other is defined for one run with --tick-size, --point-value and --currency",
        ),
        (("--symbol", "ESH4", "--tick-size", "0.25"), "ESH4 lacks point_value and currency: add them"),
        (("--symbol", "AAPL", "--tick-size", "0.01", "--point-value", "1"), "or give --currency"),
        (
            (
                "--symbol",
                "X",
                "--tick-size",
                "1",
                "--point-value",
                "1",
                "--currency",
                "USD",
                "--hours",
                "09:00-16:00",
            ),
            "X lacks timezone: add it to [instruments.X], or give --timezone",
        ),
        (("--symbol", "WDOU25", "--hours", "09:00-18:00", "--timezone", "Mars"), "no time zone 'Mars'"),
    ],
)
def test_instrument_options(tmp_path: Path, more: tuple[str, ...], words: str) -> None:
    path = write(tmp_path / "bars.csv", GOOD)
    for line in (
        ("import", path, "--out", tmp_path / "o"), ("validate", path), ("replay", "-i", path, "-o", tmp_path / "o")
    ):  # fmt: skip
        result = run(*line, *more)
        assert (result.exit_code, words in result.stderr) == (1, True), result.output
        bad = run(*line, "--symbol", "WDOU25", "--hours", "nine to six")
        assert (bad.exit_code, "write HH:MM-HH:MM" in bad.output) == (2, True)
    assert not (tmp_path / "o").exists()


def test_an_instrument_without_a_settings_file(tmp_path: Path) -> None:
    path = write(tmp_path / "bars.csv", GOOD)
    own = (
        "--symbol", "XYZ", "--tick-size", "0.5", "--point-value", "2", "--currency", "USD", "--lot", "3",
        "--fee", "0.25", "--hours", "09:00-09:20", "--timezone", "Europe/London",
    )  # fmt: skip
    assert run("import", path, "--out", tmp_path / "lake", *own).exit_code == 0
    assert Lake(tmp_path / "lake").symbols() == ["XYZ"]
    assert run("validate", tmp_path / "lake", *own).exit_code == 0
    result = run("replay", "-i", tmp_path / "lake", "-o", tmp_path / "out", "--json", *own)
    assert result.exit_code == 0, result.output
    assert "No fee is set" not in result.output
    table = run("replay", "-i", path, "-o", tmp_path / "wdo", "-s", "WDOU25", "--fee", "1.5", "--json")
    assert (table.exit_code, "No fee is set" in table.output) == (0, False)


def test_replay_takes_the_options_of_import(tmp_path: Path, commands: Commands) -> None:
    path = write(tmp_path / "bars.csv", HEADER + ROWS[0] + ROWS[2] + ROWS[1] + "".join(ROWS[3:]))
    assert [r.exit_code for _, r in commands(path)] == [3, 3, 3]
    out = tmp_path / "out"
    line = ("replay", "-i", path, "-s", "WDOU25", "-o", out)
    result = run(*line, "--out-of-order", "sort", "--bar-seconds", "60", "--decimal", ".")
    assert result.exit_code == 0, result.output
    result = run(*line, "--out-of-order", "reject", "--overwrite")
    assert (result.exit_code, "1 row(s) of the source were rejected" in result.stderr) == (0, True)
    for bad in (
        ("--infer-side", "guess"),
        ("--decimal", "x"),
        ("--date", "14/08/2025"),
        ("--bar-seconds", "0"),
    ):
        assert run(*line, *bad).exit_code == 2


posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and file-size limits are POSIX")


def spawn(*arguments: object, limit: int | None = None) -> subprocess.Popen[str]:
    code = "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    if limit is not None:
        code += f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    code += "from quantumtrader.cli.main import main\nmain()\n"
    path = os.pathsep.join(p for p in sys.path if p)
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


def minutes(path: Path, count: int) -> Path:
    rng = np.random.default_rng(1)
    start = np.datetime64("2025-08-14T12:00", "s").astype(int)
    px = 5400 + 0.5 * rng.integers(-50, 50, (count, 2))
    rows = (
        f"{start + 60 * i},{a},{max(a, b)},{min(a, b)},{b},{int(v)}\n"
        for i, ((a, b), v) in enumerate(zip(px, rng.integers(1, 10**6, count), strict=True))
    )
    return write(path, HEADER + "".join(rows))


@posix
def test_full_disk(tmp_path: Path) -> None:
    path = minutes(tmp_path / "bars.csv", 3_000)
    for line, code in (("import", 1), ("replay", 1)):
        where = ("import", path) if line == "import" else ("replay", "-i", path, "--end", "2025-08-14")
        process = spawn(*where, "-s", "WDOU25", "-o", tmp_path / line, limit=20_000)
        _, text = process.communicate(timeout=120)
        assert process.returncode == code, text
        assert f"{tmp_path / line}: " in text
        assert "choose another --out" in text
        assert "File too large" in text
        assert not (tmp_path / line).exists() or files(tmp_path / line) == []


@posix
@pytest.mark.parametrize("kind", ["SIGINT", "SIGKILL"])
def test_interrupted_import(tmp_path: Path, kind: str) -> None:
    path, lake = minutes(tmp_path / "bars.csv", 60_000), tmp_path / "lake"
    line = ("import", path, "-s", "WDOU25", "-o", lake)
    process = spawn(*line)
    until = time.monotonic() + 60
    while not list(lake.glob(".import-*/*.events")) and time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(getattr(signal, kind))
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert list(lake.glob("v1/*/*/*/*.parquet")) == []
    assert Lake(lake).dates("WDOU25") == []
    assert list(lake.glob(".import-*")) == [] or kind == "SIGKILL"
    for left in lake.glob(".import-*"):  # what a kill leaves goes with the first import a day later
        os.utime(left, (0, 0))
    _, text = (again := spawn(*line)).communicate(timeout=120)
    assert again.returncode == 0, text
    assert list(lake.glob(".import-*")) == []
    assert len(Lake(lake).read("WDOU25")) == 60_000
