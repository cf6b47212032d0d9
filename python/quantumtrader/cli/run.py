"""``quantumtrader run``: trade live, on paper or for real; and live a recorded session again."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.source_options import AsJson, Config, DetectorFile, FittedFiles, read_detectors
from quantumtrader.cli.stopping import seconds, stop_signals

if TYPE_CHECKING:
    from quantumtrader.app.live import LiveReport, Relived, RunResult, RunStatus

FAILED, DIFFERENT, HALTED, INTERRUPTED = 1, 3, 4, 130
_REAL = "Real orders"


def command(
    ticker: Annotated[
        str, typer.Option("--ticker", "-t", help="Contract; WDO or WDOFUT take the front contract.")
    ] = "",
    strategy: Annotated[str, typer.Option(help="Name, path/to/file.py:Class or module:Class.")] = "",
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="Strategy parameter, NAME=VALUE; repeatable.")
    ] = None,
    dll: Annotated[
        Path | None, typer.Option("--dll", help="ProfitDLL or its folder; without it the simulator.")
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option("--scenario", help="TOML that tells the simulator what to play.")
    ] = None,
    gateway: Annotated[
        str,
        typer.Option(
            "--gateway",
            help="Folder of a running `quantumtrader gateway`, which has the library; `default` for the user's.",
        ),
    ] = "",
    fitted: FittedFiles = None,
    detector_settings: DetectorFile = None,
    duration: Annotated[str | None, typer.Option("--duration", help="Stop after 90s, 30m or 2h.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of sessions. Default data/live.")
    ] = None,
    real: Annotated[bool, typer.Option("--real", help="Send real orders.", rich_help_panel=_REAL)] = False,
    account: Annotated[str, typer.Option(help="BROKER:ACCOUNT.", rich_help_panel=_REAL)] = "",
    limits: Annotated[
        Path | None, typer.Option("--limits", help="File with every limit.", rich_help_panel=_REAL)
    ] = None,
    clear_halt: Annotated[
        str,
        typer.Option("--clear-halt", help="Your name: trade again after a halt.", rich_help_panel=_REAL),
    ] = "",
    verify: Annotated[
        Path | None,
        typer.Option("--verify", help="Live this recorded session again, compare, trade nothing."),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Trade one contract live. Orders are on paper unless --real is given.

    Without --dll the market is the simulator's: synthetic. Ctrl-C (exit code 130) and SIGTERM (exit code 0) end the
    session cleanly: it leaves its position, or leaves it guarded, as [live] on_stop says. Exit code 4: trading was
    halted. Exit code 1: the stop was not complete, look at the account. With --verify, exit code 3: not the same.
    """
    from quantumtrader.app.live import RunRequest, plan_run, relive, write_results
    from quantumtrader.config import load_settings

    if verify is not None:
        relived = relive(verify)
        _show_relived(relived, as_json)
        if not relived.identical:
            raise typer.Exit(DIFFERENT)
        return
    planned = plan_run(
        load_settings(config),
        RunRequest(
            ticker=ticker,
            strategy=strategy,
            parameters=_parameters(param),
            real=real,
            account=account,
            limits=limits,
            gateway=gateway,
            dll_path=dll,
            scenario=scenario,
            duration_s=None if duration is None else seconds(duration),
            clear_halt=clear_halt,
            out=out,
            fitted=tuple(fitted or ()),
            detector_settings=read_detectors(detector_settings),
        ),
    )
    for notice in planned.notices:
        _say(notice)
    with stop_signals() as (stop, caught), _status_line(real) as show:
        result = planned.run.run(stop, on_status=show, on_notice=_say)
    report = write_results(planned.run.loop, result, planned.notices)
    _show(result, report, as_json)
    if result.halted:
        raise typer.Exit(HALTED)
    if not result.clean:
        raise typer.Exit(FAILED)
    if signal.SIGINT in caught:
        raise typer.Exit(INTERRUPTED)


def _parameters(param: list[str] | None) -> dict[str, str]:
    found = {}
    for text in param or []:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"--param is {text!r}; write NAME=VALUE")
        found[name] = value
    return found


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@contextmanager
def _status_line(real: bool) -> Iterator[Any]:
    """One line that is written over again and again, where somebody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.live import Live
    from rich.text import Text

    with Live(Text("waiting for the market"), console=output.console(stderr=True), transient=True) as live:
        yield lambda status: live.update(Text(status_text(status, real=real)))


def status_text(status: RunStatus, *, real: bool) -> str:
    """Put a status into one line."""
    from datetime import UTC, datetime

    when = f"{datetime.fromtimestamp(status.ts // 10**9, UTC):%H:%M:%S} UTC" if status.ts else "--:--:--"
    result = "unknown" if status.result != status.result else f"{status.result:+.2f}"
    state = f"HALTED: {status.halted}" if status.halted else ("" if status.ready else "not reconciled yet")
    parts = [
        "REAL" if real else "paper",
        when,
        f"{status.events:,} events",
        f"position {status.position:+d}",
        f"result {result}",
        f"{status.trades} trades",
        f"{status.open_orders} orders",
        f"{status.action} ({status.reason})" if status.action else "",
        state,
    ]
    return "  ".join(part for part in parts if part)


def _show(result: RunResult, report: LiveReport, as_json: bool) -> None:
    if as_json:
        output.print_json(report.document)
        return
    shown = report.document
    rows: list[list[Any]] = (
        [["synthetic", "YES: the market is the simulator's"]] if shown["synthetic"] else []
    )
    rows += [
        ["orders", "real" if shown["mode"] == "real" else "paper"],
        ["contract", shown["symbol"]],
        ["events", f"{shown['events']:,}"],
        ["rows", f"{shown['samples']:,}"],
        ["trades", shown["trades"]],
        ["position left", f"{shown['position']:+d}"],
        [
            "result of the day",
            "unknown" if shown["result"] is None else f"{shown['result']:,.2f} {shown['currency']}",
        ],
        ["ended", shown["ended"]],
        ["halted", shown["halted"] or "no"],
        ["files", shown["folder"]],
    ]
    if report.report is not None:
        rows.append(["report", str(report.report)])
    output.table("Live session", ["", ""], [[str(cell) for cell in row] for row in rows])


def _show_relived(relived: Relived, as_json: bool) -> None:
    if as_json:
        output.print_json({**output.plain(relived), "identical": relived.identical})
        return
    verdict = "identical to the bit" if relived.identical else "NOT the same"
    rows = [
        ["session", str(relived.folder)],
        ["orders", relived.mode],
        ["synthetic", "yes" if relived.synthetic else "no"],
        ["events", f"{relived.events:,}"],
        ["rows compared", f"{relived.samples:,}"],
        ["order records compared", f"{relived.records:,}"],
        ["answers of the broker", f"{relived.calls:,}"],
        ["verdict", verdict],
        *(["difference", text] for text in relived.differences),
        *(["remark", text] for text in relived.remarks),
    ]
    output.table("Lived again", ["", ""], rows)
