"""Exit statuses of the program, as its help states them."""

FAILED = 1
"""A check does not hold, or a tool failed."""

USER_ERROR = 2
"""An input cannot be used, an output cannot be written, or a tool is not installed."""

INTERRUPTED = 130
"""By Ctrl-C."""
