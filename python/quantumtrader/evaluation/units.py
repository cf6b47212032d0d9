"""Lengths of time in nanoseconds."""

from __future__ import annotations

MS = 10**6
SECOND = 10**9
