"""The page of a training: every number on it is one of the assessment, nothing on it comes from elsewhere."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader import __version__
from quantumtrader.exceptions import ConfigError, DataAccessError
from quantumtrader.models import model
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.assessment.picture import PARTS
from quantumtrader.training.assessment.verdict import CODES, CONDITIONS, verdict_text
from quantumtrader.training.cross_validate import evaluate
from quantumtrader.training.recipes import Single
from quantumtrader.training.report import render_page, write_report
from quantumtrader.training.report.gate import gate_rows
from quantumtrader.training.report.svg import Plot, round_steps
from quantumtrader.training.report.words import WORDS
from quantumtrader.training.trials import TrialLedger
from reference.assessed import BOOK, POLICY, Training, assessed, planted_data, trained

pytest.importorskip("scipy", reason="intervals need the extra ml")

LANGUAGES = ("en", "pt")
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Numbers with their places, words outside of them, and whether elements nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.numbers: list[tuple[str, float, str]] = []
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self._open: list[str] = []
        self._data: tuple[str, float] | None = None
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self._open.append(tag)
        if tag == "data":
            given = dict(attrs)
            self._data = (str(given["data-at"]), float(str(given["value"])))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "data":
            self._data = None

    def handle_data(self, data: str) -> None:
        if self._data is not None:
            self.numbers.append((*self._data, data))
        elif not {"style", "svg", "code", "title"} & set(self._open):
            self.words.append(data)


def at(document: Any, place: str) -> Any:
    for step in place.split("/"):
        document = document[int(step)] if isinstance(document, list) else document[step]
    return math.inf if document == "inf" else document


def read(text: str, lang: str) -> tuple[float, float]:
    """Return what a reader reads, and half of the last digit."""
    bare = re.sub(r"[^\d.,-]", "", text)
    whole, point, decimals = bare.replace("," if lang == "en" else ".", "").partition(
        "." if lang == "en" else ","
    )
    assert bool(point) == bool(decimals)
    scale = 0.01 if "%" in text else 1.0
    return float(f"{whole}.{decimals or 0}") * scale, 0.5 * 10.0 ** -len(decimals) * scale


def leaves(value: Any, place: str = "") -> Iterator[str]:
    """Places of all numbers in a document."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{place}/{key}" if place else key)
    elif isinstance(value, list):
        for k, item in enumerate(value):
            yield from leaves(item, f"{place}/{k}")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield place


@pytest.fixture(params=[(0.9, 24), (0.0, 24), (0.9, 12)], ids=["edge", "none", "few"], scope="module")
def assessment(request: pytest.FixtureRequest) -> Assessment:
    return assessed(*request.param)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_number_is_one_of_the_assessment(assessment: Assessment, lang: str) -> None:
    document = assessment.to_document()
    page = Page(render_page(assessment, lang))
    assert len(page.numbers) > (100 if assessment.edge else 5)
    for place, value, text in page.numbers:
        assert value == at(document, place), place
        if math.isfinite(value):
            shown, half = read(text, lang)
            assert abs(shown - value) <= half * (1 + 1e-6), (place, text, value)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_number_stands_on_the_page_by_itself(assessment: Assessment, lang: str) -> None:
    page = Page(render_page(assessment, lang))
    words = {pair[LANGUAGES.index(lang)] for pair in WORDS.values()}
    allowed = {digits for text in words for digits in re.findall(r"\d[\d.,]*", text)}
    allowed |= set(re.findall(r"\d[\d.,]*", verdict_text(assessment, lang)))
    allowed |= {
        "0.95",
        "0,95",
        "0.10",
        "0,10",
        "80",
        "1.0",
        "1,0",
        "1.5",
        "1,5",
        "2.0",
        "2,0",
    }  # the gate, the multiples
    d = assessment.data
    names = " ".join(
        (d.first, d.last, d.engine, *d.contracts, *d.classes, *(r.name for r in assessment.references))
    )
    names += " ".join(("", *(n.text for n in assessment.notes), *(n.portuguese for n in assessment.notes)))
    names += " ".join(("", __version__, *(s.name for s in assessment.slices)))
    allowed |= set(re.findall(r"\d[\d.]*", names)) | {str(k + 1) for k in range(len(assessment.paths))}
    for text in page.words:
        for digits in re.findall(r"\d[\d.,]*", text.replace(d.first, "").replace(d.last, "")):
            assert digits.rstrip(".,") in {a.rstrip(".,") for a in allowed}, text


