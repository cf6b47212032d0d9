"""Run ``quantumtrader evaluate`` on a recorded set and read its JSON, for the scripts that write pages of measurements."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from quantumtrader.cli import main as cli


def evaluate_json(command: str, options: str, data: Path) -> dict[str, Any]:
    """Return what ``quantumtrader evaluate COMMAND OPTIONS --json`` prints; DATA in OPTIONS is the folder of the sets."""
    given = [word.replace("DATA", str(data)) for word in options.split()]
    text = io.StringIO()
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(text):
        os.chdir(empty)  # no settings file of the reader's
        try:
            cli.app(["evaluate", command, *given, "--json"], standalone_mode=False)
        finally:
            os.chdir(here)
    document: dict[str, Any] = json.loads(text.getvalue())
    return document
