"""Measure the detectors on recorded sets and print the tables of docs/concepts/detector-quality.md.

``python scripts/detector_quality.py DATA`` where DATA is the folder that holds the sets. Each set is measured with
``quantumtrader evaluate detectors``; the commands are in ``SETS``. With ``--write`` the tables of the page and of its
Portuguese twin are written in place; sentences with figures of their own are not, those that no longer hold are listed
and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluate_json import evaluate_json

from quantumtrader.features import detector_kinds

SETS = {
    "AAPL": "-i DATA/lobster_aapl_l50_1h -s AAPL --date 2012-06-21 --timezone America/New_York --tick-size 0.01 "
    "--point-value 1 --currency USD",
    "ES": "-i DATA/cme_es_mbo_20231225/esh4_mbo_20231225.parquet -s ESH4 --tick-size 0.25 --point-value 50 "
    "--currency USD",
    "BTCUSDT": "-i DATA/binance_l2_20240808/usdm_btcusdt -s BTCUSDT --tick-size 0.1 --size-step 0.001 "
    "--point-value 1 --currency USDT",
    "synthetic": "",
}
"""Set to the options of ``quantumtrader evaluate detectors``."""

Report = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """One language of the page: where its tables are, and what its rows are called."""

    path: str
    proven: str
    after: str
    controls: str
    words: dict[str, str] = field(default_factory=dict)
    """Word of the English page to that of this one."""
    comma: bool = False
    """Whether decimals have a comma."""

    def word(self, english: str) -> str:
        """Return a word of this page."""
        return self.words.get(english, english)

    def figures(self, text: str) -> str:
        """Return figures as this page writes them."""
        return _comma(text) if self.comma else text


PAGES = (
    Page(
        "docs/concepts/detector-quality.md",
        "## What a recording proves",
        "## After an absorption",
        "## Controls",
    ),
    Page(
        "docs/pt-br/concepts/detector-quality.md",
        "## O que a gravação prova",
        "## Depois de uma absorção",
        "## Controles",
        {
            "synthetic": "sintético",
            "native icebergs": "icebergs nativos",
            "hidden seconds": "segundos com ocultas",
            "one time": "um instante",
            "told": "apontadas",
            "matched": "pareados",
        },
        comma=True,
    ),
)


def measure(options: str, data: Path) -> Report:
    """Run the command and return its report."""
    report: Report = evaluate_json("detectors", options, data)["report"]
    return report


def injected(report: Report) -> list[tuple[str, ...]]:
    """Return the rows of one set in the tables of injections."""
    rows = []
    for one in report["injected"]:
        score = one["score"]
        cells = (
            one["kind"],
            _share(score["recall"]),
            "–" if not score["precision"]["of"] else f"{score['precision']['share']:.2f}",
            _number(score["median_delay_ms"]),
            _number(score["p90_delay_ms"]),
            _number(score["false_per_hour"]),
        )
        rows.append(cells)
    return rows


def proven(report: Report) -> list[tuple[tuple[str, str], tuple[str, ...]]]:
    """Return what a recording proves of one set: the two parts of the row's name, recall and precision."""
    out = []
    if report["natives"] is not None:
        out.append((("native icebergs", ""), report["natives"]))
    out += [(("hidden seconds", hidden["name"]), hidden) for hidden in report["hidden"]]
    if report["sweeps"] is not None:
        out.append((("one time", "sweep"), report["sweeps"]))
    return [(name, (_share(found["recall"]), _share(found["precision"]))) for name, found in out]


def after(report: Report) -> list[tuple[tuple[str, str], tuple[str, ...]]]:
    """Return the mid after absorptions of one set: the name of the row, and its cells."""
    return [
        ((one["name"], ""), (str(one["cases"]), _share(one["towards"]), _signed(one["mean_ticks"])))
        for one in report["absorbed"]
    ]


