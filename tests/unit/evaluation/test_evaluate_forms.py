"""``quantumtrader evaluate forms``, its picture, and the figures in docs/concepts/published-forms.md."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from importlib import import_module, util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from quantumtrader import core
from quantumtrader.cli import main as cli
from quantumtrader.data.contracts import instrument
from quantumtrader.data.lake import Lake
from quantumtrader.data.source import load_events
from quantumtrader.evaluation import Forms, measure_forms, plot_forms
from quantumtrader.exceptions import ConfigError, MissingExtraError
from quantumtrader.types import EVENT, Kind

runner = CliRunner()
WDO = "WDOU25"
SHORT = ("--interval-s", 1, "--window-s", 60)


def run(*arguments: object, code: int = 0) -> Any:
    # Tables as wide as in a log, whatever the terminal that runs the tests.
    result = runner.invoke(cli.app, ["evaluate", "forms", *map(str, arguments)], env={"COLUMNS": "160"})
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if "--json" in arguments else result


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    with Lake(root).writer(instrument(WDO), source="test") as writer:
        writer.add(core().generate_session(seed=6, max_events=30_000))
    return root


def test_json_is_what_was_measured_and_says_synthetic(lake: Path) -> None:
    got = run("-i", lake, "-s", WDO, *SHORT, "--levels", 3, "--lags", 20, "--json")
    expected = measure_forms(load_events(lake, WDO).events, interval_s=1, window_s=60, levels=3, lags=20)
    assert got["symbol"] == WDO
    assert got["forms"]["synthetic"] is True
    assert got["notes"][0].startswith("SYNTHETIC")
    assert got["files"] == []
    assert got["forms"]["r2_by_depth"] == list(expected.r2_by_depth)
    assert got["forms"]["sign_acf"] == list(expected.sign_acf)
    assert len(got["forms"]["windows"]) == len(expected.windows) > 2
    assert got["forms"]["windows"][0]["beta"] == expected.windows[0].beta
    assert len(got["forms"]["sign_acf"]) == 20


def test_tables_for_people(lake: Path) -> None:
    done = run("-i", lake, "-s", WDO, *SHORT)
    text = done.stdout
    assert text.count("SYNTHETIC") >= 3
    assert "SYNTHETIC" in done.stderr
    for words in ("R² flow", "R² random", "beta × depth", "unseen", "parent orders", "AUC = ", "0.9 … 1.0"):
        assert words in text


def test_out_and_plot_write_files(lake: Path, tmp_path: Path) -> None:
    out, picture = tmp_path / "new" / "forms", tmp_path / "more" / "p.pdf"
    got = run("-i", lake, "-s", WDO, *SHORT, "-o", out, "--plot", picture, "--json")
    assert [Path(f).name for f in got["files"]] == ["forms.json", "forms.png", "forms.svg", "p.pdf"]
    assert all(Path(f).stat().st_size > 1000 for f in got["files"])
    saved = json.loads((out / "forms.json").read_text("utf-8"))
    assert saved["forms"] == got["forms"]
    svg = (out / "forms.svg").read_text("utf-8")
    assert "SYNTHETIC" in svg
    run("-i", lake, "-s", WDO, *SHORT, "-o", out)
    assert (out / "forms.svg").read_text("utf-8") == svg


@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        (["--window-s", 100], 2, "window_s is 100"),
        (["--interval-s", 0], 2, "--interval-s"),
        (["--levels", 0], 2, "--levels"),
        (["--interval-s", "nan"], 2, "finite"),
        ([*SHORT, "--plot", "p.txt"], 2, "p.txt"),
        (["--start", "2031-01-01"], 3, "2031"),
    ],
)
def test_wrong_usage(lake: Path, wrong: list[object], code: int, words: str) -> None:
    result = run("-i", lake, "-s", WDO, *wrong, code=code)
    assert words in result.stderr


def test_bars_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    rows = "".join(f"2025-08-14 09:{i:02},5400,5401,5399,5400.5,7\n" for i in range(30))
    path.write_text(f"timestamp,open,high,low,close,volume\n{rows}", "utf-8")
    assert "bars are not enough" in run("-i", path, "-s", WDO, code=3).stderr


def test_quotes_without_sizes_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "ticks.csv"
    head = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\n"
    rng = np.random.default_rng(2)
    bid = 5400 + 0.5 * np.cumsum(rng.choice([-1, 0, 1], 200))
    rows = "".join(
        f"2025.08.14\t10:{k // 60:02}:{k % 60:02}.000\t{b:.1f}\t{b + 0.5:.1f}\t\t\n"
        f"2025.08.14\t10:{k // 60:02}:{k % 60:02}.500\t\t\t{b + 0.5 * (k % 3 > 0):.1f}\t5\n"
        for k, b in enumerate(bid)
    )
    path.write_text(head + rows, "utf-8")
    picture = tmp_path / "p.svg"
    got = run("-i", path, "-s", WDO, *SHORT, "--plot", picture, "--json")
    assert (
        picture.read_text("utf-8").count(">not measured<") == 2
    )  # depth and next move; trades have the others
    assert any("the touch has no sizes" in note for note in got["notes"])
    assert any("inferred by a rule" in note for note in got["notes"])
    assert got["forms"]["windows"][0]["beta"] is None
    assert got["forms"]["windows"][0]["r2_trades"] is not None


def some_forms(synthetic: bool = False) -> Forms:
    rng = np.random.default_rng(1)
    events = np.zeros(4000, EVENT)
    events["kind"] = Kind.QUOTE
    events["ts_event"] = np.arange(4000) * 10**8
    events["px"] = 1000 + np.cumsum(rng.choice([-1, 0, 1], 4000))
    events["px_ask"] = events["px"] + 1
    events["size"], events["size_ask"] = rng.integers(1, 9, (2, 4000))
    events["flags"] = 256 * synthetic
    return measure_forms(events, interval_s=1, window_s=100)


def test_pictures_of_several_streams(tmp_path: Path) -> None:
    path = plot_forms({"A": some_forms(), "B & <c>": some_forms(synthetic=True)}, tmp_path / "p.svg")
    text = path.read_text("utf-8")
    assert "B &amp; &lt;c&gt; · SYNTHETIC" in text
    assert "A · SYNTHETIC" not in text
    assert text.count("not measured") == 1  # quotes alone have no signs of trades
    with pytest.raises(ConfigError, match="0 streams"):
        plot_forms({}, path)
    with pytest.raises(ConfigError, match="11 streams"):
        plot_forms({str(k): some_forms() for k in range(11)}, path)


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(
        MissingExtraError, match=r"drawing published forms needs matplotlib.*quantumtrader\[plot\]"
    ):
        plot_forms({"A": some_forms()}, tmp_path / "p.png")


def test_only_drawing_needs_matplotlib() -> None:
    source = Path(str(import_module("quantumtrader.evaluation.plots").__file__)).read_text("utf-8")
    assert "import matplotlib" not in source


@pytest.fixture(scope="module")
def script(root: Path) -> ModuleType:
    spec = util.spec_from_file_location("published_forms", root / "scripts" / "published_forms.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = ("docs/concepts/published-forms.md", "docs/pt-br/concepts/published-forms.md")


def table_rows(text: str, name: str) -> list[list[float]]:
    """The numbers in each row of a page's tables that begins with a name."""
    rows = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", text, re.MULTILINE)
    return [
        [float(x.replace("−", "-").replace(",", "")) for x in re.findall(r"−?\d[\d,]*\.?\d*", row)]
        for row in rows
        if "quantumtrader" not in row
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("AAPL", "ESH4", "BTCUSDT", "ETHUSDT", "BTCUSD perpetual"),
        *("AMZN", "IF2101", "BTCUSD Bitstamp", "DOLK20"),
    ],
)
def test_the_page_says_what_the_data_gives(
    name: str, script: ModuleType, shared_data: Callable[[str], Path], root: Path
) -> None:
    options = script.SETS[name]
    folder = options.split("DATA/")[1].split("/")[0].split()[0]
    data = shared_data(folder).parent
    measured = table_rows(script.tables({name: script.measure(options, data)}), name)
    assert len(measured) >= 2
    for page in PAGES:
        written = table_rows((root / page).read_text("utf-8"), name)
        assert len(written) == len(measured), page
        for a, b in zip(written, measured, strict=True):
            assert a == pytest.approx(b, abs=0.0101, rel=1e-6), page


def test_the_page_gives_the_commands(script: ModuleType, root: Path) -> None:
    for page in PAGES:
        text = (root / page).read_text("utf-8")
        for options in script.SETS.values():
            assert f"quantumtrader evaluate forms {options}" in text, page
        assert "published-forms.svg" in text


def test_the_figure_is_small(root: Path) -> None:
    assert (root / "docs/concepts/published-forms.svg").stat().st_size < 170_000
