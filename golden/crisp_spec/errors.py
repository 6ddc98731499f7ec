"""Errors of the golden package. Each is a ValueError whose message names the value and what was expected."""


class CrispError(ValueError):
    """A value from the user is not acceptable."""


class FailedError(CrispError):
    """What was given can be used, but a check does not hold, or a tool failed at its work."""


class MissingToolError(CrispError):
    """A tool that a step needs is not installed."""


class ConfigError(CrispError):
    """A core configuration, or the name of one, is not valid."""


class PatternError(CrispError):
    """A weight tensor does not have the hybrid-sparse pattern that was claimed for it."""


class LayerError(CrispError):
    """A layer is not legal: shapes, ranges or quantization parameters do not fit together."""


class CapacityError(CrispError):
    """A layer does not fit the memories of a core."""
