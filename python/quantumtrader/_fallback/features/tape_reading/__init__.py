"""The tape-reading family: one file per concept."""
