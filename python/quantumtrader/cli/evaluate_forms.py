"""``quantumtrader evaluate forms``: published forms of microstructure, measured on a recording."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output, targets
from quantumtrader.cli.features_compute import show_ns
from quantumtrader.cli.import_ import show_rejected
from quantumtrader.cli.source_options import (
    UNSAID,
    AsJson,
    Config,
    Source,
    Symbol,
    reads_source,
)

if TYPE_CHECKING:
    from quantumtrader.evaluation import Forms

_FILES = ("forms.json", "forms.png", "forms.svg")
_LAGS_SHOWN = (1, 2, 5, 10, 20, 50, 100)


@reads_source
def command(
    input: Annotated[
        Path, typer.Option("--input", "-i", readable=False, help="File, folder or lake of a recording.")
    ],
    symbol: Symbol,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder for forms.json, forms.png and forms.svg; they are replaced."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="A picture of its own: .png, .svg or .pdf.")
    ] = None,
    interval_s: Annotated[
        float, typer.Option("--interval-s", help="Seconds over which moves and imbalances are taken.")
    ] = 10.0,
    window_s: Annotated[
        float, typer.Option("--window-s", help="Seconds of one regression: 30 intervals or more.")
    ] = 1800.0,
    levels: Annotated[int, typer.Option(min=1, max=50, help="Levels of the book.")] = 10,
    lags: Annotated[int, typer.Option(min=1, max=100_000, help="Lags of the autocorrelation.")] = 100,
    source: Source = UNSAID,
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Measure published forms of market microstructure on a recording.

    Impact of order flow and of trades, window by window, beside what chance gives; what deeper levels add, on the
    same data and on data that the coefficients have not seen; the memory of trade signs; the next mid move by queue
    imbalance. Pictures need the extra plot, with matplotlib.
    """
    from quantumtrader import _backend
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.data.source import load_events
    from quantumtrader.evaluation import measure_forms, plot_forms
    from quantumtrader.evaluation.forms import grid
    from quantumtrader.exceptions import ConfigError

    if out is not None:
        targets.check_folder(out, _FILES, {"input": input, "config": config}, overwrite=True)
    try:
        grid(interval_s, window_s)
    except ConfigError as error:
        hint = "--interval-s" if str(error).startswith("interval_s") else "--window-s"
        raise typer.BadParameter(str(error), param_hint=hint) from error
    given = source.instrument()
    settings = with_instrument(load_settings(config), symbol, given)
    loaded = load_events(
        input,
        symbol,
        settings,
        format=source.format,
        options=source.options(),
        start=None if start is None else start.date(),
        end=None if end is None else end.date(),
        pack=_backend.core().pack_events,
    )
    with output.progress(f"measuring {input.name}"):
        forms = measure_forms(
            loaded.events, interval_s=interval_s, window_s=window_s, levels=levels, lags=lags
        )
    name = loaded.instrument.symbol
    document: dict[str, Any] = {
        "symbol": name,
        "source": loaded.description,
        "tick_size": loaded.instrument.tick_size,
        "size_step": loaded.instrument.size_step,
        "engine": _backend.engine().name,
        "forms": forms,
        "rejected": len(loaded.rejected),
        "notes": [*loaded.notes, *_remarks(forms)],
    }
    written = []
    if out is not None:
        written.append(_write(out / _FILES[0], output.as_json(document)))
    pictures = [] if out is None else [out / name for name in _FILES[1:]]
    written += [plot_forms({name: forms}, path) for path in (*pictures, *([] if plot is None else [plot]))]
    if as_json:
        output.print_json({**document, "files": written})
        return
    _print(name, forms)
    show_rejected(loaded.rejected, None)
    for text in document["notes"]:
        output.note(f"note: {text}")
    for path in written:
        from rich.markup import escape

        output.line(escape(str(path)))


def _write(path: Path, text: str) -> Path:
    from quantumtrader.exceptions import DataAccessError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise DataAccessError(
            f"cannot be written ({error.strerror or error})", path=path, remedy="Choose another folder"
        ) from error
    return path


def _remarks(forms: Forms) -> list[str]:
    """What a reader of the tables has to know."""
    out = []
    if forms.synthetic:
        out.append(
            "SYNTHETIC: made by a generator; this says how the generator works, nothing about a market"
        )
    if forms.intervals and not forms.r2_by_depth:
        out.append(
            "order flow is not measured: the touch has no sizes, or no window has enough intervals; "
            "impact is shown for trades only"
        )
    if forms.inferred_sides > 0:
        out.append(
            f"{forms.inferred_sides:.0%} of the signed trades have a side inferred by a rule, which makes runs of its own"
        )
    if forms.windows_left_out:
        out.append(
            f"{forms.windows_left_out} windows are left out: fewer than 30 usable intervals, or a mid that moved less than "
            "twice"
        )
    if forms.sign_acf and forms.positive_lags < min(40, len(forms.sign_acf)):
        out.append(
            f"the autocorrelation is positive at {forms.positive_lags} of the first "
            f"{min(50, len(forms.sign_acf))} lags: its exponent means little"
        )
    return out


def _print(name: str, forms: Forms) -> None:
    mark = " · SYNTHETIC" if forms.synthetic else ""
    output.table(
        f"{name}{mark}: impact over {forms.interval_s:g} s, {forms.usable:,} of {forms.intervals:,} intervals usable",
        (
            "window (UTC)",
            "n",
            "beta",
            "R² flow",
            "R² trades",
            "R² next",
            "R² random",
            "depth",
            "beta × depth",
        ),
        [
            (
                show_ns(fit.start_ns)[:19],
                fit.intervals,
                _number(fit.beta, ".3g"),
                *(_number(x) for x in (fit.r2_ofi, fit.r2_trades, fit.r2_next, fit.r2_placebo)),
                _number(fit.depth, ",.1f"),
                _number(fit.beta_times_depth),
            )
            for fit in forms.windows
        ],
    )
    if not math.isnan(forms.depth_exponent):
        output.line(f"beta = c / depth^λ over the windows: λ = {forms.depth_exponent:.2f}")
    if forms.r2_by_depth:
        unseen = forms.r2_unseen_by_depth or (math.nan,) * len(forms.r2_by_depth)
        output.table(
            f"{name}{mark}: R² by depth",
            ("levels", "seen", "adjusted", "unseen"),
            [
                (m, *map(_number, row))
                for m, row in enumerate(
                    zip(forms.r2_by_depth, forms.adjusted_r2_by_depth, unseen, strict=True), 1
                )
            ],
        )
    if forms.sign_acf:
        shown = [k for k in _LAGS_SHOWN if k <= len(forms.sign_acf)]
        output.table(
            f"{name}{mark}: autocorrelation of the signs of {forms.parents:,} parent orders, "
            f"lag^-γ with γ = {_number(forms.sign_exponent, '.2f') or 'none'}",
            ("lag", *map(str, shown)),
            [("", *(_number(forms.sign_acf[k - 1]) for k in shown))],
        )
    if not math.isnan(forms.auc):
        output.table(
            f"{name}{mark}: next mid move by queue imbalance, {forms.mid_moves:,} moves, AUC = {forms.auc:.3f}",
            ("imbalance", "updates", "share up"),
            [
                (f"{k / 10:.1f} … {(k + 1) / 10:.1f}", n, _number(share))
                for k, (n, share) in enumerate(
                    zip(forms.updates_by_imbalance, forms.up_by_imbalance, strict=True)
                )
            ],
        )


def _number(value: float, form: str = ".3f") -> str:
    return "" if math.isnan(value) else format(value, form)