def controls(report: Report) -> dict[str, list[str]]:
    """Return detections per hour by kind: recorded, then of each control; recorded alone of a run without shuffles."""
    out = {one["kind"]: [_number(one["background_per_hour"])] for one in report["injected"]}
    for one in report["controls"]:
        out[one["kind"]] = [_number(rate) for rate in (one["recorded"], *one["by_control"].values())]
    return out


def rewritten(text: str, page: Page, reports: dict[str, Report]) -> str:
    """Return the page with the figures of some sets in its tables.

    A report of all detectors gives all rows of its set; one of some of them leaves the rows of others as they are.
    """
    lines = text.split("\n")
    for name, report in reports.items():
        title = page.word(name)
        whole = {one["kind"] for one in report["scripted"]} == set(detector_kinds())
        rows = [(cells[0], cells[1:]) for cells in injected(report)]
        _replace(lines, f"### {title}", page, rows, whole=whole)
        for heading, found in ((page.proven, proven(report)), (page.after, after(report))):
            named = []
            for (what, by), cells in found:
                named.append((f"{title}: {page.word(what)}" + (f", `{by}`" if by else ""), cells))
            _replace(lines, heading, page, named, whole=whole, of=f"{title}: ")
        first, stop = _table(lines, page.controls)
        column = [cell.strip() for cell in lines[first - 2].split("|")].index(title)
        rates = controls(report)
        for at in range(first, stop):
            cells = lines[at].split("|")
            now = rates.get(cells[1].strip(), [])
            before = cells[column].strip().split(" / ")
            cells[column] = f" {' / '.join([*map(page.figures, now), *before[len(now) :]])} "
            lines[at] = "|".join(cells)
    return "\n".join(lines)


def _table(lines: list[str], heading: str) -> tuple[int, int]:
    """Return where the rows of the first table after a heading begin and stop."""
    at = lines.index(heading)
    first = next(k for k in range(at, len(lines)) if lines[k].startswith("|")) + 2
    stop = next(k for k in range(first, len(lines)) if not lines[k].startswith("|"))
    return first, stop


def _replace(
    lines: list[str],
    heading: str,
    page: Page,
    rows: list[tuple[str, tuple[str, ...]]],
    *,
    whole: bool,
    of: str = "",
) -> None:
    """Put rows into a table, in place of those of the same name, or of all whose name begins with ``of``."""
    first, stop = _table(lines, heading)
    names = [line.split(" | ")[0].removeprefix("| ") for line in lines[first:stop]]
    table = dict(zip(names, lines[first:stop], strict=True))
    made = {name: f"| {' | '.join([name, *map(page.figures, cells)])} |" for name, cells in rows}
    own = [name for name in names if name.startswith(of)]
    if not whole:
        made = {name: table[name] for name in own} | made
    start = names.index(own[0]) if own else len(names)
    others = {name: line for name, line in table.items() if name not in own}
    before = [line for name, line in others.items() if names.index(name) < start]
    behind = [line for name, line in others.items() if names.index(name) >= start]
    lines[first:stop] = [*before, *made.values(), *behind]


