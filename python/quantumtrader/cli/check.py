"""One finding of ``quantumtrader doctor``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OK, MISSING, BROKEN = "ok", "missing", "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    section : str
        Heading it is listed under.
    name : str
        What was looked at.
    status : str
        ``ok``, ``missing`` (works without it) or ``broken`` (something essential does not work).
    detail : str
        What was found.
    remedy : str
        What to do; empty when there is nothing to do.
    data : dict
        The same in numbers, for ``--json``.
    """

    section: str
    name: str
    status: str
    detail: str
    remedy: str = ""
    data: dict[str, Any] = field(default_factory=dict)
