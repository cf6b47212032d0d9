"""Columns to records: numpy already does it."""

from __future__ import annotations

from quantumtrader._records import pack_events

__all__ = ["pack_events"]
