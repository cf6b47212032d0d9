"""Market data from outside: importers, the lake, contracts and sessions, quality checks.

Submodules are imported by name (``quantumtrader.data.lake``), so that asking for one does not load the rest.
"""
