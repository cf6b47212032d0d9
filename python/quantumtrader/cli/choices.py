"""What options may be given, for every command: shown by ``--help``, checked before anything is read.

The names are written down here because importing the modules that define them would make ``--help`` slow; a test
holds them against those modules.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

_BOOK_TARGETS = (
    "direction_05",
    "direction_1",
    "direction_2",
    "direction_4",
    "spread_change",
    "price_move_1min",
    "order_imbalance",
)

CHOICES = {
    "strategy": ("bar_trend_baseline", "hybrid", "model", "order_flow_baseline"),
    "format": (
        "b3-trades",
        "bars",
        "binance",
        "bitstamp",
        "collector",
        "journal",
        "lobster",
        "mbo",
        "mt5-bars",
        "mt5-ticks",
        "profit-candles",
        "profit-trades",
        "wondertrader",
        "xquotes",
    ),
    "queue": ("pessimistic", "proportional", "exact"),
    "warmup": ("full", "partial"),
    "rlp_sign": ("drop", "quote"),
    "lang": ("en", "pt"),
    "decimal": ("auto", ",", "."),
    "infer_side": ("auto", "none", "quote", "tick"),
    "out_of_order": ("error", "reject", "sort"),
    "compression": ("zstd", "snappy"),
    "source": ("generator", "simulator", "profitdll"),
    "on_client_lost": ("keep", "cancel"),
    "transport": ("auto", "unix", "tcp"),
    "every": ("block", "session"),
    "family": ("order_flow", "tape_reading", "footprint", "liquidity", "microstructure", "technical"),
    "candidates": ("standard", "quick", "tuned", "deep"),
    "classes": ("side", "touch"),
    "gaps": ("refuse", "drop"),
    "ensemble": ("stacking", "weighted"),
    "label": ("side", "touch", *_BOOK_TARGETS, "volatility", "meta", "fill", "markout"),
    "side": ("buy", "sell", "both"),
    "target": ("direction", *_BOOK_TARGETS),
    "set": (
        "all",
        "tick_only",
        "book_enhanced",
        "bars",
        "order_flow",
        "tape_reading",
        "footprint",
        "liquidity",
        "microstructure",
        "technical",
        "hmarl",
        "kyle_lambda",
        "delta_divergence",
        "divergence",
        "micro_price",
        "volume_profile",
        "accumulation_distribution",
        "spoofing",
        "candlestick_patterns",
    ),
}
"""Parameter of a command to the values it takes."""

SHAPES = {
    "clock": (
        re.compile(r"event|bar|0*[1-9]\d*(ns|us|ms|s|m|h|trades)"),
        "CLOCK",
        "event, bar, a time step above zero such as 100ms (ns us ms s m h), or a count such as 50trades",
    ),
    "scheduler": (
        re.compile(r"(tcp|tls|ucx|ws|wss)://\S+:\d+"),
        "ADDRESS",
        "an address such as tcp://10.0.0.5:8786",
    ),
    "pace": (re.compile(r"max|(?!0+(\.0+)?x)\d+(\.\d+)?x"), "SPEED", "max, 1x, 10x or another speed"),
}
"""Parameter of a command to the pattern of its values, how help shows them, and in words."""

_STEP_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9}
_MOST = 2**63 - 1
"""What the engines count to."""
_FINEST_NS = 60_000
"""With shorter steps a quiet minute, which any market has, makes more than the million rows that the engines allow."""

PICTURES = (".png", ".svg", ".pdf")
"""Endings of pictures."""
POSITIVE = (
    "tick_size",
    "point_value",
    "size_step",
    "lot",
    "spread_ticks",
    "least_ticks",
    "half_life",
    "wait_s",
    "after_s",
)
AT_LEAST = {"interval_s": 1e-6, "speed": 0.01}
AT_MOST = {
    "interval_s": 1e6,
    "latency_ms": 3_600_000.0,
    "horizon_s": 1e8,
    "every_s": 1e8,
    "heartbeat_s": 1e8,
    "wait_s": 1e8,
    "after_s": 1e8,
    "fee": 1e9,
    "tick_size": 1e9,
    "point_value": 1e12,
    "gap_seconds": 1e9,
    "speed": 10_000.0,
}
METAVARS = {
    "day": "YYYY-MM-DD",
    "start": "YYYY-MM-DD",
    "end": "YYYY-MM-DD",
    "feature": "NAME",
    "features": "NAME,NAME",
    "tick_features": "NAME,NAME",
    "book_features": "NAME,NAME",
    "param": "NAME=VALUE",
    "half_life": "SESSIONS",
}

SUMMARIES = {
    "demo": "Trade a seeded synthetic WDO session and write a report; nothing real is touched.",
    "replay": "Replay a recording through strategy, risk and venue, and write a report.",
    "import": "Import market data from another program's files into the lake.",
    "validate": "Check a journal, a lake or a raw source: order, gaps, grid, duplicates, crossed books, coverage.",
    "label": "Write the labels of a recording as Parquet: spans, classes, what was left out and why.",
    "report": "Write the offline page of a training: report.html in its folder, replaced where it is there.",
    "collect": "Record every event of some symbols into journals, and bring them into the lake after each session.",
    "run": "Trade one contract live. Orders are on paper unless --real is given.",
    "gateway": "Run the vendor's library in a process of its own, for clients on this machine that run as the same user.",
    "doctor": "Show the engine in force, versions, extras, folders, ProfitDLL and clock, and what to do about gaps.",
}
"""Command to the first words of its help, for the page that lists them all: it builds none of them."""

EXAMPLES = {
    "demo": (
        "quantumtrader demo --seed 8 --minutes 60",
        "quantumtrader demo --strategy model -p folder=models/wdo_dir/1.4.0",
    ),
    "replay": (
        "quantumtrader replay -i ticks.csv -s DOLK20 -o out/first --fee 1.20",
        "quantumtrader replay -i data/lake -s WDOU25 -o out/wdo --clock 1s --feature cvd_session",
    ),
    "import": ("quantumtrader import ticks.csv -s DOLK20 --out data/lake",),
    "validate": (
        "quantumtrader validate ticks.csv -s DOLK20",
        "quantumtrader validate data/lake -s WDOU25 --json",
        "quantumtrader validate data/journal/2025-08-15_WDOU25_001.qtj",
    ),
    "report": ("quantumtrader report out/tick", "quantumtrader report out/tick --lang pt --open"),
    "collect": (
        "quantumtrader collect -s WDOU25 -s WINQ25",
        "quantumtrader collect -s WDOU25 --now --duration 30m --json",
        "quantumtrader collect --roll-only --keep-days 30",
    ),
    "run": (
        "quantumtrader run --duration 10m",
        "quantumtrader run --dll C:\\Profit\\ProfitDLL.dll --ticker WDO",
        "quantumtrader run --verify data/live/2026-10-09_WDOX26_001",
    ),
    "gateway": (
        "quantumtrader gateway --simulator",
        "quantumtrader gateway --dll C:/Profit/ProfitDLL64.dll --orders --on-client-lost cancel",
    ),
    "credentials set": ("quantumtrader credentials set password",),
    "credentials show": ("quantumtrader credentials show --json",),
    "doctor": ("quantumtrader doctor", "quantumtrader doctor --login"),
    "version": ("quantumtrader version --json",),
    "features list": (
        "quantumtrader features list --family order_flow",
        "quantumtrader features list --set tick_only --search imbalance",
    ),
    "features show": ("quantumtrader features show hmarl_ofi_1m",),
    "features compute": (
        "quantumtrader features compute -i ticks.csv -s DOLK20 --set tick_only -o out/dol.parquet",
        "quantumtrader features compute -i data/lake -s WDOU25 -f flow_ofi_1m,cvd_session --clock 1s -o out/wdo.parquet",
    ),
    "features check": (
        "quantumtrader features check out/dol.parquet",
        "quantumtrader features check out/dol.parquet --input ticks.csv --reference out/trained.parquet",
    ),
    "fit microprice": (
        "quantumtrader fit microprice -i data/lake -s WDOU25 --end 2025-07-31 -o fits/microprice.json",
        "quantumtrader features compute -i data/lake -s WDOU25 --start 2025-08-01 -f microprice_dev "
        "--fitted fits/microprice.json -o out/wdo.parquet",
    ),
    "fit pin": (
        "quantumtrader fit pin -i data/lake -s WDOU25 -o fits/pin.json",
        "quantumtrader fit pin -i data/lake -s WDOU25 --every session -o fits/pin.json --overwrite",
    ),
    "fit vpin": ("quantumtrader fit vpin -i data/lake -s WDOU25 --end 2025-07-31 -o fits/vpin.json",),
    "features plot": (
        "quantumtrader features plot out/dol.parquet -f flow_ofi_1m,cvd_session -o out/flow.png",
        "quantumtrader features plot out/dol.parquet --correlations -o out/correlations.svg",
    ),
    "train tick": (
        "quantumtrader train tick -i WDO_5min.csv -s WDOFUT -o out/wdo --workers 2",
        "quantumtrader train tick -i data/lake -s WDOU25 -o out/wdo --scheduler tcp://10.0.0.5:8786",
    ),
    "train book": (
        "quantumtrader train book -i data/lake -s WDOU25 -o out/book --target direction --workers 2",
        "quantumtrader train book -i message_50.parquet -s AAPL -o out/aapl --tick-size 0.01 --point-value 1 "
        "--currency USD --date 2012-06-21",
    ),
    "train dual": (
        "quantumtrader train dual -s WDOFUT -o out/dual --ticks WDO_1min.csv --book data/lake",
        "quantumtrader train dual -s WDOFUT -o out/dual --synthetic --candidates quick",
    ),
    "label": (
        "quantumtrader label -i WDO_5min.csv -s WDOFUT -o out/labels.parquet",
        "quantumtrader label --kind fill -i data/lake -s WDOU25 -o out/fills.parquet --side buy --wait-s 5",
    ),
    "models list": ("quantumtrader models list --models out/models",),
    "models show": ("quantumtrader models show wdo_dir", "quantumtrader models show wdo_dir 1.4.0 --json"),
    "models verify": ("quantumtrader models verify wdo_dir 1.4.0",),
    "models observe": (
        "quantumtrader models observe wdo_dir 1.4.0 -i data/lake -s WDOU25 --fee 1.20",
        "quantumtrader models observe wdo_dir 1.4.0 --session out/live/0908 --session out/live/0909",
    ),
    "models promote": ('quantumtrader models promote wdo_dir 1.4.0 --why "ten quiet shadow sessions"',),
    "models rollback": ('quantumtrader models rollback wdo_dir --why "slippage doubled"',),
    "models retire": ('quantumtrader models retire wdo_dir 1.3.0 --why "replaced"',),
    "evaluate detectors": (
        "quantumtrader evaluate detectors",
        "quantumtrader evaluate detectors -i data/lake -s WDOU25 --kinds sweep,spoofing",
    ),
    "evaluate model": (
        "quantumtrader evaluate model wdo_dir",
        "quantumtrader evaluate model wdo_dir 1.4.0 -i data/lake --json",
    ),
    "evaluate forms": (
        "quantumtrader evaluate forms -i data/lake -s WDOU25 -o out/forms",
        "quantumtrader evaluate forms -i data/usdm_btcusdt -s BTCUSDT --tick-size 0.1 --point-value 1 "
        "--currency USDT --size-step 0.001 --interval-s 1 --window-s 60",
    ),
}
"""Command to one or two ways to call it."""


def given(ctx: typer.Context, names: Iterable[str] | None = None) -> list[str]:
    """Return the options that the command line names, as it writes them: all of them, or some.

    Parameters
    ----------
    ctx : typer.Context
        Of the command.
    names : iterable of str, optional
        Parameters to look at.
    """
    wanted = None if names is None else set(names)
    return [
        max(p.opts, key=len)
        for p in ctx.command.params
        if (wanted is None or p.name in wanted)
        and p.param_type_name == "option"
        and getattr(ctx.get_parameter_source(str(p.name)), "name", "") == "COMMANDLINE"
    ]


def epilog(command: str) -> str:
    """Return the examples at the end of a command's help."""
    return "\n\n".join(("Examples:", *EXAMPLES[command]))


