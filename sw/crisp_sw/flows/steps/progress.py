"""What a step tells its caller while it works."""

from typing import Protocol


class StepCallback(Protocol):
    """Called after every unit of work."""

    def __call__(self, stage: str, done: int, total: int, detail: str = "", /) -> None:
        """``done`` of ``total`` units of ``stage`` are done; ``detail`` is for people."""
        ...


def ignore_progress(stage: str, done: int, total: int, detail: str = "") -> None:
    """A `StepCallback` for those who do not want to know."""
