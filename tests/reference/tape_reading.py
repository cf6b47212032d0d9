"""Tape reading as defined, over the facts known at one row."""
