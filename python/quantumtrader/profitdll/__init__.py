"""Nelogica's ProfitDLL: the library loaded by path, its session, its feed; the simulator loads the same
way.
"""

from quantumtrader.profitdll.codes import check, describe, describe_state, explain
from quantumtrader.profitdll.library import ProfitLibrary, find_library, load_library

__all__ = [
    "ProfitLibrary",
    "check",
    "describe",
    "describe_state",
    "explain",
    "find_library",
    "load_library",
]
