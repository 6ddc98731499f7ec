"""Draws inputs for a target, and makes those small that find something."""

import time
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from fuzz import guard
from fuzz.guard import run_guarded
from fuzz.target import Target

_SLOW_AND_LARGE = (
    *(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much),
    HealthCheck.large_base_example,
)
"""What Hypothesis would complain of, and fuzzing has to be."""

SHRINKING_SECONDS = 30.0
"""That are spent at most on making the findings of one call small."""


class _Enough(BaseException):
    """Ends a call whose findings are as small as they get in time."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An input with which a loader misbehaves.

    Attributes
    ----------
    place : what tells it from other findings: the error, and the line that raised it.
    report : the traceback.
    """

    data: bytes
    place: str
    report: str


def explore(
    target: Target,
    *,
    examples: int,
    seed: int,
    known: Collection[str] = (),
    on_run: Callable[[], None] = lambda: None,
) -> list[Finding]:
    """Try inputs that follow from ``seed``, and return the smallest that was met for each fault.

    Parameters
    ----------
    known : places of faults that are not of interest any more.
    on_run : called before every input, those of shrinking included; what it raises ends all.
    """
    found: dict[str, Finding] = {}
    until = float("inf")

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=_SLOW_AND_LARGE,
        print_blob=False,
    )
    @given(_inputs(target))
    def attempt(data: bytes) -> None:
        nonlocal until
        on_run()
        if time.monotonic() > until:
            raise _Enough
        try:
            run_guarded(target.load, data)
        except Exception as error:
            finding = finding_of(error, data)
            if finding.place in known:
                return
            until = min(until, time.monotonic() + SHRINKING_SECONDS)
            found[finding.place] = min(finding, found.get(finding.place, finding), key=_size)
            raise

    try:
        attempt()
    except (Exception, _Enough):
        if not found:
            raise
    return list(found.values())


def replay(target: Target, data: bytes) -> Finding | None:
    """What a target does with one input, if that is a finding."""
    try:
        run_guarded(target.load, data)
    except Exception as error:
        return finding_of(error, data)
    return None


def finding_of(error: Exception, data: bytes) -> Finding:
    """What to keep of an error."""
    frames = traceback.extract_tb((error.__cause__ or error).__traceback__)
    last = next(frame for frame in reversed(frames) if frame.filename != guard.__file__)
    place = f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
    return Finding(data=data, place=place, report="".join(traceback.format_exception(error)))


def _size(finding: Finding) -> tuple[int, bytes]:
    return len(finding.data), finding.data


@cache
def _inputs(target: Target) -> SearchStrategy[bytes]:
    return target.inputs()
