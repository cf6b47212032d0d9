"""Estimators and how they are evaluated."""
