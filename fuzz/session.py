"""Fuzzing for a given time: one round of every target after the other, and findings as files."""

import hashlib
import time
import warnings
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from hypothesis.errors import HypothesisWarning
from rich.console import Console
from rich.status import Status

from crisp_files.printable import printable
from fuzz.explore import Finding, explore
from fuzz.target import Target

ROUND = 200
"""Inputs that a target gets before it is the next one's turn."""


class TimeIsUp(BaseException):
    """Ends a round in the middle."""


class Session:
    """Fuzzes targets until the time is up or somebody presses Ctrl-C.

    Every finding is reported once, in its smallest form: as ``out/<target>/<name>.input``, with the traceback
    beside it.

    Attributes
    ----------
    runs : inputs tried.
    findings : files of findings.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        seconds: float,
        seed: int,
        out: Path,
        console: Console | None = None,
    ):
        self.runs = 0
        self.findings: list[Path] = []
        self._targets, self._seed, self._out = targets, seed, out
        self._seconds, self._started = seconds, time.monotonic()
        self._known: dict[str, set[str]] = {target.name: set() for target in targets}
        self._console = console or Console(markup=False, highlight=False, soft_wrap=True)

    def run(self) -> None:
        """Fuzz, and say what came of it."""
        end = "time is up"
        try:
            with self._console.status("") as status, warnings.catch_warnings():
                warnings.simplefilter("ignore", HypothesisWarning)
                for seed in count(self._seed):
                    for target in self._targets:
                        self._round(target, seed, status)
        except TimeIsUp:
            pass
        except KeyboardInterrupt:
            end = "interrupted"
        rate = self.runs / max(1e-9, time.monotonic() - self._started)
        self._console.print(f"{end}: {self.runs} inputs, {rate:.0f} a second, {len(self.findings)} findings")
        for path in self.findings:
            self._console.print(printable(f"  {path}"))

    def _round(self, target: Target, seed: int, status: Status) -> None:
        def step() -> None:
            left = self._seconds - (time.monotonic() - self._started)
            if left < 0:
                raise TimeIsUp
            self.runs += 1
            status.update(
                f"{target.name}, round {seed - self._seed + 1}: {self.runs} inputs, "
                f"{len(self.findings)} findings, {left:.0f} s left"
            )

        before = self.runs
        known = self._known[target.name]
        for finding in explore(target, examples=ROUND, seed=seed, known=known, on_run=step):
            known.add(finding.place)
            self._keep(target, finding)
        if not self._console.is_terminal:
            self._console.print(f"{target.name}, seed {seed}: {self.runs - before} inputs")

    def _keep(self, target: Target, finding: Finding) -> None:
        folder = self._out / target.name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(finding.data).hexdigest()[:12]}.input"
        path.write_bytes(finding.data)
        path.with_suffix(".txt").write_text(finding.report, encoding="utf-8", errors="backslashreplace")
        self.findings.append(path)
        self._console.print(printable(f"{target.name}: {finding.place}: {path}"))
