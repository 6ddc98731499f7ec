"""Whole jobs, step after step: from a trained network to a report."""
