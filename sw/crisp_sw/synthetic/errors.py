"""Errors of the network builder; the message names the value and what was expected."""

from crisp_spec.errors import CrispError


class NetworkSettingsError(CrispError):
    """A setting of a network, or a rule for the sparsity of its layers, is out of range."""
