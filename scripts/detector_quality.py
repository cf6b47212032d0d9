"""Measure the detectors on recorded sets and print the tables of docs/concepts/detector-quality.md.

``python scripts/detector_quality.py DATA`` where DATA is the folder that holds the sets. Each set is measured with
``quantumtrader evaluate detectors``; the commands are in ``SETS``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from quantumtrader.cli import main as cli

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


def measure(options: str, data: Path) -> Report:
    """Run the command and return its report."""
    given = [word.replace("DATA", str(data)) for word in options.split()]
    text = io.StringIO()
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(text):
        os.chdir(empty)  # no settings file of the reader's
        try:
            cli.app(["evaluate", "detectors", *given, "--json"], standalone_mode=False)
        finally:
            os.chdir(here)
    report: Report = json.loads(text.getvalue())["report"]
    return report


def injected(report: Report) -> list[str]:
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
        rows.append(_row(cells))
    return rows


def proven(name: str, report: Report) -> list[str]:
    """Return the rows of one set in the table of what a recording proves."""
    out = []
    if report["natives"] is not None:
        found = report["natives"]
        out.append((f"{name}: native icebergs", _share(found["recall"]), _share(found["precision"])))
    for hidden in report["hidden"]:
        shares = _share(hidden["recall"]), _share(hidden["precision"])
        out.append((f"{name}: hidden seconds, `{hidden['name']}`", *shares))
    if report["sweeps"] is not None:
        found = report["sweeps"]
        out.append((f"{name}: one time, `sweep`", _share(found["recall"]), _share(found["precision"])))
    return [_row(cells) for cells in out]


def after(name: str, report: Report) -> list[str]:
    """Return the rows of one set in the table of the mid after absorptions."""
    return [
        _row(
            (f"{name}: {one['name']}", str(one["cases"]), _share(one["towards"]), _signed(one["mean_ticks"]))
        )
        for one in report["absorbed"]
    ]


def controls(reports: dict[str, Report]) -> list[str]:
    """Return the rows of the table of controls, sets side by side: recorded / shuffled sides / shuffled times."""
    by_kind: dict[str, list[str]] = {}
    for report in reports.values():
        for one in report["controls"]:
            cell = " / ".join(map(_number, (one["recorded"], *one["by_control"].values())))
            by_kind.setdefault(one["kind"], []).append(cell)
    return [_row((kind, *cells)) for kind, cells in by_kind.items()]


def recorded(report: Report) -> dict[str, str]:
    """Return detections per hour of the recording as it is, of the kinds that were injected."""
    return {one["kind"]: _number(one["background_per_hour"]) for one in report["injected"]}


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


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the rows of the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    given = parser.parse_args()
    reports = {name: measure(options, given.data.resolve()) for name, options in SETS.items()}
    for name, report in reports.items():
        print(f"\n{name}, {report['hours']:.2f} h\n", *injected(report), sep="\n")
    for what in (proven, after):
        print("", *(row for name, report in reports.items() for row in what(name, report)), sep="\n")
    print("", *controls(reports), sep="\n")


if __name__ == "__main__":
    main()
