"""Results of runs, found again below a directory: what each was, and its headline figures.

What is found may have been written by another version, by hand, or by somebody hostile: a file that cannot be
read, or does not hold what its version says, is named with the reason.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crisp_files.documents import SCHEMA, Document, document_from_json
from crisp_files.input_files import read_regular
from crisp_files.json_toml import parse_json
from crisp_spec.errors import CrispError
from crisp_sw.results.accuracies import Accuracies
from crisp_sw.results.demo_report import DemoReport
from crisp_sw.results.inspection import Inspection
from crisp_sw.results.network_run import NetworkReport
from crisp_sw.results.steps import EvaluateStep, PruneStep, TrainStep

MOST_NAMED = 12
"""Classes by which a user is called; one may have a thousand."""

DEEPEST, MOST_DIRECTORIES, MOST_BYTES = 6, 20_000, 64 << 20
STEPS: dict[str, type[Document]] = {
    "demo": DemoReport,
    "network": NetworkReport,
    "inspect": Inspection,
    "train": TrainStep,
    "evaluate": EvaluateStep,
    "prune": PruneStep,
}
"""Commands, and what their files hold; those of the first two are called report.json."""

PAGES = {"demo": "report.html", "network": "report.html", "inspect": "inspect.html"}
SUMMARY = "summary.md"


@dataclass(frozen=True, kw_only=True)
class UserFigures:
    """What a network for one user's classes reaches; None for what a run does not say.

    Attributes
    ----------
    classes : names.
    accuracy : on the images of the classes.
    images : that they were measured on.
    sparsity : share of the prunable weights that is gone.
    bytes_packed : of all weights with their indices.
    cycles : per image, on ``preset``.
    speedup : over the dense network, there.
    """

    classes: tuple[str, ...]
    dataset: str | None
    accuracy: Accuracies
    images: int | None = None
    sparsity: float | None = None
    bytes_packed: int | None = None
    cycles: int | None = None
    speedup: float | None = None
    preset: str | None = None

    @property
    def name(self) -> str:
        """The classes, as far as a line has room."""
        more = len(self.classes) - MOST_NAMED
        named = ", ".join(self.classes[:MOST_NAMED]) or "classes without names"
        return f"{named} and {more:,} more" if more > 0 else named


@dataclass(frozen=True, kw_only=True)
class FoundRun:
    """A result.

    Attributes
    ----------
    directory : below the directory that was searched.
    step : of the program that wrote it, such as demo or prune.
    what : data, classes or network of it.
    page : file of the directory to look at; empty if there is none.
    figures : headline figures, JSON numbers by name.
    user : of a network for a user's classes.
    problem : why it could not be read; empty if it could.
    """

    directory: Path
    step: str
    what: str = ""
    command: str = ""
    page: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    user: UserFigures | None = None
    problem: str = ""


class SearchError(CrispError):
    """There is nothing to search."""


def find_runs(root: Path) -> list[FoundRun]:
    """All results below ``root``, by their paths. Links are not followed, nor hidden directories entered.

    Raises
    ------
    SearchError : there is no such directory, or too much below it.
    """
    if not root.is_dir():
        raise SearchError(f"{root} is no directory; expected one with results, such as build")
    return sorted(_search(root), key=lambda run: run.directory.parts)


def _search(root: Path) -> Iterator[FoundRun]:
    for seen, (place, folders, files) in enumerate(os.walk(root)):
        directory = Path(place)
        if seen >= MOST_DIRECTORIES:
            raise SearchError(
                f"more than {MOST_DIRECTORIES} directories below {root}; expected results there"
            )
        depth = len(directory.relative_to(root).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < DEEPEST else []
        runs = [run for name in sorted(files) if (run := _read(root, directory, name))]
        if any(run.step == "demo" for run in runs):
            # What a demo keeps below its report is part of it.
            folders.clear()
        yield from runs


def _read(root: Path, directory: Path, name: str) -> FoundRun | None:
    """The run that a file tells of; None if it is no result's file."""
    stem, suffix = os.path.splitext(name)
    if suffix != ".json" or stem not in (*STEPS, "report"):
        return None
    place = directory.relative_to(root)
    try:
        value = parse_json(read_regular(directory / name, MOST_BYTES))
    except OSError as error:
        return FoundRun(directory=place, step=stem, problem=str(error.strerror))
    except ValueError as error:
        return FoundRun(directory=place, step=stem, problem=f"{name}: not valid JSON ({error})")
    if not isinstance(value, dict):
        return FoundRun(directory=place, step=stem, problem=f"{name}: expected a JSON object")
    if stem == "report":
        stem = _kind_of_report(value)
    if not stem:
        return None
    try:
        return _found(directory, place, stem, document_from_json(STEPS[stem], value, name))
    except CrispError as error:
        return FoundRun(directory=place, step=stem, problem=str(error))


