"""How far a long step is and how long the rest takes, as lines: for logs and pipes, where no bar is drawn."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

Clock = Callable[[], float]
SECONDS_BETWEEN_LINES = 30.0


@dataclass
class Pace:
    """The pace of work since it was first asked for, which may have been begun in a run before this one."""

    clock: Clock = time.monotonic
    _first: tuple[float, int] | None = field(init=False, default=None)

    def seconds_left(self, done: int, total: int) -> float | None:
        """Seconds that the units from ``done`` to ``total`` will take; None until there is a pace."""
        now = self.clock()
        if self._first is None or done < self._first[1]:
            self._first = now, done
        started, before = self._first
        return None if done == before else (now - started) / (done - before) * (total - done)

    def left(self, done: int, total: int) -> str:
        """The same for people, such as ``, 0:02:30 left``; empty until there is a pace, and at the end."""
        seconds = self.seconds_left(done, total)
        return "" if seconds is None or done >= total else f", {timedelta(seconds=round(seconds))} left"


@dataclass
class ProgressLines:
    """A `StepCallback` that says a line when a stage begins, now and then while it lasts, and when it ends.

    Attributes
    ----------
    say : prints a line.
    announce : say also begin and end of stages; else only how far those are that last.
    every : seconds between two lines of a stage.
    """

    say: Callable[[str], None]
    announce: bool = True
    every: float = SECONDS_BETWEEN_LINES
    clock: Clock = time.monotonic
    _stages: dict[str, "_Stage"] = field(init=False, default_factory=dict)

    def __call__(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Say, if it is time to, that ``done`` of ``total`` units of ``stage`` are done."""
        now, words = self.clock(), f", {detail}" if detail else ""
        known = self._stages.get(stage)
        if known is None:
            if self.announce:
                self.say(f"{stage}: {done:,} of {total:,}{words}")
            if done < total:
                self._stages[stage] = _Stage(now, now, Pace(self.clock))
                self._stages[stage].pace.left(done, total)
        elif done >= total:
            del self._stages[stage]
            if self.announce:
                self.say(f"{stage}: done in {timedelta(seconds=round(now - known.started))}{words}")
        elif now - known.said >= self.every:
            known.said = now
            self.say(f"{stage}: {done:,} of {total:,}{known.pace.left(done, total)}{words}")

    def stop(self) -> None:
        """Lines need no end."""


@dataclass
class _Stage:
    started: float
    said: float
    pace: Pace
