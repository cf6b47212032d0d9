"""Composition: the rooms below wired into runs that a person starts.

The public names load at first use: a gateway's process needs nothing of replay and reports.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantumtrader.app.demo import DemoConfig, run_demo
    from quantumtrader.app.pace import parse_pace
    from quantumtrader.app.replay import ReplayConfig, ReplayResult, run_events, run_replay

__all__ = ["DemoConfig", "ReplayConfig", "ReplayResult", "parse_pace", "run_demo", "run_events", "run_replay"]

_HOME = {
    "demo": ("DemoConfig", "run_demo"),
    "pace": ("parse_pace",),
    "replay": ("ReplayConfig", "ReplayResult", "run_events", "run_replay"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