def _kind_of_report(value: Mapping[str, Any]) -> str:
    """Which of the two commands wrote a ``report.json``; empty if neither did."""
    schemas = {STEPS[step].SCHEMA: step for step in ("demo", "network")}
    if SCHEMA in value:
        return schemas.get(str(value[SCHEMA]), "")
    return "network" if "network" in value else "demo" if "accuracy" in value else ""


def _found(directory: Path, place: Path, step: str, document: Document) -> FoundRun:
    page = PAGES.get(step, "")
    page = next((file for file in (page, SUMMARY) if file and (directory / file).is_file()), "")
    told = _told(document)
    return replace(told, directory=place, step=step, page=page)


def _told(document: Document) -> FoundRun:
    """What a document tells, without its place."""
    match document:
        case DemoReport():
            user, totals = _demo_user(document), document.totals
            return _run(
                f"{document.dataset}: {user.name}", document.command, totals.cycles, totals.speedup, user=user
            )
        case PruneStep():
            user = _prune_user(document)
            return _run(f"{document.dataset}: {user.name}", document.command, user=user)
        case NetworkReport(totals=totals):
            return _run(document.network, document.command, totals.cycles, totals.speedup)
        case Inspection(totals=totals):
            return _run(document.path, document.command, totals.cycles, totals.speedup)
        case EvaluateStep():
            return _run(document.path, document.command, accuracy=_best(document.accuracy))
        case TrainStep():
            return _run(document.dataset, document.command, accuracy=document.accuracy)
    raise AssertionError(f"{type(document)} is no result that is looked for")


def _run(
    what: str,
    command: str | None,
    cycles: int | None = None,
    speedup: float | None = None,
    accuracy: float | None = None,
    user: UserFigures | None = None,
) -> FoundRun:
    if user is not None:
        accuracy = _best(user.accuracy)
    figures = {"cycles": cycles, "speedup": speedup, "accuracy": accuracy}
    return FoundRun(
        directory=Path(),
        step="",
        what=what,
        command=command or "",
        figures={name: value for name, value in figures.items() if value is not None},
        user=user,
    )


def _best(accuracy: Accuracies) -> float | None:
    """Of the last form of a network that was measured on all its classes."""
    forms = (accuracy.int8, accuracy.pruned, accuracy.all_classes)
    return next((value for value in forms if value is not None), None)


def _count(images: int | None) -> int | None:
    """Of images that something was measured on."""
    return images if images is not None and images >= 1 else None


def _demo_user(report: DemoReport) -> UserFigures:
    totals = report.totals
    return UserFigures(
        classes=report.classes,
        dataset=report.dataset,
        accuracy=report.accuracy,
        images=_count(report.test_images),
        sparsity=report.sparsity,
        bytes_packed=totals.bytes_packed,
        cycles=totals.cycles,
        speedup=totals.speedup,
        preset=report.preset,
    )


def _prune_user(step: PruneStep) -> UserFigures:
    return UserFigures(
        classes=step.classes,
        dataset=step.dataset,
        accuracy=step.accuracy,
        images=_count(step.test_images),
        sparsity=step.sparsity,
    )
