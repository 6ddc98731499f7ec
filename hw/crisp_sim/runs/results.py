"""Reads the results file of a cocotb run, and demands that every expected test ran and passed."""

from pathlib import Path
from xml.etree import ElementTree

from crisp_sim.errors import BenchError


def passed_tests(results: Path, expected: int) -> tuple[str, ...]:
    """Return the names of the tests in a JUnit file, all of which passed.

    Raises
    ------
    BenchError : the file is missing or not complete, a test failed or was skipped, or not exactly
        ``expected`` tests ran; the message names the tests.
    """
    outcomes = _outcomes(results)
    not_passed = [f"{name}: {outcome}" for name, outcome in outcomes if outcome != "passed"]
    if not_passed:
        raise BenchError(
            f"{len(not_passed)} of {len(outcomes)} tests did not pass:\n" + "\n".join(not_passed)
        )
    names = tuple(name for name, _ in outcomes)
    if len(names) != expected:
        raise BenchError(f"{len(names)} tests ran ({', '.join(names) or 'none'}), expected {expected}")
    return names


def _outcomes(results: Path) -> list[tuple[str, str]]:
    try:
        cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    except FileNotFoundError:
        raise BenchError("the simulation ended without writing its results") from None
    except ElementTree.ParseError as error:
        raise BenchError(f"the results of the simulation are not complete: {error}") from error
    return [(f"{case.get('classname')}.{case.get('name')}", _outcome(case)) for case in cases]


def _outcome(case: ElementTree.Element) -> str:
    for tag in ("failure", "error", "skipped"):
        element = case.find(tag)
        if element is not None:
            return f"{tag}: {element.get('message', 'no message')}"
    return "passed"
