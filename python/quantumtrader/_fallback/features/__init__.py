"""Features in plain Python: state engines, one file per feature concept, and the engine that feeds them.

This is the second opinion on every number of the compiled engine, written from the catalogue and not from
the Rust code. Sums are Python integers, so they are exact; speed is about 30 µs per event for everything.
"""
