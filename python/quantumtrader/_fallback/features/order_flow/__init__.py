"""The order flow family: one file per concept."""