def test_every_number_of_the_assessment_stands_on_the_page() -> None:
    a = assessed(0.9)
    shown = {place for place, _, _ in Page(render_page(a)).numbers}
    pictures = r"picture/|money/(sessions|gross|net)/|selection/ranks|quality/classes/\d/bins/edges/10"
    pictures += r"|networks/\d/paired/paths/"  # counted
    intervals = r".*/(error|clusters|n_eff)$|(edge|net)/(error|clusters|n_eff)"
    # Bins without weight, one contract's tick, and the interval of what is shown as a sum.
    elsewhere = (
        r"quality/classes/\d/bins/(edges|weight)/|money/tick_value|slices/\d+/rows|data/measured_from/"
    )
    elsewhere += r"|data/exchange_ticks|earlier/locked"  # one, none: said where it is more
    left = [p for p in leaves(a.to_document()) if p not in shown]
    odd = [p for p in left if not re.match(f"{pictures}|{intervals}|{elsewhere}", p)]
    assert odd == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_loads_nothing_and_says_what_it_is(assessment: Assessment, lang: str) -> None:
    text = render_page(assessment, lang)
    page = Page(text)
    assert not {"script", "link", "img", "iframe"} & page.tags
    assert not {"src", "href", "onclick"} & page.attributes
    assert "http" not in text
    assert "@import" not in text
    assert "url(" not in text
    assert 'name="viewport"' in text
    assert "prefers-color-scheme:light" in text
    assert f'<html lang="{"pt-BR" if lang == "pt" else "en"}">' in text
    assert "SYNTHETIC" in text
    assert verdict_text(assessment, lang) in "".join(page.words)
    real = render_page(replace(assessment, synthetic=False), lang)
    assert 'class="banner"' in text
    assert 'class="banner"' not in real
    assert "SYNTHETIC" not in real
    for picture in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ET.fromstring(picture)


def test_too_little_data_prints_the_word() -> None:
    a = assessed(0.9, 12)
    text = render_page(a)
    shown = {place.split("/")[0] for place, _, _ in Page(text).numbers}
    assert shown == {"data", "seed", "margin", "cost_ticks"}  # what it was given
    assert text.count("insufficient") > 10
    assert "insuficiente" in render_page(a, "pt")


def test_words_in_both_languages() -> None:
    for key, pair in (*WORDS.items(), *CODES.items(), *CONDITIONS.items()):
        assert all(pair), key
        fields = [sorted(re.findall(r"{\w+}", words)) for words in pair]
        assert fields[0] == fields[1], key
    for lang in LANGUAGES:
        assert "{" not in re.sub(r"<style>.*?</style>", "", render_page(assessed(0.9), lang), flags=re.DOTALL)
    with pytest.raises(ConfigError, match="'fr' is not known"):
        render_page(assessed(0.9), "fr")


def test_names_are_not_markup() -> None:
    a = replace(assessed(0.9), study="<b>&", chosen='x"><i>', data=replace(assessed(0.9).data, label="<u>"))
    text = render_page(a)
    assert "<b>&" not in text.replace("<b>&amp;", "")
    assert '"><i>' not in text
    assert "<u>" not in text
    Page(text)


@pytest.mark.parametrize(
    "change",
    [
        {"money": None, "net": None, "selection": None, "size": None, "random_side": None},
        {"placebos": ()},
        {"importance": {}},
        {"parity": None},
        {"judged_by": "markout"},
        {"references": ()},
    ],
)
def test_what_was_not_measured_is_said_so(change: dict[str, Any]) -> None:
    for lang in LANGUAGES:
        Page(render_page(replace(assessed(0.9), **change), lang))


