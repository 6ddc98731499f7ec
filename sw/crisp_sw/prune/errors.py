"""Errors of the pruner. Each is a CrispError whose message names the value and what was expected."""

from crisp_spec.errors import CrispError


class PruneError(CrispError):
    """A pruning setting is out of range, or does not fit the model."""


class UnreachableSparsityError(PruneError):
    """The layers' floors keep more weights than the target sparsity allows."""


class SaliencyError(CrispError):
    """The saliency of a weight is not a finite number."""


class SamplesError(CrispError):
    """The user's samples do not fit together, or do not fit the model."""


class MaskError(CrispError):
    """Masks do not fit the model, or do not have the pattern of its layers."""
