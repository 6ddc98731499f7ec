"""Errors of the accuracy experiment."""

from crisp_spec.errors import CrispError


class ExperimentError(CrispError):
    """A cell, grid or recipe is not a valid one, or a result does not belong to it."""
