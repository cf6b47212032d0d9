"""What the features say on real data: published forms measured, detectors scored.

Nothing here is on the path of a trade. Every figure comes with the command that reproduces it.
"""
