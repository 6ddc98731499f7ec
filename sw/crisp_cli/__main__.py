"""Starts the program ``crisp``; also ``python -m crisp_cli``."""

import os
import signal
import sys
from types import FrameType

from crisp_cli.statuses import INTERRUPTED

_MESSAGE, _STDERR = "interrupted", 2


def main() -> None:
    """Run the command line; Ctrl-C ends it in one line at any time, also while modules are imported."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    try:
        from crisp_cli.program import app

        app()
    except KeyboardInterrupt:
        print(_MESSAGE, file=sys.stderr)
        sys.exit(INTERRUPTED)


def interrupt(signal_number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, but leave at once from within an import.

    Packages such as torch swallow exceptions where they import others, and fail later for want of them.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os.write(_STDERR, f"{_MESSAGE}\n".encode())
            os._exit(INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
