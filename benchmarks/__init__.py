"""Measures the figures that the README states: ``python -m benchmarks``."""
