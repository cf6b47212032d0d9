"""Nelogica's ProfitDLL: the library loaded by path, its session, its feed; the simulator loads the same
way.
"""

__all__: list[str] = []
