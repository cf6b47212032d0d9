"""Measure the published forms on recorded sets and print the tables of docs/concepts/published-forms.md.

``python scripts/published_forms.py DATA [--figure FILE.svg]`` where DATA is the folder that holds the sets. Each set is
measured with ``quantumtrader evaluate forms``; the commands are in ``SETS``.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from evaluate_json import evaluate_json

from quantumtrader.evaluation import Forms, ImpactFit, plot_forms

_USD = "--point-value 1 --currency USD"
_SHORT = "--interval-s 1 --window-s 60"

SETS = {
    "AAPL": f"-i DATA/lobster_aapl_l50_1h -s AAPL --date 2012-06-21 --timezone America/New_York --tick-size 0.01 {_USD}",
    "ESH4": "-i DATA/cme_es_mbo_20231225 -s ESH4 --timezone America/Chicago --hours 17:00-16:00 --tick-size 0.25 "
    "--point-value 50 --currency USD",
    "BTCUSDT": f"-i DATA/binance_l2_20240808/usdm_btcusdt -s BTCUSDT --tick-size 0.1 --size-step 0.001 {_USD} {_SHORT}",
    "ETHUSDT": f"-i DATA/binance_l2_20240808/usdm_ethusdt -s ETHUSDT --tick-size 0.01 --size-step 0.001 {_USD} {_SHORT}",
    "BTCUSD perpetual": f"-i DATA/binance_l2_20240808/cm_btcusd_perp -s BTCUSDPERP --tick-size 0.1 {_USD} {_SHORT}",
    "AMZN": f"-i DATA/lobster_amzn_l1_day -s AMZN --date 2012-06-21 --timezone America/New_York --tick-size 0.01 {_USD}",
    "IF2101": "-i DATA/cffex_if_ticks_202101 -s IF2101 --format wondertrader --timezone Asia/Shanghai "
    "--hours 09:30-15:00 --tick-size 0.2 --point-value 300 --currency CNY",
    "BTCUSD Bitstamp": "-i DATA/bitstamp_btcusd_l3_20150501 -s BTCUSD --format bitstamp --tick-size 0.01 "
    f"--size-step 0.00001 {_USD}",
    "DOLK20": "-i DATA/b3_dol_ticks_20200402 -s DOLK20",
}
"""Set to the options of ``quantumtrader evaluate forms``."""
_NOT_DRAWN = ("BTCUSD Bitstamp",)
"""Its usable intervals are the quiet ones."""


def measure(options: str, data: Path) -> Forms:
    """Run the command and return what it measured."""
    return read(evaluate_json("forms", options, data)["forms"])


def read(document: dict[str, Any]) -> Forms:
    """Make Forms of its JSON."""

    def value(x: Any) -> Any:
        if isinstance(x, list):
            return tuple(value(item) for item in x)
        return math.nan if x is None else x

    windows = tuple(ImpactFit(**{k: value(x) for k, x in fit.items()}) for fit in document["windows"])
    return Forms(**{k: value(x) for k, x in document.items()} | {"windows": windows})


def tables(forms: dict[str, Forms]) -> str:
    """Return the tables in Markdown; ranges are over windows."""
    impact = [
        (
            name,
            f"{one.interval_s:g} s",
            f"{len(one.windows)}",
            f"{sum(fit.intervals for fit in one.windows):,}",
            *(_range(one, field) for field in ("r2_ofi", "r2_trades", "r2_next", "r2_placebo")),
            _range(one, "beta_times_depth"),
            _number(one.depth_exponent),
        )
        for name, one in forms.items()
    ]
    depth = [
        (
            name,
            *(
                _number(series[m - 1]) if m <= len(series) else "–"
                for m in (1, 5, 10)
                for series in _by_depth(one)
            ),
        )
        for name, one in forms.items()
        if one.r2_by_depth
    ]
    signs = [
        (
            name,
            f"{one.parents:,}",
            f"{one.inferred_sides:.0%}",
            *(_number(one.sign_acf[k - 1]) for k in (1, 10, 50)),
            _number(one.sign_exponent),
            f"{one.positive_lags} of 50",
        )
        for name, one in forms.items()
    ]
    moves = [
        (
            name,
            f"{sum(one.updates_by_imbalance):,}",
            f"{one.mid_moves:,}",
            *(_number(one.up_by_imbalance[k]) for k in (0, 4, 9)),
            _number(one.auc),
        )
        for name, one in forms.items()
        if one.mid_moves
    ]
    return "\n\n".join(
        _table(head, rows)
        for head, rows in (
            (
                "set|interval|windows|n|R² flow|R² trades|R² next interval|R² random order|beta × depth|λ",
                impact,
            ),
            (
                "set|1 level|adjusted|unseen|5 levels|adjusted|unseen|10 levels|adjusted|unseen",
                depth,
            ),
            ("set|parent orders|inferred sides|lag 1|lag 10|lag 50|γ|positive lags", signs),
            ("set|updates|mid moves|up, lowest tenth|up, fifth tenth|up, highest tenth|AUC", moves),
        )
    )


def _by_depth(one: Forms) -> tuple[tuple[float, ...], ...]:
    return one.r2_by_depth, one.adjusted_r2_by_depth, one.r2_unseen_by_depth


def _range(one: Forms, field: str) -> str:
    values = [getattr(fit, field) for fit in one.windows]
    values = [x for x in values if not math.isnan(x)]
    if not values:
        return "–"
    return f"{_number(sum(values) / len(values))} ({_number(min(values))} … {_number(max(values))})"


def _number(x: float) -> str:
    if math.isnan(x):
        return "–"
    # Adding zero turns a negative zero into zero.
    return f"{round(x, 2) + 0.0:.2f}".replace("-", "−")


def _table(head: str, rows: list[tuple[str, ...]]) -> str:
    columns = head.split("|")
    lines = [columns, ["---", *["--:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print the tables, and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    forms = {name: measure(options, given.data.resolve()) for name, options in SETS.items()}
    print(tables(forms))
    if given.figure is not None:
        plot_forms({name: one for name, one in forms.items() if name not in _NOT_DRAWN}, given.figure)


if __name__ == "__main__":
    main()
