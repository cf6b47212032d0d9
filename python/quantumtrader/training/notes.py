"""What must be said with a result, beside its numbers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Note"]


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence of a training.

    Parameters
    ----------
    text : str
        In English.
    portuguese : str
        The same; empty, or the English text, for what only English says.
    """

    text: str
    portuguese: str = ""
