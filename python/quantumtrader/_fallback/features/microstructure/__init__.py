"""The microstructure family: one file per concept."""
