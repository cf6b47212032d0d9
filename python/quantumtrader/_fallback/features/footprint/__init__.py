"""The footprint family: one file per concept."""
