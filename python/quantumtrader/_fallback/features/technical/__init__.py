"""The technical family: one file per concept."""
