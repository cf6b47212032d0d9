"""Options of every command that reads market data: how to read the source, and what the instrument is.

``import``, ``validate`` and ``replay`` take them in the same words and with the same meaning.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from quantumtrader.cli import targets

if TYPE_CHECKING:
    from quantumtrader.config import Settings
    from quantumtrader.data.importers import Options
    from quantumtrader.features import DetectorSettings

_SOURCE = "How the source is read"
_INSTRUMENT = "What the instrument is (for this run; beats the table and the settings)"

Symbol = Annotated[
    str, typer.Option("--symbol", "-s", help="Contract, series, or an instrument of your own.")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file in place of ./quantumtrader.toml.")
]
FittedFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--fitted",
        readable=False,
        help="File of quantumtrader fit, once for each kind; in place of the section fitted of the settings.",
    ),
]
DetectorFile = Annotated[
    Path | None,
    typer.Option(
        "--detector-settings",
        readable=False,
        help="TOML file of detector thresholds; in place of the section detectors of the settings.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


_RISK = "What the risk manager allows (for this run; beats the section risk of the settings)"

DailyLoss = Annotated[
    float | None,
    typer.Option(
        "--daily-loss",
        help="Loss of a session at which trading stops for the day. Default 1000.",
        rich_help_panel=_RISK,
        show_default=False,
    ),
]
MaxPosition = Annotated[
    int | None,
    typer.Option(
        "--max-position", help="Contracts held. Default 5.", rich_help_panel=_RISK, show_default=False
    ),
]
MaxOrderSize = Annotated[
    int | None,
    typer.Option(
        "--max-order-size",
        help="Contracts in one order. Default 5.",
        rich_help_panel=_RISK,
        show_default=False,
    ),
]


def read_detectors(file: Path | None, settings: Settings | None = None) -> DetectorSettings | None:
    """Read the thresholds of ``--detector-settings``, else those of the settings; None where nobody says any.

    Raises
    ------
    typer.BadParameter
        Usage error (exit code 2): the file is no TOML, there is no such threshold, or a value is out of its range.
    ConfigError
        The same of the settings.
    DataAccessError
        The file cannot be read.
    """
    from quantumtrader.exceptions import ConfigError
    from quantumtrader.features.given import given_detectors

    if file is None:
        return given_detectors(settings)
    try:
        return given_detectors(settings, file)
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="--detector-settings") from error


def make_risk(
    daily_loss: float | None, max_position: int | None, max_order_size: int | None
) -> dict[str, Any]:
    """Gather what the command line says of ``[risk]``."""
    given = {"daily_loss": daily_loss, "max_position": max_position, "max_order_size": max_order_size}
    return {name: value for name, value in given.items() if value is not None}


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Check a choice.

    Raises
    ------
    typer.BadParameter
        Usage error (exit code 2).
    """
    if value not in allowed:
        raise typer.BadParameter(f"{option} is {value!r}; use one of {', '.join(allowed)}")


