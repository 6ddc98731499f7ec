"""Which layers of a model are pruned, and why the others are not."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from crisp_sw.prune.classifier import classifier_name
from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.grid import BlockGrid
from crisp_sw.prune.other_layers import other_layers
from crisp_sw.prune.rank_columns import keep_at_least
from crisp_sw.prune.rules import LayerRule, check_rules
from crisp_sw.prune.settings import PruneSettings


@dataclass(frozen=True, kw_only=True)
class PrunableLayer:
    """A layer that gets the hybrid pattern.

    Attributes
    ----------
    grid : of the matrix that is pruned, in the settings' order.
    hardware_grid : of the tap-major matrix; the same one unless the settings ask for OIHW.
    n, m : of its N:M sparsity; ``n == m`` is none.
    fine_only : whether it keeps all blocks.
    sparsity, min_kept_blocks, min_kept_share : what its floor comes from, as in the settings.
    equal_rows : whether the method keeps equally many blocks in every block-row.
    is_classifier : whether it is the layer that :func:`crisp_sw.prune.classifier.classifier_name` names.
    """

    name: str
    module: nn.Conv2d | nn.Linear
    grid: BlockGrid
    hardware_grid: BlockGrid
    n: int
    m: int
    fine_only: bool
    sparsity: float
    min_kept_blocks: int
    min_kept_share: float
    equal_rows: bool
    is_classifier: bool

    @property
    def floor(self) -> int:
        """Blocks that every block-row keeps."""
        return self.floor_for(self.sparsity)

    def floor_for(self, sparsity: float) -> int:
        """Return the floor that it would have if the settings asked for ``sparsity``."""
        columns = self.grid.block_columns
        if self.fine_only:
            return columns
        uniform = min(1.0, (1 - sparsity) / (self.n / self.m))
        return keep_at_least(columns, blocks=self.min_kept_blocks, fraction=self.min_kept_share * uniform)


@dataclass(frozen=True, kw_only=True)
class DenseLayer:
    """A layer that stays dense, and the reason."""

    name: str
    weights: int
    reason: str


def select_layers(model: nn.Module, settings: PruneSettings) -> tuple[list[PrunableLayer], list[DenseLayer]]:
    """Sort the layers as :func:`sort_layers` does.

    Raises
    ------
    PruneError : an exclusion or rule matches no layer, or no layer is left.
    """
    prunable, dense = sort_layers(model, settings)
    require_any(prunable, dense)
    return prunable, dense


def sort_layers(model: nn.Module, settings: PruneSettings) -> tuple[list[PrunableLayer], list[DenseLayer]]:
    """Sort the layers of ``model`` that have weights into prunable and dense, in the model's order.

    Dense are: layers other than Conv2d and Linear; those that the settings exclude; depthwise convolutions
    and layers too small for blocks, if ``settings.depthwise`` and ``settings.small_layers`` say so; grouped
    convolutions whose groups do not end at block borders; layers whose weight another layer shares or a
    parametrization computes.

    Raises
    ------
    PruneError : an exclusion or rule matches no layer.
    """
    modules = dict(_weight_layers(model))
    others = other_layers(model)
    dense_anyway = {name: layer.module for name, layer in others.items()}
    _check_exclusions({**modules, **dense_anyway}, settings)
    check_rules(settings.rules, model, prunable=modules, dense=dense_anyway)
    owners = Counter(id(weight) for module in model.modules() for weight in module.parameters(recurse=False))
    classifier = classifier_name(modules)
    fixed = _kept_dense(next(iter(modules), None), classifier, settings)
    prunable = []
    dense = [
        DenseLayer(name=name, weights=other.weights, reason=other.reason) for name, other in others.items()
    ]
    for name, module in modules.items():
        chosen, rule = _layer_settings(name, module, settings)
        grid = _grid(module, chosen.block)
        reason = fixed.get(name) or _reason_for_dense(name, module, grid, chosen)
        if rule is not None and rule.dense:
            reason = f"dense by the rule for {rule}"
        if reason is None and owners[id(module.weight)] > 1:
            reason = "shares its weight with another layer"
        if reason is None:
            prunable.append(_prunable(name, module, grid, chosen, is_classifier=name == classifier))
        else:
            dense.append(DenseLayer(name=name, weights=grid.weights, reason=reason))
    order = [name for name, _ in model.named_modules()]
    return prunable, sorted(dense, key=lambda layer: order.index(layer.name))


def require_any(prunable: Sequence[PrunableLayer], dense: Sequence[DenseLayer]) -> None:
    """Raise PruneError, with the reasons, if no layer is left to prune."""
    if not prunable:
        reasons = (
            "; ".join(f"{layer.name}: {layer.reason}" for layer in dense) or "it has no layer with weights"
        )
        raise PruneError(f"no layer of the model can be pruned ({reasons}); expected at least one")


def _weight_layers(model: nn.Module) -> Iterator[tuple[str, nn.Conv2d | nn.Linear]]:
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            yield name, module


def _kept_dense(first: str | None, classifier: str | None, settings: PruneSettings) -> dict[str | None, str]:
    kept: dict[str | None, str] = {first: "the first layer"} if settings.dense_first else {}
    return kept | ({classifier: "the classifier"} if settings.dense_classifier else {})


def _layer_settings(
    name: str, module: nn.Module, settings: PruneSettings
) -> tuple[PruneSettings, LayerRule | None]:
    """Return the settings that hold for one layer, and the last rule that matches it."""
    rules = [rule for rule in settings.rules if rule.matches(name, module)]
    overrides: dict[str, Any] = {}
    for rule in rules:
        overrides |= rule.overrides
    try:
        return replace(settings, **overrides), rules[-1] if rules else None
    except PruneError as error:
        raise PruneError(f"the rules for layer {name!r} do not fit together: {error}") from error


def _grid(module: nn.Conv2d | nn.Linear, block: int) -> BlockGrid:
    if isinstance(module, nn.Linear):
        return BlockGrid(
            out_channels=module.out_features, in_channels=module.in_features, taps=1, block=block
        )
    return BlockGrid(
        out_channels=module.out_channels,
        in_channels=module.in_channels // module.groups,
        taps=module.kernel_size[0] * module.kernel_size[1],
        block=block,
        groups=module.groups,
    )


def _prunable(
    name: str, module: nn.Conv2d | nn.Linear, grid: BlockGrid, settings: PruneSettings, *, is_classifier: bool
) -> PrunableLayer:
    pruned = grid.flattened() if settings.flattens else grid
    return PrunableLayer(
        name=name,
        module=module,
        grid=pruned,
        hardware_grid=grid,
        n=settings.n if settings.fine_density < 1 else settings.m,
        m=settings.m,
        fine_only=settings.method == "nm" or (settings.small_layers == "fine" and _is_small(grid)),
        sparsity=settings.sparsity,
        min_kept_blocks=settings.min_kept_blocks,
        min_kept_share=settings.min_kept_share,
        equal_rows=settings.method not in ("unstructured", "reference_compat"),
        is_classifier=is_classifier,
    )


def _check_exclusions(modules: Mapping[str, nn.Module], settings: PruneSettings) -> None:
    for pattern in settings.exclude:
        if not any(fnmatchcase(name, pattern) for name in modules):
            raise PruneError(
                f"`exclude` pattern {pattern!r} matches no layer; expected one of {_listed(modules)}"
            )
    types = {type(module).__name__ for module in modules.values()}
    for name in settings.exclude_types:
        if name not in types:
            raise PruneError(
                f"`exclude_types` {name!r} matches no layer; expected one of {_listed(sorted(types))}"
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "(the model has none)"


def _reason_for_dense(
    name: str, module: nn.Conv2d | nn.Linear, grid: BlockGrid, settings: PruneSettings
) -> str | None:
    for pattern in settings.exclude:
        if fnmatchcase(name, pattern):
            return f"excluded by name: {pattern}"
    if type(module).__name__ in settings.exclude_types:
        return f"excluded by type: {type(module).__name__}"
    if parametrize.is_parametrized(module, "weight"):
        return "its weight is computed by a parametrization"
    if grid.is_depthwise:
        return "depthwise convolution" if settings.depthwise == "dense" else None
    if grid.groups > 1:
        return _reason_for_dense_groups(grid)
    if settings.small_layers == "dense" and _is_small(grid):
        return (
            f"too small: {grid.in_channels} input channels and {grid.block_columns} block(s) per block-row "
            f"with B = {grid.block}"
        )
    return None


def _reason_for_dense_groups(grid: BlockGrid) -> str | None:
    out_per_group = grid.out_channels // grid.groups
    if grid.in_channels % grid.block or out_per_group % grid.block:
        return (
            f"grouped convolution: {grid.in_channels} input and {out_per_group} output channels per group, "
            f"not both multiples of B = {grid.block}"
        )
    return None


def _is_small(grid: BlockGrid) -> bool:
    small = grid.in_channels < grid.block and not grid.is_depthwise
    return small or grid.block_columns == 1
