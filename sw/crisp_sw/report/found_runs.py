"""Results of runs, found again below a directory: what each was, and its headline figures.

What is found may have been written by another version, by hand, or by somebody hostile: a figure that is not
there or not what it should be is left out, and a file that cannot be read is named with the reason.
"""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crisp_files.input_files import read_regular
from crisp_files.json_toml import parse_json
from crisp_spec.errors import CrispError

MOST_NAMED = 12
"""Classes by which a user is called; one may have a thousand."""

DEEPEST, MOST_DIRECTORIES, MOST_BYTES = 6, 20_000, 64 << 20
STEPS = ("train", "evaluate", "prune", "quantize", "inspect")
PAGES = {"demo": "report.html", "network": "report.html", "inspect": "inspect.html"}
SUMMARY = "summary.md"


@dataclass(frozen=True, kw_only=True)
class UserFigures:
    """What a network for one user's classes reaches; None for what a run does not say.

    Attributes
    ----------
    classes : names.
    accuracy : shares by ``dense``, ``dense_fine_tuned``, ``pruned``, ``int8``, those that are known.
    images : that they were measured on.
    sparsity : share of the prunable weights that is gone.
    bytes_packed : of all weights with their indices.
    cycles, cycles_dense : per image, of the network and of its dense form, on ``preset``.
    """

    classes: tuple[str, ...]
    dataset: str | None
    accuracy: Mapping[str, float]
    images: int | None = None
    sparsity: float | None = None
    bytes_packed: float | None = None
    cycles: float | None = None
    cycles_dense: float | None = None
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
        figures = parse_json(read_regular(directory / name, MOST_BYTES))
    except OSError as error:
        return FoundRun(directory=place, step=stem, problem=str(error.strerror))
    except ValueError as error:
        return FoundRun(directory=place, step=stem, problem=f"{name}: not valid JSON ({error})")
    if not isinstance(figures, dict):
        return FoundRun(directory=place, step=stem, problem=f"{name}: expected a JSON object")
    if stem == "report":
        stem = "network" if "network" in figures else "demo" if "accuracy" in figures else ""
    return _found(directory, place, stem, figures) if stem else None


def _found(directory: Path, place: Path, step: str, figures: Mapping[str, Any]) -> FoundRun:
    user = _user(figures) if step in ("demo", "prune") else None
    name = _text(figures, "network") or _text(figures, "path") or _text(figures, "dataset") or ""
    page = PAGES.get(step, "")
    page = next((file for file in (page, SUMMARY) if file and (directory / file).is_file()), "")
    return FoundRun(
        directory=place,
        step=step,
        what=f"{name}: {user.name}" if user else name,
        command=_text(figures, "command") or "",
        page=page,
        figures=_headline(figures),
        user=user,
    )


def _user(figures: Mapping[str, Any]) -> UserFigures:
    accuracy = {
        key: _share(figures, "accuracy", key) for key in ("dense", "dense_fine_tuned", "pruned", "int8")
    }
    images = _number(figures, "test_images")
    classes = figures.get("classes")
    return UserFigures(
        classes=tuple(map(str, classes)) if isinstance(classes, list) else (),
        dataset=_text(figures, "dataset"),
        accuracy={key: value for key, value in accuracy.items() if value is not None},
        images=int(images) if images is not None and images >= 1 else None,
        sparsity=_share(figures, "sparsity"),
        bytes_packed=_number(figures, "totals", "bytes_packed"),
        cycles=_number(figures, "totals", "cycles_rtl"),
        cycles_dense=_number(figures, "totals", "cycles_dense"),
        preset=_text(figures, "preset"),
    )


def _headline(figures: Mapping[str, Any]) -> dict[str, float]:
    """Cycles, speedup and accuracy, those that are there."""
    found = {
        "cycles": _first(
            figures, ("totals", "cycles"), ("totals", "cycles_rtl"), ("totals", "cycles_predicted")
        ),
        "speedup": _number(figures, "totals", "speedup"),
        "accuracy": _first(
            figures, ("accuracy", "int8"), ("accuracy", "pruned"), ("accuracy", "all_classes")
        ),
    }
    return {name: value for name, value in found.items() if value is not None}


def _first(figures: Mapping[str, Any], *paths: tuple[str, ...]) -> float | None:
    return next((value for path in paths if (value := _number(figures, *path)) is not None), None)


def _value(figures: Mapping[str, Any], *path: str) -> Any:
    value: Any = figures
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(figures: Mapping[str, Any], *path: str) -> str | None:
    value = _value(figures, *path)
    return value if isinstance(value, str) else None


def _number(figures: Mapping[str, Any], *path: str) -> float | None:
    """A number that is finite and not negative, as all headline figures are."""
    value = _value(figures, *path)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e15:
        return None
    return value if math.isfinite(value) else None


def _share(figures: Mapping[str, Any], *path: str) -> float | None:
    value = _number(figures, *path)
    return value if value is not None and value <= 1 else None
