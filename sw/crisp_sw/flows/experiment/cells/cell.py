"""One cell of the experiment's grid: a network, a user's classes, a method and how much it prunes."""

from dataclasses import asdict, dataclass
from typing import Any

from crisp_spec.errors import CrispError

PATTERN_METHODS = ("crisp", "magnitude", "random", "reference-compat")
METHODS = ("dense", *PATTERN_METHODS, "nm-only", "block-only", "unstructured", "channel")


class ExperimentError(CrispError):
    """A cell, grid or recipe is not a valid one, or a result does not belong to it."""


@dataclass(frozen=True, kw_only=True, order=True)
class Cell:
    """What one task of the sweep does.

    Parameters
    ----------
    network : name of the universal network.
    classes : how many classes the user has, at least 1.
    class_seed : which of the seeded choices of classes.
    method : one of `METHODS`. Settings that a method does not have are None.
    n, m : of N:M sparsity.
    block : edge of the square blocks.
    sparsity : wanted share of pruned weights, 0 to below 1.
    variant : name of a recipe of fine-tuning, "" for the standard one.

    Raises
    ------
    ExperimentError : the method is unknown, or lacks a setting or has one too many.
    """

    network: str
    classes: int
    class_seed: int
    method: str
    n: int | None = None
    m: int | None = None
    block: int | None = None
    sparsity: float | None = None
    variant: str = ""

    def __post_init__(self):
        if self.method not in METHODS:
            raise ExperimentError(f"no method {self.method!r}; expected one of {', '.join(METHODS)}")
        if self.classes < 1 or self.class_seed < 0:
            raise ExperimentError(
                f"`classes` must be at least 1 and `class_seed` at least 0, "
                f"not {self.classes} and {self.class_seed}"
            )
        has = {name: getattr(self, name) is not None for name in ("n", "m", "block", "sparsity")}
        wants = _settings_of(self.method)
        for name, present in has.items():
            if present != (name in wants):
                raise ExperimentError(
                    f"method {self.method!r} {'needs' if name in wants else 'takes no'} `{name}`"
                )

    @property
    def user(self) -> tuple[str, int, int]:
        """What cells have in common that are compared with the same reference."""
        return self.network, self.classes, self.class_seed

    @property
    def is_reference(self) -> bool:
        """Whether other cells of the user are compared with it, and distilled from it."""
        return self.method == "dense" and not self.variant

    @property
    def name(self) -> str:
        """Readable, unique in a grid, and fit for a file name: ``resnet-c10-s0-crisp-1of4-b16-p92``."""
        parts = [self.network, f"c{self.classes}", f"s{self.class_seed}", self.method]
        parts += [f"{self.n}of{self.m}"] if self.n is not None else []
        parts += [f"b{self.block}"] if self.block is not None else []
        parts += [f"p{100 * self.sparsity:g}"] if self.sparsity is not None else []
        return "-".join([*parts, *([self.variant] if self.variant else [])])

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON types."""
        return asdict(self)


def _settings_of(method: str) -> frozenset[str]:
    if method in PATTERN_METHODS:
        return frozenset({"n", "m", "block", "sparsity"})
    return {
        "dense": frozenset(),
        "nm-only": frozenset({"n", "m"}),
        "block-only": frozenset({"block", "sparsity"}),
        "unstructured": frozenset({"sparsity"}),
        "channel": frozenset({"sparsity"}),
    }[method]
