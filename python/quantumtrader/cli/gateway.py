"""``quantumtrader gateway``: ProfitDLL in a process of its own."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from quantumtrader.cli.source_options import AsJson, Config

INTERRUPTED = 130


def command(
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder", help="Where clients find it; default: the user's folder for running programs."
        ),
    ] = None,
    dll: Annotated[
        Path | None, typer.Option("--dll", help="ProfitDLL64.dll or its folder; else QT_PROFIT__DLL_PATH.")
    ] = None,
    simulator: Annotated[
        bool, typer.Option("--simulator", help="The simulator of the package, whatever library is set.")
    ] = False,
    scenario: Annotated[
        Path | None, typer.Option("--scenario", help="TOML that tells the simulator what to play.")
    ] = None,
    orders: Annotated[
        bool, typer.Option("--orders", help="Take orders, from one client at a time; else market data only.")
    ] = False,
    on_client_lost: Annotated[
        str,
        typer.Option("--on-client-lost", help="What happens to working entries when their client is gone."),
    ] = "keep",
    client_grace: Annotated[
        float,
        typer.Option(
            "--client-grace", min=0, max=86_400, help="Seconds that a lost client has to come back."
        ),
    ] = 10.0,
    restarts: Annotated[
        int, typer.Option("--restarts", min=0, max=1_000, help="Most restarts within ten minutes.")
    ] = 10,
    restart_pause: Annotated[
        float,
        typer.Option(
            "--restart-pause",
            min=0.2,
            max=3_600,
            help="Longest pause before a restart, in seconds; the first is 0.2, and each doubles the one before.",
        ),
    ] = 30.0,
    capacity: Annotated[
        int, typer.Option("--capacity", help="Events that the ring holds, a power of two.")
    ] = 1 << 20,
    transport: Annotated[str, typer.Option("--transport", help="How clients connect.")] = "auto",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Run the vendor's library in a process of its own, for clients on this machine that run as the same user.

    It logs in with the stored credentials, serves market data, and with --orders order requests. After a crash it is started
    again, logs in and subscribes as before. Ctrl-C (exit code 130) and SIGTERM (exit code 0) end it. Exit code 1: it cannot
    run, for example because the vendor refuses the login, or it crashed too often.
    """
    from quantumtrader.app.vendor_source import session_options
    from quantumtrader.config import load_settings
    from quantumtrader.exceptions import ConfigError
    from quantumtrader.profitdll.gateway import (
        ClientLost,
        GatewayOptions,
        RestartLimits,
        default_folder,
        supervise,
    )

    vendor = {name: path for name, path in (("dll_path", dll), ("scenario", scenario)) if path is not None}
    flags: dict[str, Any] = {"profit": vendor} if vendor else {}
    settings = load_settings(config, **flags)
    if not simulator and settings.profit.dll_path is None:
        raise ConfigError(
            "no library is set: give ProfitDLL64.dll with --dll or QT_PROFIT__DLL_PATH, or use --simulator"
        )
    options = GatewayOptions(
        folder=folder or default_folder(),
        dll_path=None if simulator else settings.profit.dll_path,
        session=session_options(settings, capacity=capacity),
        orders=orders,
        account=settings.profit.account,
        on_client_lost=ClientLost(on_client_lost),
        client_grace_s=client_grace,
        transport=transport,
    )

    def say(text: str) -> None:
        sys.stdout.write((json.dumps({"what": "gateway", "text": text}) if as_json else text) + "\n")
        sys.stdout.flush()

    stop, caught = threading.Event(), set[int]()

    def handler(number: int, _frame: Any) -> None:
        caught.add(number)
        stop.set()

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        supervise(options, stop, RestartLimits(most=restarts, longest_s=restart_pause), say=say)
    finally:
        for number, old in before.items():
            signal.signal(number, old)
    if signal.SIGINT in caught:
        raise typer.Exit(INTERRUPTED)