# -- pictures ------------------------------------------------------------------------------------------------------


def picture(text: str, section: str, number: int = 0) -> ET.Element:
    part = text[text.index(f'<section id="{section}">') :]
    return ET.fromstring(re.findall(r"<svg.*?</svg>", part, re.DOTALL)[number])


def test_the_equity_curves_end_at_the_totals() -> None:
    a = assessed(0.9)
    assert a.money is not None
    found = picture(render_page(a), "money")
    ends = {}
    for path in found.iter("path"):
        steps = re.findall(r"[ML]([\d.]+) ([\d.]+)", path.attrib["d"])
        assert len(steps) == len(a.money.sessions) + 1
        ends[path.attrib["class"].split()[1]] = float(steps[-1][1])
    zero = float(next(line for line in found.iter("line") if line.attrib["class"] == "zero").attrib["y1"])
    totals = dict(zip(("c0", "c1", "c2", "c3"), (a.money.gross_ticks, *a.money.net_ticks), strict=True))
    scale = (zero - ends["c0"]) / totals["c0"]
    for name, total in totals.items():
        assert zero - ends[name] == pytest.approx(scale * total, abs=0.2)


def test_dots_stand_for_paths_and_bins() -> None:
    a = assessed(0.9)
    text = render_page(a)
    assert a.quality is not None
    for number in (0, 1):
        assert len(list(picture(text, "paths", number).iter("circle"))) == len(a.paths)
    full = int((a.quality.classes[0].bins.weight > 0).sum())
    assert len(list(picture(text, "calibration").iter("circle"))) == full


def test_the_ranks_left_of_the_middle_are_the_pbo() -> None:
    a = assessed(0.9)
    assert a.selection is not None
    ranks = np.array([0.05, 0.5, 0.5, 0.5000001, 0.55, 0.975])
    shown = replace(a, selection=replace(a.selection, ranks=ranks))
    found = picture(render_page(shown), "selection")
    left = sum(int(str(r[0].text)) for r in found.iter("rect") if "f3" in r.attrib["class"])
    right = sum(int(str(r[0].text)) for r in found.iter("rect") if "f4" in r.attrib["class"])
    assert (left, right) == (int((ranks <= 0.5).sum()), int((ranks > 0.5).sum()))


def test_the_split_picture_has_the_shares_of_the_rows() -> None:
    a = assessed(0.9)
    found = picture(render_page(a), "splits")
    width = dict.fromkeys(PARTS, 0.0)
    for rect in found.iter("rect"):
        width[rect.attrib["class"]] += float(rect.attrib["width"])
    rows = a.picture.rows.sum(axis=(0, 1))  # all sessions are of the same length
    for part, count in zip(PARTS, rows.tolist(), strict=True):
        assert width[part] / sum(width.values()) == pytest.approx(count / rows.sum(), abs=0.005)


def test_scales() -> None:
    assert round_steps(0, 10) == [0, 2, 4, 6, 8, 10]
    assert round_steps(-0.013, 0.031) == pytest.approx([-0.01, 0, 0.01, 0.02, 0.03])
    assert round_steps(3, 3) == [3]
    plot = Plot((0, 10), (-1, 1), "pt", "x", width=120, height=60, left=10, right=10, top=5, bottom=15)
    assert (plot.px(0), plot.px(10), plot.py(-1), plot.py(1)) == (10, 110, 45, 5)
    plot.line([0, 1, 2], [0, math.nan, 1], "c1")
    assert plot.marks[-1] == '<path class="line c1" d="M10.0 25.0M30.0 5.0"/>'


# -- the file ------------------------------------------------------------------------------------------------------


def test_writing_it(tmp_path: Path) -> None:
    a = assessed(0.9)
    write_report(a, tmp_path / "new" / "report.html", "pt")
    assert (tmp_path / "new" / "report.html").read_text("utf-8") == render_page(a, "pt")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["report.html"]
    a.save(tmp_path / "kept")
    assert render_page(Assessment.load(tmp_path / "kept")) == render_page(a)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataAccessError, match="cannot be written"):
        write_report(a, tmp_path / "file" / "report.html")


