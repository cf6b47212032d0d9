"""Names that a mistyped name may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean a, b or c?`` with up to three close names, or nothing."""
    limit = max(2, len(name) // 3)
    near = sorted(
        ((distance(name, other), place, other) for place, other in enumerate(known)), key=lambda n: n[:2]
    )
    close = [other for d, _, other in near[:3] if d <= limit]
    if not close:
        return ""
    head = ", ".join(close[:-1])
    return f"; did you mean {head + ' or ' if head else ''}{close[-1]}?"


def distance(a: str, b: str) -> int:
    """Return the edit distance (Levenshtein, 1966) of two names."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]