class Command(TyperCommand):
    """A command whose options say what they take, and refuse the rest as wrong usage (exit code 2)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for option in self.params:
            name = str(option.name)
            if name in CHOICES:
                option.metavar = "NAME"
                words = getattr(option, "help", None) or ""
                if not all(value in words for value in CHOICES[name]):
                    option.help = f"{words} One of: {', '.join(CHOICES[name])}."  # type: ignore[attr-defined]
            elif name in SHAPES:
                option.metavar = SHAPES[name][1]
            elif name in METAVARS:
                option.metavar = METAVARS[name]
            if name in ("feature", "features", "tick_features", "book_features"):
                option.help = f"{option.help} Names: quantumtrader features list."  # type: ignore[attr-defined]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Check what was given."""
        rest = super().parse_args(ctx, args)
        for name, value in ctx.params.items():
            if value is not None and value != "":
                try:
                    check(name, value)
                except ValueError as error:
                    hint = next(p.opts[0] for p in self.params if p.name == name)
                    raise typer.BadParameter(str(error), ctx=ctx, param_hint=hint) from error
        return list(rest)


def check(name: str, value: Any) -> None:
    """Check the value of one option.

    Raises
    ------
    ValueError
        The message says what the option takes.
    """
    own = name == "strategy" and ":" in value  # FILE.py:Class, which the registry looks at
    for one in value if isinstance(value, (list, tuple)) else (value,):
        if name in CHOICES and one not in CHOICES[name] and not own:
            raise ValueError(f"{one!r} is not known; use one of {', '.join(CHOICES[name])}")
    if name in SHAPES and not SHAPES[name][0].fullmatch(value):
        raise ValueError(f"{value!r} is not known; use {SHAPES[name][2]}")
    if name == "clock":
        _check_clock(value)
    if name == "plot" and isinstance(value, Path) and value.suffix.lower() not in PICTURES:
        raise ValueError(f"a picture cannot be written as {value.name!r}; end it with {', '.join(PICTURES)}")
    if name == "param":
        for pair in value:
            if pair.partition("=")[2].strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
                raise ValueError(f"{pair!r} is not a finite number")
    for one in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(one, (int, float)) and not isinstance(one, bool):
            _check_number(name, one)


def _check_number(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    if name in POSITIVE and value <= 0:
        raise ValueError(f"{value} is not above 0")
    if value < AT_LEAST.get(name, -math.inf):
        raise ValueError(f"{value:g} is less than {AT_LEAST[name]:g}")
    if value > AT_MOST.get(name, math.inf):
        raise ValueError(f"{value:g} is more than {AT_MOST[name]:g}")


def _check_clock(text: str) -> None:
    """Refuse a step of time or a count that no engine can take."""
    digits = re.match(r"\d+", text)
    if digits is None:
        return
    unit = text[digits.end() :]
    step = int(digits[0]) * _STEP_NS.get(unit, 1)
    if step > _MOST:
        most = f"{_MOST} trades" if unit == "trades" else "292 years"
        raise ValueError(f"{text!r} is more than {most}: no row would ever be due")
    if unit in _STEP_NS and step < _FINEST_NS:
        raise ValueError(
            f"{text!r} is too fine: a quiet minute would make {60 * 10**9 // step:,} rows; use 60us or more, or the clock "
            "event"
        )
