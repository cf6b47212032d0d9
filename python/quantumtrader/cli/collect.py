"""``quantumtrader collect``: record the market, live."""

from __future__ import annotations

import json
import math
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.source_options import AsJson, Config
from quantumtrader.cli.stopping import seconds as _seconds
from quantumtrader.cli.stopping import stop_signals

if TYPE_CHECKING:
    from quantumtrader.data.recorder import CollectorStatus, RecordedNews
    from quantumtrader.data.roll import Rolled
    from quantumtrader.data.schedule import Window

FAILED = 1
INTERRUPTED = 130


def command(
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", "-s", help="Contract; may be given several times.")
    ] = None,
    source: Annotated[str, typer.Option("--source", help="Where events come from.")] = "profitdll",
    dll: Annotated[
        Path | None, typer.Option("--dll", help="ProfitDLL64.dll or its folder; else QT_PROFIT__DLL_PATH.")
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option("--scenario", help="TOML that tells the simulator what to play.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Begin at once, whatever the calendar says.")] = False,
    until_close: Annotated[bool, typer.Option("--until-close", help="End after one session.")] = False,
    duration: Annotated[
        str | None, typer.Option("--duration", help="End after 90s, 30m or 2h of recording.")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option("--journal", help="Folder of the journals. Default data/journal.")
    ] = None,
    lake: Annotated[Path | None, typer.Option("--lake", help="Root of the lake. Default data/lake.")] = None,
    no_roll: Annotated[bool, typer.Option("--no-roll", help="Leave the journals; no lake.")] = False,
    roll_only: Annotated[
        bool, typer.Option("--roll-only", help="Bring journals into the lake; record nothing.")
    ] = False,
    until_damage: Annotated[
        bool, typer.Option("--until-damage", help="With --roll-only: take what comes before damage.")
    ] = False,
    keep_days: Annotated[
        int | None,
        typer.Option("--keep-days", min=0, help="Remove journals that are older, once the lake has them."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of generator or simulator.")] = 7,
    speed: Annotated[
        float, typer.Option("--speed", help="Of generator or simulator, 0.01 to 10000 times real time.")
    ] = 1.0,
    status_seconds: Annotated[
        float, typer.Option("--status-seconds", min=0.05, max=3_600, help="Between two status lines.")
    ] = 1.0,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Record every event of some symbols into journals, and bring them into the lake after each session.

    Without --now, --until-close or --duration it waits for the next session, records it, and goes on with the one after,
    until it is stopped. Ctrl-C (exit code 130) and SIGTERM (exit code 0) end it cleanly. Exit code 1: something was not
    recorded, the vendor does not know a ticker, nothing at all came of one in trading hours, or a journal was refused by
    the lake. Where standard output is no terminal, the status is a line of JSON.
    """
    from quantumtrader.app.collect import CollectConfig, run_collect
    from quantumtrader.config import load_settings

    folders = {name: path for name, path in (("journal", journal), ("lake", lake)) if path is not None}
    flags: dict[str, Any] = {"data": folders} if folders else {}
    vendor = {name: path for name, path in (("dll_path", dll), ("scenario", scenario)) if path is not None}
    if vendor:
        flags["profit"] = vendor
    settings = load_settings(config, **flags)
    seconds = None if duration is None else _seconds(duration)
    if roll_only:
        _roll_only(settings, keep_days, until_damage)
        return
    if not symbol:
        raise typer.BadParameter("name at least one --symbol")
    if twice := sorted(name for name, count in Counter(s.upper() for s in symbol).items() if count > 1):
        raise typer.BadParameter(f"named twice: {', '.join(twice)}", param_hint="--symbol")
    if scenario is not None and source != "simulator":
        raise typer.BadParameter(
            f"a scenario is for the simulator: add --source simulator (it is {source})",
            param_hint="--scenario",
        )
    plan = CollectConfig(
        symbols=symbol,
        settings=settings,
        source=source,
        now=now,
        until_close=until_close,
        duration_s=seconds,
        rolls=not no_roll,
        keep_days=keep_days,
        options={"seed": seed, "speed": speed},
    )
    with stop_signals() as (stop, caught), _screen(as_json) as screen:
        result = run_collect(
            plan,
            stop,
            on_wait=screen.wait,
            on_status=screen.status,
            on_rolled=screen.rolled,
            on_news=screen.news,
            period_s=status_seconds,
        )
    if result.failed:
        raise typer.Exit(FAILED)
    if signal.SIGINT in caught:
        raise typer.Exit(INTERRUPTED)


def _roll_only(settings: Any, keep_days: int | None, until_damage: bool) -> None:
    from quantumtrader import _backend
    from quantumtrader.clock import LiveClock
    from quantumtrader.data.lake import Lake
    from quantumtrader.data.roll import roll

    lake = Lake(settings.data.lake, pack=_backend.core().pack_events)
    done = roll(
        settings.data.journal,
        lake,
        settings,
        keep_days=keep_days,
        now_ns=LiveClock().now_ns(),
        until_damage=until_damage,
    )
    with _screen(True) as screen:
        screen.rolled(done)
    if any(rolled.state == "refused" for rolled in done):
        raise typer.Exit(FAILED)


class _Lines:
    """Status as lines of JSON."""

    def _write(self, what: str, value: Any) -> None:
        text = json.dumps({"what": what, **output.plain(value)}, ensure_ascii=False, allow_nan=False)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def wait(self, window: Window) -> None:
        self._write("wait", window)

    def status(self, status: CollectorStatus) -> None:
        self._write("status", status)

    def rolled(self, done: list[Rolled]) -> None:
        for rolled in done:
            self._write("roll", rolled)

    def news(self, news: RecordedNews) -> None:
        self._write("news", news)


class _Terminal:
    """Status as one line that changes in place."""

    def __init__(self, live: Any) -> None:
        self._live = live

    def wait(self, window: Window) -> None:
        from datetime import UTC, datetime

        start = datetime.fromtimestamp(window.start_ns / 1e9, UTC).astimezone()
        self._live.update(f"waiting for the session of {window.date}: {start:%Y-%m-%d %H:%M %Z}")

    def status(self, status: CollectorStatus) -> None:
        self._live.update(status_line(status))

    def news(self, news: RecordedNews) -> None:
        from rich.markup import escape

        colour = "dim" if news.kind == "connection" else "yellow"
        self._live.console.print(f"[{colour}]{escape(news.kind)}: {escape(news.text)}[/]")

    def rolled(self, done: list[Rolled]) -> None:
        from rich.markup import escape

        for rolled in done:
            if rolled.state == "unchanged":
                continue
            dates = ", ".join(str(day) for day in rolled.dates)
            colour = {"rolled": "green", "refused": "red"}.get(rolled.state, "dim")
            text = f"[{colour}]{rolled.state}[/] {escape(rolled.symbol)} {dates}"
            self._live.console.print(text + (f": {rolled.events:,} events" if rolled.events else ""))
            for note in rolled.notes:
                self._live.console.print(f"  {escape(note)}")


def status_line(status: CollectorStatus) -> str:
    """Return the status in one line of rich markup."""
    from rich.markup import escape

    rates = " ".join(f"{kind} {rate:,.0f}/s" for kind, rate in status.rates.items() if rate >= 0.5)
    ages = " ".join(f"{symbol} {_age(age)}" for symbol, age in status.ages_s.items())
    lost = f"[red]lost {status.lost:,}[/]" if status.lost else "lost 0"
    free = f"{status.disk_free_bytes / 2**30:,.1f} GiB free"
    parts = [
        {"recording": "[green]recording[/]", "failed": "[bold red]NOT RECORDING[/]"}.get(
            status.state, status.state
        ),
        "[magenta]synthetic[/]" if status.synthetic else "",
        f"{status.recorded:,} events",
        rates or "quiet",
        f"lag {status.lag_ms:,.0f} ms" if math.isfinite(status.lag_ms) else "",
        f"{lost}, gaps {status.gaps:,}",
        f"[red]unrecorded {status.unrecorded:,}[/]" if status.unrecorded else "",
        " ".join(
            f"[yellow]{escape(kind)} {count:,}[/]"
            for kind, count in status.news.items()
            if kind != "connection"
        ),
        ages,
        f"journal {status.journal_bytes / 2**20:,.1f} MiB",
        f"[red]{free}[/]" if status.disk_free_bytes < 2**30 else free,
        f"[red]{escape(status.error)}[/]" if status.error else "",
    ]
    return " · ".join(part for part in parts if part)


def _age(seconds: float) -> str:
    return "no event yet" if math.isnan(seconds) else f"{seconds:,.1f} s ago"


@contextmanager
def _screen(as_json: bool) -> Iterator[_Lines | _Terminal]:
    if as_json or not sys.stdout.isatty():
        yield _Lines()
        return
    from rich.live import Live

    with Live("", console=output.console(), auto_refresh=False, transient=False) as live:
        update = live.update
        live.update = lambda text, **_: update(text, refresh=True)  # type: ignore[method-assign]
        yield _Terminal(live)