def prose(name: str, report: Report) -> list[tuple[str, str]]:
    """Return the words with figures of one set that the pages hold outside of their tables, in both languages."""
    by_kind = {one["kind"]: one["score"]["recall"] for one in report["injected"]}
    hidden = {one["name"]: one for one in report["hidden"]}
    out = []

    def found(kind: str, english: str, portuguese: str) -> None:
        if kind in by_kind:
            hits, of = by_kind[kind]["hits"], by_kind[kind]["of"]
            out.append((english.format(hits=hits, of=of), portuguese.format(hits=hits, of=of)))

    if name == "AAPL":
        found("iceberg_tape", "{hits} of {of} found on AAPL", "{hits} de {of} encontrados em AAPL")
        if "hidden_volume_ratio_5m" in hidden:
            ratio = hidden["hidden_volume_ratio_5m"]
            right, guess = f"{ratio['precision']['share']:.2f}", f"{ratio['base']['share']:.2f}"
            seconds, of = f"{ratio['base']['hits']:,}", f"{ratio['base']['of']:,}"
            out += [
                (
                    f"hidden second in {right} of cases, a guess in {guess}",
                    f"ocultas em {_comma(right)} dos casos, um chute em {_comma(guess)}",
                ),
                (
                    f"is right in {seconds} of {of} ({guess})",
                    f"acerta em {_comma(seconds)} de {_comma(of)} ({_comma(guess)})",
                ),
            ]
        if "iceberg_native" in hidden:
            native = hidden["iceberg_native"]
            hits, of = native["precision"]["hits"], native["precision"]["of"]
            every = round(native["recall"]["of"] / max(1, native["recall"]["hits"]))
            out.append(
                (
                    f"is right in {hits} of its {of} seconds, and finds one in {every}",
                    f"acerta em {hits} dos seus {of} segundos, e encontra um em {every}",
                )
            )
    if name == "ES":
        most = max((share["of"] for share in by_kind.values()), default=0)
        out.append((f"ES at most {most} of a kind", f"ES no máximo {most} por tipo"))
        found("iceberg_tape", "{hits} of {of} on ES", "{hits} de {of} em ES")
        if report["natives"] is not None:
            sizes = report["natives"]["sizes"]
            cases, complete, median = sizes["cases"], sizes["complete"], sizes["median"]
            out += [
                (
                    f"Of the {cases} icebergs of ES {complete} were executed to their end",
                    f"Dos {cases} icebergs de ES, {complete} foram executados até o fim",
                ),
                (f"the median is {median:.0f} contracts", f"a mediana é de {median:.0f} contratos"),
            ]
    if name == "BTCUSDT":
        found("ignition", "BTCUSDT {of} ignitions", "BTCUSDT {of} ignições")
        rows = f"{report['dropped']['recording']:,}"
        out.append((f"On BTCUSDT {rows} rows were dropped", f"descartou {_comma(rows)} níveis"))
    if name == "synthetic":
        found(
            "stuffing",
            "On the synthetic session {hits} of {of}",
            "No pregão sintético encontra {hits} de {of}",
        )
    return out


def missing(root: Path, reports: dict[str, Report]) -> list[str]:
    """Return what the prose of the pages would have to say and does not."""
    out = []
    for k, page in enumerate(PAGES):
        text = (root / page.path).read_text("utf-8")
        for name, report in reports.items():
            words = [both[k] for both in prose(name, report)]
            hours = page.figures(f"{report['hours']:.2f}")
            line = next(line for line in text.split("\n") if line.startswith(f"| {page.word(name)} |"))
            if hours not in line.split("|")[3]:
                out.append(f"{page.path}: {page.word(name)}, {hours} h")
            out += [f"{page.path}: {it}" for it in words if it not in text]
    return out


def _comma(text: str) -> str:
    return text.translate(str.maketrans(".,", ",."))


def _share(share: dict[str, float]) -> str:
    if not share["of"]:
        return "–"
    return f"{share['hits']}/{share['of']} ({share['low']:.2f}–{share['high']:.2f})"


def _number(x: float | None) -> str:
    if x is None:
        return "–"
    text = f"{x:,.0f}" if abs(x) >= 20 else f"{x:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text.replace("-", "−")


def _signed(x: float) -> str:
    return f"{x:+.1f}".replace("-", "−")


def main() -> int:
    """Measure, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the sets")
    parser.add_argument("--write", action="store_true", help="write the tables of both pages in place")
    given = parser.parse_args()
    reports = {name: measure(options, given.data.resolve()) for name, options in SETS.items()}
    root = Path(__file__).resolve().parents[1]
    for page in PAGES:
        path = root / page.path
        text = rewritten(path.read_text("utf-8"), page, reports)
        if given.write:
            path.write_text(text, "utf-8", newline="\n")
        else:
            print(page.path, *(line for line in text.split("\n") if line.startswith(("|", "#"))), sep="\n")
    lacking = missing(root, reports)
    for words in lacking:
        print(f"no longer said: {words}", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
