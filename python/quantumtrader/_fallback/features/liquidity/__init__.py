"""The liquidity family: one file per concept."""
