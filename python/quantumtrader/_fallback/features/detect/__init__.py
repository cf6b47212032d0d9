"""Detectors: state machines that look for patterns; see ``docs/concepts/detectors.md``."""
