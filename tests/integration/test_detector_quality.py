"""The figures of ``docs/concepts/detector-quality.md``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

from exhaustive import EXHAUSTIVE, sample
from quantumtrader.evaluation.scripts import cases
from quantumtrader.features import detector_kinds

SHUFFLES = sample(0, 5)
"""The page has five; without any only what was recorded is compared."""
KINDS = {
    "AAPL": "sweep,iceberg_native,iceberg_synthetic,iceberg_tape,spoofing,exhaustion",
    "ES": "sweep_run,iceberg_native,absorption,layering,ignition,stuffing,absorption_bar",
    "synthetic": "sweep_run,iceberg_tape,absorption,spoofing,ignition,stuffing",
}
"""Detectors of the usual run: each of them on a recording, and some on the synthetic session, which needs no data."""


@pytest.fixture(scope="module")
def script(root: Path) -> ModuleType:
    spec = util.spec_from_file_location("detector_quality", root / "scripts" / "detector_quality.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a dataclass looks its module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["AAPL", "ES", "synthetic", pytest.param("BTCUSDT", marks=pytest.mark.slow)])
def test_the_page_says_what_the_data_gives(
    name: str, script: ModuleType, shared_data: Callable[[str], Path], root: Path
) -> None:
    options = script.SETS[name]
    data = shared_data(options.split("DATA/")[1].split("/")[0].split()[0]).parent if options else root
    some = f" --kinds {KINDS[name]}" if name in KINDS and not EXHAUSTIVE else ""
    report = script.measure(f"{options} --shuffles {SHUFFLES}{some}", data)
    assert report["synthetic"] is (name == "synthetic")
    assert all(s["positives"]["share"] == 1 and s["misses"]["share"] == 0 for s in report["scripted"])
    for page in script.PAGES:
        text = (root / page.path).read_text("utf-8")
        again = script.rewritten(text, page, {name: report})
        assert again.split("\n") == text.split("\n"), "scripts/detector_quality.py DATA --write"
    assert script.missing(root, {name: report}) == []
    assert bool(script.prose(name, report))


@pytest.mark.parametrize("kind", detector_kinds())
def test_each_detector_is_measured_on_a_recording(kind: str) -> None:
    assert any(kind in KINDS[name].split(",") for name in ("AAPL", "ES"))


def share(hits: int, of: int) -> dict[str, float]:
    return {"hits": hits, "of": of, "share": hits / of, "low": 0.25, "high": 0.75}


def made_up(**fields: object) -> dict[str, object]:
    score = {
        "recall": share(3, 4),
        "precision": share(1, 8),
        "median_delay_ms": -1_500.0,
        "p90_delay_ms": None,
        "false_per_hour": 2.25,
    }
    return {
        "hours": 1.5,
        "scripted": [{"kind": "sweep"}],
        "injected": [{"kind": "sweep", "score": score, "background_per_hour": 1_234.0}],
        "natives": None,
        "hidden": [{"name": "iceberg_native", "recall": share(1, 2), "precision": share(1, 2)}],
        "sweeps": None,
        "absorbed": [{"name": "told", "cases": 3, "towards": share(1, 2), "mean_ticks": -0.5}],
        "controls": [],
        "dropped": {"recording": 0},
        **fields,
    }


def test_tables_are_written_in_both_languages(script: ModuleType, root: Path) -> None:
    """Only the rows of what was measured change; a run without shuffles leaves the rates of shuffles."""
    english, portuguese = (
        script.rewritten((root / page.path).read_text("utf-8"), page, {"synthetic": made_up()})
        for page in script.PAGES
    )
    wanted = (
        (english, "| sweep | 3/4 (0.25–0.75) | 0.12 | −1,500 | – | 2.2 |"),
        (portuguese, "| sweep | 3/4 (0,25–0,75) | 0,12 | −1.500 | – | 2,2 |"),
        (english, "| synthetic: hidden seconds, `iceberg_native` | 1/2 (0.25–0.75) | 1/2 (0.25–0.75) |"),
        (
            portuguese,
            "| sintético: segundos com ocultas, `iceberg_native` | 1/2 (0,25–0,75) | 1/2 (0,25–0,75) |",
        ),
        (english, "| synthetic: told | 3 | 1/2 (0.25–0.75) | −0.5 |"),
        (portuguese, "| sintético: apontadas | 3 | 1/2 (0,25–0,75) | −0,5 |"),
    )
    for text, row in wanted:
        assert text.split("\n").count(row) == 1, row
    for page, text, rate in zip(script.PAGES, (english, portuguese), ("1,234", "1.234"), strict=True):
        before = (root / page.path).read_text("utf-8").split("\n")
        after = text.split("\n")
        changed = [line for line in after if line not in before]
        assert len(changed) == 4
        assert [line for line in before if line not in after and line.count("|") > 3] != []
        (row,) = (line for line in changed if rate in line)
        (old,) = (
            k for k, line in enumerate(before) if line.startswith("| sweep | ") and line.count("/") >= 8
        )
        assert row.split("|")[2:5] == before[old].split("|")[2:5]
        assert row.split("/")[-2:] == before[old].split("/")[-2:]
        assert script.rewritten(text, page, {"synthetic": made_up()}) == text


def test_a_report_of_all_detectors_gives_all_rows_of_its_set(script: ModuleType, root: Path) -> None:
    report = made_up(scripted=[{"kind": kind} for kind in detector_kinds()], hidden=[])
    page = script.PAGES[0]
    text = script.rewritten((root / page.path).read_text("utf-8"), page, {"ES": report})
    table = text.split("### ES\n")[1].split("\n\n")[0].strip()
    assert [line.split(" | ")[0] for line in table.split("\n")[2:]] == ["| sweep"]
    assert "ES: one time" not in text
    assert "| AAPL: one time, `sweep` |" in text


def test_a_sentence_that_no_longer_holds_is_named(script: ModuleType, root: Path) -> None:
    report = made_up()
    (injected,) = report["injected"]  # type: ignore[misc]
    injected["kind"] = "stuffing"
    lacking = script.missing(root, {"synthetic": report})
    assert [line.split(": ", 1)[1] for line in lacking] == [
        "synthetic, 1.50 h",
        "On the synthetic session 3 of 4",
        "sintético, 1,50 h",
        "No pregão sintético encontra 3 de 4",
    ]


def test_the_page_gives_the_commands(script: ModuleType, root: Path) -> None:
    for page in script.PAGES:
        text = (root / page.path).read_text("utf-8")
        for options in script.SETS.values():
            assert f"quantumtrader evaluate detectors {options}".strip() + "\n" in text, page


def test_the_page_counts_the_scripts(root: Path, script: ModuleType) -> None:
    every = list(cases())
    counts = Counter(case.kind for case in every if case.positive)
    found, missed = counts.total(), len(every) - counts.total()
    by_kind = ", ".join(f"`{kind}` {counts[kind]}" for kind in detector_kinds()) + "."
    english, portuguese = ((root / page.path).read_text("utf-8") for page in script.PAGES)
    assert (
        f"All {found} patterns are found, and of {missed} near misses none is told. Patterns by kind: {by_kind}"
        in english
    )
    assert (
        f"Os {found} padrões são encontrados, e dos {missed} quase-padrões nenhum é apontado. "
        f"Padrões por tipo: {by_kind}" in portuguese
    )
