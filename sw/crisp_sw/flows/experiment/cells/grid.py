"""The cells of a whole experiment: every combination that makes sense, each once."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from crisp_sw.flows.experiment.cells.cell import METHODS, PATTERN_METHODS, Cell, ExperimentError
from crisp_sw.flows.experiment.cells.recipe import VARIANTS, find_recipe
from crisp_sw.flows.experiment.universal_settings import UNIVERSAL
from crisp_sw.prune.settings.value_checks import MAX_BLOCK
from crisp_sw.seeds import HIGHEST_SEED, SEED_RANGE

Ratio = tuple[int, int]
LONGEST_NAME = 150
"""Of a table, in characters: file systems allow 255, with suffixes."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Values of each axis; `cells` combines them.

    Attributes
    ----------
    networks : names of universal networks, or checkpoints; a cell's network is named by the file's stem.
    classes, class_seeds, sparsities, blocks : as in `Cell`.
    ratios : (n, m) pairs inside of blocks.
    nm_only_ratios : (n, m) pairs without blocks; 1:16 is sparser than 92% by itself.
    variants : recipes beside the standard one, for CRISP cells alone; with those that train more the dense
        network is measured too.

    Raises
    ------
    ExperimentError : a value is none that a cell can have, or two networks are called the same.
    """

    networks: tuple[str, ...] = ("resnet18-half-32px",)
    classes: tuple[int, ...] = (1, 5, 10, 20)
    class_seeds: tuple[int, ...] = (0, 1, 2)
    methods: tuple[str, ...] = METHODS
    sparsities: tuple[float, ...] = (0.80, 0.85, 0.90, 0.92, 0.95)
    blocks: tuple[int, ...] = (4, 8, 16, 32)
    ratios: tuple[Ratio, ...] = ((1, 4), (2, 4), (3, 4))
    nm_only_ratios: tuple[Ratio, ...] = ((1, 4), (2, 4), (3, 4), (1, 16))
    variants: tuple[str, ...] = ()

    def __post_init__(self):
        _require_different_names(self.networks)
        _require_all("classes", self.classes, "at least 1", lambda count: count >= 1)
        _require_all("class_seeds", self.class_seeds, SEED_RANGE, lambda seed: 0 <= seed <= HIGHEST_SEED)
        _require_all("methods", self.methods, f"one of {', '.join(METHODS)}", METHODS.__contains__)
        _require_all("sparsities", self.sparsities, "above 0 and below 1", lambda share: 0 < share < 1)
        for axis in ("ratios", "nm_only_ratios"):
            for n, m in getattr(self, axis):
                if not 1 <= n < m:
                    raise ExperimentError(f"`{axis}` must be N:M with N from 1 to M - 1, not {n}:{m}")
        for _, m in self.ratios:
            _require_all(
                "blocks",
                self.blocks,
                f"a positive multiple of m = {m} up to {MAX_BLOCK}",
                lambda block, m=m: 0 < block <= MAX_BLOCK and block % m == 0,
            )
        for variant in self.variants:
            find_recipe(variant)

    def cells(self, networks: Sequence[str]) -> list[Cell]:
        """Every cell once; for each user the dense one first, which the others are compared with.

        A target that a ratio exceeds by itself is left out: N:M alone is a method of its own.
        """
        cells: dict[Cell, None] = {}
        for network, classes, seed in product(networks, self.classes, self.class_seeds):
            dense = Cell(network=network, classes=classes, class_seed=seed, method="dense")
            cells[dense] = None
            cells |= dict.fromkeys(
                replace(dense, variant=variant)
                for variant in self.variants
                if find_recipe(variant).trains_more
            )
            for method in self.methods:
                cells |= dict.fromkeys(self._of_method(dense, method))
        return list(cells)

    def require_effects(self, axes: Iterable[str]) -> None:
        """Check that every value of ``axes`` is that of some cell.

        Raises
        ------
        ExperimentError : one is not; names it.
        """
        cells = self.cells(self.networks)
        found = {
            "classes": {cell.classes for cell in cells},
            "class_seeds": {cell.class_seed for cell in cells},
            "methods": {cell.method for cell in cells},
            "sparsities": {cell.sparsity for cell in cells},
            "blocks": {cell.block for cell in cells},
            "ratios": {(cell.n, cell.m) for cell in cells if cell.method in PATTERN_METHODS},
            "variants": {cell.variant for cell in cells},
        }
        for axis in axes:
            for value in getattr(self, axis):
                if value not in found.get(axis, {value}):
                    shown = ":".join(map(str, value)) if isinstance(value, tuple) else value
                    raise ExperimentError(
                        f"`{axis}` {shown} has no effect: no cell of the chosen methods, ratios and targets "
                        "has it"
                    )

    def _of_method(self, dense: Cell, method: str) -> Iterator[Cell]:
        if method in PATTERN_METHODS:
            variants = ("", *self.variants) if method == "crisp" else ("",)
            for (n, m), block, sparsity, variant in product(
                self.ratios, self.blocks, self.sparsities, variants
            ):
                if 1 - n / m < sparsity:
                    yield replace(
                        dense, method=method, n=n, m=m, block=block, sparsity=sparsity, variant=variant
                    )
        elif method == "nm-only":
            yield from (replace(dense, method=method, n=n, m=m) for n, m in self.nm_only_ratios)
        elif method == "block-only":
            for block, sparsity in product(self.blocks, self.sparsities):
                yield replace(dense, method=method, block=block, sparsity=sparsity)
        elif method != "dense":
            yield from (replace(dense, method=method, sparsity=sparsity) for sparsity in self.sparsities)


def network_name(network: str) -> str:
    """Return what the cells of a universal network, or of a checkpoint, call it."""
    return Path(network).stem


def _require_different_names(networks: Sequence[str]) -> None:
    known: dict[str, str] = {}
    for network in networks:
        name = network_name(network)
        if name in known:
            raise ExperimentError(
                f"networks {known[name]!r} and {network!r} are both called {name!r}; expected different "
                "names, as results are named after the network"
            )
        known[name] = network


def _require_all(axis: str, values: Sequence[Any], expected: str, fits: Callable[[Any], bool]) -> None:
    for value in values:
        if not fits(value):
            raise ExperimentError(f"`{axis}` must be {expected}, not {value!r}")


FORMER_NAMES = {"worth": "variants"}
"""Names that grids had before: what is called so on a disk is of the grid that is called otherwise now."""

GRIDS: dict[str, Grid] = {
    "headline": Grid(
        classes=(10,),
        class_seeds=(0,),
        sparsities=(0.92,),
        blocks=(16,),
        ratios=((1, 4), (2, 4)),
        nm_only_ratios=((1, 4), (2, 4), (1, 16)),
    ),
    "full": Grid(networks=tuple(UNIVERSAL)),
    "sparsity": Grid(
        classes=(10,),
        class_seeds=(0,),
        methods=("dense", "crisp"),
        blocks=(16,),
        ratios=((1, 4), (2, 4), (3, 4)),
    ),
    "classes": Grid(
        class_seeds=(0,), methods=("dense", "crisp"), sparsities=(0.92,), blocks=(16,), ratios=((1, 4),)
    ),
    "blocks": Grid(
        classes=(10,),
        class_seeds=(0,),
        methods=("dense", "crisp"),
        sparsities=(0.92,),
        ratios=((1, 4), (2, 4)),
    ),
    "variants": Grid(
        classes=(10,),
        class_seeds=(0,),
        methods=("dense", "crisp"),
        sparsities=(0.92,),
        blocks=(16,),
        ratios=((1, 4),),
        variants=tuple(VARIANTS),
    ),
}


def find_grid(name: str) -> Grid:
    """Return a named grid.

    Raises
    ------
    ExperimentError : there is none of that name.
    """
    if name in FORMER_NAMES:
        raise ExperimentError(
            f"the grid {name!r} is called {FORMER_NAMES[name]!r}; expected that name, by which its cells are "
            "found again"
        )
    if name not in GRIDS:
        raise ExperimentError(f"no grid {name!r}; expected one of {', '.join(GRIDS)}")
    return GRIDS[name]


def table_name(name: str, chosen: Grid) -> str:
    """Return what to call the results of a grid that was narrowed, or widened, from the one called ``name``.

    That is ``name`` if nothing differs; else every axis that does is named: ``headline-seeds-1+2``.
    """
    original, parts = find_grid(name), [name]
    for axis in fields(Grid):
        values = getattr(chosen, axis.name)
        if values != getattr(original, axis.name):
            parts += [axis.name.removeprefix("class_"), "+".join(map(_fit_for_a_file, values))]
    full = "-".join(parts)
    if len(full) <= LONGEST_NAME:
        return full
    return f"{full[:LONGEST_NAME]}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"


def _fit_for_a_file(value: Any) -> str:
    if isinstance(value, tuple):
        return "of".join(map(str, value))
    return network_name(value) if isinstance(value, str) else f"{value:g}"