@dataclass(frozen=True, slots=True)
class Source:
    """What the command line says of a source and of its instrument; every field is an option."""

    format: Annotated[
        str | None,
        typer.Option(
            "--format", help="Source format; found by looking when left out.", rich_help_panel=_SOURCE
        ),
    ] = None
    decimal: Annotated[
        str,
        typer.Option(
            "--decimal", help="Decimal mark of text files: auto, ',' or '.'.", rich_help_panel=_SOURCE
        ),
    ] = "auto"
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone",
            help="IANA zone of times that carry none, and of --hours.",
            rich_help_panel=_SOURCE,
        ),
    ] = None
    day: Annotated[
        str | None,
        typer.Option(
            "--date", help="YYYY-MM-DD, for files that hold times of day only.", rich_help_panel=_SOURCE
        ),
    ] = None
    infer_side: Annotated[
        str,
        typer.Option(
            "--infer-side", help="Missing aggressors: auto, none, quote or tick.", rich_help_panel=_SOURCE
        ),
    ] = "auto"
    out_of_order: Annotated[
        str,
        typer.Option(
            "--out-of-order", help="Rows back in time: error, reject or sort.", rich_help_panel=_SOURCE
        ),
    ] = "error"
    bar_seconds: Annotated[
        int | None, typer.Option("--bar-seconds", min=1, help="Length of bars.", rich_help_panel=_SOURCE)
    ] = None
    tick_size: Annotated[
        float | None,
        typer.Option("--tick-size", help="Price of one tick, in points.", rich_help_panel=_INSTRUMENT),
    ] = None
    point_value: Annotated[
        float | None,
        typer.Option("--point-value", help="Money per point and contract.", rich_help_panel=_INSTRUMENT),
    ] = None
    currency: Annotated[
        str | None,
        typer.Option(
            "--currency",
            help="Of that money, e.g. USD; needed like the two before.",
            rich_help_panel=_INSTRUMENT,
        ),
    ] = None
    lot: Annotated[
        int | None,
        typer.Option("--lot", help="Contracts that orders are multiples of.", rich_help_panel=_INSTRUMENT),
    ] = None
    size_step: Annotated[
        float | None,
        typer.Option(
            "--size-step", help="One contract in the source's unit, e.g. 0.001.", rich_help_panel=_INSTRUMENT
        ),
    ] = None
    fee: Annotated[
        float | None,
        typer.Option(
            "--fee",
            min=0,
            help="Money per contract and side; beats the section fees of the settings.",
            rich_help_panel=_INSTRUMENT,
        ),
    ] = None
    hours: Annotated[
        str | None,
        typer.Option(
            "--hours",
            help="HH:MM-HH:MM in --timezone; 17:00-16:00 opens the evening before.",
            rich_help_panel=_INSTRUMENT,
        ),
    ] = None

    def options(self) -> Options:
        """Return the options of importers; a value that is not allowed is a usage error."""
        from datetime import date

        from quantumtrader.data.importers import Options

        one_of("--decimal", self.decimal, ("auto", ",", "."))
        one_of("--infer-side", self.infer_side, ("auto", "none", "quote", "tick"))
        one_of("--out-of-order", self.out_of_order, ("error", "reject", "sort"))
        try:
            when = None if self.day is None else date.fromisoformat(self.day)
        except ValueError as error:
            raise typer.BadParameter(f"--date is {self.day!r}; write YYYY-MM-DD") from error
        return Options(
            decimal=self.decimal,  # type: ignore[arg-type]  # checked above, as the next two
            timezone=self.timezone,
            date=when,
            infer_side=self.infer_side,  # type: ignore[arg-type]
            out_of_order=self.out_of_order,  # type: ignore[arg-type]
            bar_seconds=self.bar_seconds,
        )

    def instrument(self) -> dict[str, Any]:
        """Return what is said of the instrument; see ``config.with_instrument``.

        ``timezone`` is also that of the file's times, which need not be the exchange's: it becomes the instrument's
        only together with ``hours``, or with both numbers that define an instrument.
        """
        defines = self.tick_size is not None and self.point_value is not None
        given: dict[str, Any] = {
            "tick_size": self.tick_size,
            "point_value": self.point_value,
            "currency": self.currency,
            "lot": self.lot,
            "size_step": self.size_step,
            "fee": self.fee,
            "timezone": self.timezone if self.hours is not None or defines else None,
        }
        if self.hours is not None:
            opens, dash, closes = self.hours.partition("-")
            if not (dash and _is_time(opens) and _is_time(closes)):
                raise typer.BadParameter(f"--hours is {self.hours!r}; write HH:MM-HH:MM")
            given["hours"] = [{"open": opens.strip(), "close": closes.strip()}]
        return given


UNSAID = Source()
"""A source of which nothing is said: everything is found by looking."""


def reads_source(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option of ``Source``, in the place of its parameter ``source``.

    What it writes is held apart from what it reads: see :func:`quantumtrader.cli.targets.check`.
    """
    taken = [field.name for field in fields(Source)]
    hints = get_type_hints(Source, include_extras=True)
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=getattr(UNSAID, name), annotation=hints[name]
        )
        for name in taken
    ]
    own = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        parameters += (
            options
            if parameter.name == "source"
            else [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
        )

    @wraps(command)
    def call(**values: Any) -> None:
        source = Source(**{name: values.pop(name) for name in taken})
        start, end = values.get("start"), values.get("end")
        if start is not None and end is not None and start > end:
            raise typer.BadParameter(
                f"--start {start:%Y-%m-%d} is after --end {end:%Y-%m-%d}: exchange them", param_hint="--start"
            )
        targets.check(values)
        command(**values, source=source)

    call.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer reads
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    return call


def _is_time(text: str) -> bool:
    from datetime import time

    try:
        time.fromisoformat(text.strip())
    except ValueError:
        return False
    return ":" in text
