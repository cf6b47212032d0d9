"""The figures of ``docs/concepts/detector-quality.md``."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

from exhaustive import sample

PAGES = ("docs/concepts/detector-quality.md", "docs/pt-br/concepts/detector-quality.md")
SHUFFLES = sample(0, 5)
"""The page has five; without any only what was recorded is compared."""


@pytest.fixture(scope="module")
def script(root: Path) -> ModuleType:
    spec = util.spec_from_file_location("detector_quality", root / "scripts" / "detector_quality.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(text: str, heading: str, *, comma: bool) -> dict[str, list[str]]:
    """The cells of a page's table after a heading, by their first cell, with points as in English."""
    after = text.split(f"\n{heading}\n")[1].split("\n")
    first = next(k for k, line in enumerate(after) if line.startswith("|"))
    table = itertools.takewhile(lambda line: line.startswith("|"), after[first + 2 :])
    lines = [line.strip("| ").split(" | ") for line in table]
    swap = str.maketrans(".,", ",.") if comma else {}
    return {line[0]: [cell.translate(swap) for cell in line[1:]] for line in lines}


def cells(row: str) -> tuple[str, list[str]]:
    name, *rest = row.strip("| ").split(" | ")
    return name, rest


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["AAPL", "ES", "synthetic", pytest.param("BTCUSDT", marks=pytest.mark.slow)])
def test_the_page_says_what_the_data_gives(
    name: str, script: ModuleType, shared_data: Callable[[str], Path], root: Path
) -> None:
    options = script.SETS[name]
    data = shared_data(options.split("DATA/")[1].split("/")[0].split()[0]).parent if options else root
    report = script.measure(f"{options} --shuffles {SHUFFLES}", data)
    assert report["synthetic"] is (name == "synthetic")
    assert all(s["positives"]["share"] == 1 and s["misses"]["share"] == 0 for s in report["scripted"])
    for page, headings in zip(PAGES, (ENGLISH, PORTUGUESE), strict=True):
        text, comma = (root / page).read_text("utf-8"), "pt-br" in page
        injections, proven, after, controls, synthetic = headings
        title = synthetic if name == "synthetic" else name
        written = rows_of(text, f"### {title}", comma=comma)
        assert dict(map(cells, script.injected(report))) == written, injections
        for heading, measured in ((proven, script.proven(name, report)), (after, script.after(name, report))):
            # The pages name what is measured in their language; the order is that of the command.
            there = [v for k, v in rows_of(text, heading, comma=comma).items() if k.startswith(f"{title}:")]
            assert [cells(row)[1] for row in measured] == there, heading
        column = list(script.SETS).index(name)
        shown = rows_of(text, controls, comma=comma)
        for kind, rate in script.recorded(report).items():
            assert shown[kind][column].split(" / ")[0] == rate, kind
        for kind, (cell,) in map(cells, script.controls({name: report})):
            assert shown[kind][column] == cell, kind


ENGLISH = ("Injections", "## What a recording proves", "## After an absorption", "## Controls", "synthetic")
PORTUGUESE = (
    "Injeções",
    "## O que a gravação prova",
    "## Depois de uma absorção",
    "## Controles",
    "sintético",
)


def test_the_page_gives_the_commands(script: ModuleType, root: Path) -> None:
    for page in PAGES:
        text = (root / page).read_text("utf-8")
        for options in script.SETS.values():
            assert f"quantumtrader evaluate detectors {options}".strip() + "\n" in text, page


def test_the_page_counts_the_scripts(root: Path) -> None:
    from quantumtrader.evaluation.scripts import cases

    positive = [case.positive for case in cases()]
    found, missed = sum(positive), len(positive) - sum(positive)
    english, portuguese = ((root / page).read_text("utf-8") for page in PAGES)
    assert f"All {found} patterns are found, and of {missed} near misses none is told" in english
    assert f"Os {found} padrões são encontrados, e dos {missed} quase-padrões nenhum é apontado" in portuguese
