"""Order-flow trading for B3's WDO and WIN futures."""

from __future__ import annotations

__version__ = "0.1.0"
