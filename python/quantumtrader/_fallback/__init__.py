"""The numpy twin of the compiled engine: same names, same errors, same numbers, no compiler needed."""

from __future__ import annotations

__version__ = "0.1.0"
ENGINE = "python"
