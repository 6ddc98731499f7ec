"""Errors of the test benches' machinery; the message says what to do or where to look."""

from crisp_spec.errors import CrispError, FailedError


class ToolError(CrispError):
    """A simulator or compiler is missing, or the name of one is not known."""


class BuildError(FailedError):
    """A simulator rejected the design or could not be built; the message holds the end of its log."""


class BenchError(FailedError):
    """A bench failed, crashed, or ran another number of tests than it has."""
