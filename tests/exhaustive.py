"""How much of the long tests runs: a sample of it on every push, all of it with ``QT_EXHAUSTIVE=1``."""

from __future__ import annotations

import os

EXHAUSTIVE = bool(os.environ.get("QT_EXHAUSTIVE"))


def sample(some: int, every: int) -> int:
    """Return ``every`` when all is asked for, else ``some``: examples of a property, steps of a walk."""
    return every if EXHAUSTIVE else some