def test_three_classes(tmp_path: Path) -> None:
    data = planted_data(0.9)
    y = np.where(np.arange(len(data)) % 5 == 0, 0, data.y)
    given = data.derived(y=y)
    ledger = TrialLedger(tmp_path / "trials.jsonl")
    rate = {"rate": evaluate(given, Single(model("base_rate")), BOOK, ledger, "s", policy=POLICY)}
    a = Training(given, rate, {}, {}, ledger, POLICY).assess("rate")
    assert a.verdict_code == "no_skill"
    text = render_page(a, "pt")
    dots = [len(list(picture(text, "calibration", k).iter("circle"))) for k in range(3)]
    assert all(1 <= n <= 2 for n in dots)  # base rates lie close together
    assert "Nunca supera a margem da política" in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_fees_that_are_not_known_are_said_so(lang: str) -> None:
    known, unknown = assessed(0.9), replace(assessed(0.9), fees_known=False)
    text = render_page(unknown, lang)
    Page(text)
    kept = "fees_unknown", "fees_unknown_found", "net_unit_free"
    for words in (WORDS[key][LANGUAGES.index(lang)] for key in kept):
        assert words in text
        assert words not in render_page(known, lang)
    # Nothing on the page says that fees were paid.
    words = "fees and slippage" if lang == "en" else "taxas e slippage"
    assert words in render_page(known, lang)
    assert words not in text
    found = {name: (met, found) for met, name, found, _ in gate_rows(unknown, lang)}
    at = LANGUAGES.index(lang)
    assert found[WORDS["net_at_1_5_cost"][at]] == (WORDS["no"][at], WORDS["fees_unknown_found"][at])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_how_it_was_chosen_is_on_the_page(lang: str) -> None:
    a, at = assessed(0.9), LANGUAGES.index(lang)
    text = render_page(a, lang)
    own = text.partition('<section id="choice">')[2].partition("</section>")[0]
    shown = {place: value for place, value, _ in Page(own).numbers}
    assert a.nested is not None
    assert a.rehearsal is not None
    assert (shown["nested/skill"], shown["rehearsal/skill"]) == (a.nested.skill, a.rehearsal.skill)
    assert a.nested.net is not None
    assert shown["nested/net/low"] == a.nested.net.low
    assert shown["rehearsal/trades"] == a.rehearsal.trades
    # What a paired test says of a network: its numbers, and that it may not be chosen.
    (network,) = a.networks
    assert shown["networks/0/paired/difference/mean"] == network.paired.difference.mean < 0
    assert (shown["networks/0/paired/p_value"], shown["networks/0/level"]) == (network.paired.p_value, 0.025)
    words = " ".join(Page(own).words)
    assert WORDS["on_paths"][at].format(beaten=0, paths=5) in words
    ships = WORDS["ships"][at]
    assert own.rpartition(ships)[2].count(f'<span class="no">{WORDS["no"][at]}</span>') == 1
    bare = replace(a, nested=None, rehearsal=None, networks=())
    none = render_page(bare, lang).partition('<section id="choice">')[2].partition("</section>")[0]
    assert none.count(WORDS["not_measured"][at]) == 2
    assert WORDS["networks"][at] not in none


def test_notes_are_on_the_page_in_its_language() -> None:
    a = assessed(0.9)
    english, portuguese = (render_page(a, lang).partition('<section id="notes">')[2] for lang in LANGUAGES)
    assert "<li>a note of another version</li><li>the embargo is 1 session</li>" in english
    assert '<li lang="en">a note of another version</li><li>o embargo é de 1 pregão</li>' in portuguese
    assert '<section id="notes">' not in render_page(replace(a, notes=()))


def test_books_too_thin_to_know() -> None:
    a = trained(0.9).assess()
    assert a.size is not None
    assert np.isnan(a.size.net_ticks[-1])
    assert "books too thin to know" in render_page(a)
