"""Errors of the sw package. Each is a CrispError whose message names the value and what was expected."""

from crisp_spec.errors import CrispError


class DatasetError(CrispError):
    """A data set is unknown, absent, or one of its files is damaged."""


class ClassSelectionError(CrispError):
    """The classes that the user asked for are not among those of the data set."""


class ModelError(CrispError):
    """There is no model of that name, or it cannot be built with these sizes."""


class TrainingError(CrispError):
    """A training setting is out of range, or a saved training state belongs to another run."""


class CheckpointError(CrispError):
    """A checkpoint is absent, damaged, or of another network."""
