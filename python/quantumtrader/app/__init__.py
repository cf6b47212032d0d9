"""Composition: the rooms below wired into runs that a person starts."""

from __future__ import annotations

from quantumtrader.app.demo import DemoConfig, run_demo
from quantumtrader.app.pace import parse_pace
from quantumtrader.app.replay import ReplayConfig, ReplayResult, run_events, run_replay

__all__ = ["DemoConfig", "ReplayConfig", "ReplayResult", "parse_pace", "run_demo", "run_events", "run_replay"]
