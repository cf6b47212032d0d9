"""A folder in which ``quantumtrader run`` trades, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from quantumtrader.execution import RiskLimits
from quantumtrader.execution.risk.limits import OPTIONAL

STRATEGY = """
from dataclasses import dataclass
from quantumtrader.execution import Signal, SignalAction


@dataclass(frozen=True)
class Clockwork:
    every_s: float = 20.0

    name = "clockwork"
    rule = "Buy and sell in turns, every 20 s."
    features = ("flow_ofi_1m", "vwap_z", "book_ofi_norm_1m")
    clock = "100ms"

    def evaluate(self, row, market):
        step = round(self.every_s * 1e9)
        if market.busy or market.ts - market.open_since_ts < 5e9 or market.ts % step >= 1_000_000_000:
            return Signal(market.ts, SignalAction.HOLD, "waiting")
        action = SignalAction.BUY if market.ts // step % 2 else SignalAction.SELL
        return Signal(market.ts, action, "turn", 1, 4, 3, 15_000_000_000)
"""
# The simulated session lasts from 09:00 to 09:15; by this timetable it is left a minute before 09:14.
SETTINGS = """
[live]
min_free_mb = 0
strategy = "clockwork.py:Clockwork"
[fees.WDO]
exchange = 1.2
[sessions.overrides]
WDO = [{ from = 2025-01-01, open = "09:00", close = "09:14" }]
"""
LOCKSTEP = """
[market]
duration_s = 900
max_events = 40000
[orders]
state_file = "FOLDER/broker.state"
[[orders.accounts]]
account = "1001"
"""


class Desk:
    """A folder with settings, scenario and limits, and the command in it."""

    def __init__(self, folder: Path, scenario: str = LOCKSTEP, settings: str = SETTINGS) -> None:
        self.folder = folder
        (folder / "clockwork.py").write_text(STRATEGY, "utf-8")
        (folder / "settings.toml").write_text(settings, "utf-8")
        (folder / "scenario.toml").write_text(scenario.replace("FOLDER", folder.as_posix()), "utf-8")
        limits = dict.fromkeys(OPTIONAL, '"off"')
        for name in RiskLimits.__dataclass_fields__:
            value = getattr(RiskLimits(), name)
            if name not in limits:
                limits[name] = f'"{value}"' if isinstance(value, str) else str(value)
        (folder / "limits.toml").write_text("".join(f"{k} = {v}\n" for k, v in limits.items()), "utf-8")

    def start(self, *arguments: str, real: bool = False) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "quantumtrader", "run", "--config", "settings.toml", "--json"]
        if "--gateway" not in arguments:  # it has the scenario
            command += ["--scenario", "scenario.toml", "--ticker", "WDOU25"]
        command += arguments
        if real:
            command += ["--real", "--account", "15003:1001", "--limits", "limits.toml"]
        root = Path(__file__).resolve().parents[2]
        environment = {**os.environ, "PYTHONPATH": str(root / "python")}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, real: bool = False, code: int = 0) -> dict[str, Any]:
        process = self.start(*arguments, real=real)
        try:
            out, err = process.communicate(timeout=100)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"still running: {process.communicate()}") from None
        assert process.returncode == code, f"{out}\n{err}"
        document: dict[str, Any] = json.loads(out)
        return document

    @property
    def sessions(self) -> list[Path]:
        return sorted(p for p in (self.folder / "data" / "live").iterdir() if p.is_dir())

    def command(self, *arguments: str) -> None:
        root = Path(__file__).resolve().parents[2]
        subprocess.run(
            [sys.executable, "-m", "quantumtrader", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(root / "python")},
            check=True,
            stdout=subprocess.DEVNULL,
        )
