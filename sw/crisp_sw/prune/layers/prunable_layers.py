"""Which layers of a model are pruned, and why the others are not."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.classifier import classifies
from crisp_sw.prune.layers.exclusions import excluded_layers, weight_layers
from crisp_sw.prune.layers.layer_roles import output_layer
from crisp_sw.prune.layers.other_layers import other_layers
from crisp_sw.prune.methods.block_grid import BlockGrid
from crisp_sw.prune.methods.floors import floor_share, keep_at_least
from crisp_sw.prune.settings.rules import check_effects
from crisp_sw.prune.settings.settings import PruneSettings


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
    is_classifier : whether it makes the model's outputs; looked up for "reference_compat" alone.
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
    min_kept_share: float | None
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
        share = floor_share(self.min_kept_share, sparsity=sparsity, density=self.n / self.m)
        return keep_at_least(columns, blocks=self.min_kept_blocks, share=share)


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
    PruneError : an exclusion or rule matches no layer, no layer is left, or a rule has settings for layers
        that stay dense alone.
    """
    prunable, dense = sort_layers(model, settings)
    check_sorted(model, settings, prunable, dense)
    return prunable, dense


def sort_layers(model: nn.Module, settings: PruneSettings) -> tuple[list[PrunableLayer], list[DenseLayer]]:
    """Sort the layers of ``model`` that have weights into prunable and dense, in the model's order.

    Dense are: layers other than Conv2d and Linear; those that the settings exclude; depthwise convolutions
    and layers too small for blocks, if ``settings.depthwise`` and ``settings.small_layers`` say so; grouped
    convolutions whose groups do not end at block borders; layers whose weight another layer shares, or a
    parametrization or hook computes.

    Raises
    ------
    PruneError : an exclusion or rule matches no layer, or it cannot be told which layer is the classifier,
        where the settings treat that differently.
    """
    modules, others = weight_layers(model), other_layers(model)
    excluded = excluded_layers(model, settings)
    owners = Counter(id(weight) for module in model.modules() for weight in module.parameters(recurse=False))
    classifier = _classifier_without_blocks(model, settings)
    prunable = []
    dense = [
        DenseLayer(name=name, weights=other.weights, reason=other.reason) for name, other in others.items()
    ]
    for name, module in modules.items():
        chosen = _layer_settings(name, module, settings)
        grid = _grid(module, chosen.block)
        reason = excluded.get(name) or _reason_for_dense(module, grid, chosen)
        if reason is None and owners[id(module.weight)] > 1:
            reason = "shares its weight with another layer"
        if reason is None:
            prunable.append(_prunable(name, module, grid, chosen, is_classifier=name == classifier))
        else:
            dense.append(DenseLayer(name=name, weights=grid.weights, reason=reason))
    order = [name for name, _ in model.named_modules()]
    return prunable, sorted(dense, key=lambda layer: order.index(layer.name))


def check_sorted(
    model: nn.Module,
    settings: PruneSettings,
    prunable: Sequence[PrunableLayer],
    dense: Sequence[DenseLayer],
) -> None:
    """Raise PruneError if no layer is left to prune, or a rule sets something of dense layers alone."""
    reasons = {layer.name: layer.reason for layer in dense}
    require_any([layer.name for layer in prunable], reasons)
    check_effects(settings.rules, model, pruned=[layer.name for layer in prunable], dense=reasons)


def _classifier_without_blocks(model: nn.Module, settings: PruneSettings) -> str | None:
    if settings.method != "reference_compat":
        return None
    name = output_layer(model, otherwise="another method than 'reference_compat', which gives it no blocks")
    return name if classifies(model.get_submodule(name)) else None


def require_any(pruned: Collection[str], dense: Mapping[str, str]) -> None:
    """Raise PruneError, with the reasons of the ``dense`` ones, if no layer is left to prune."""
    if not pruned:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in dense.items())
        raise PruneError(
            f"no layer of the model can be pruned ({reasons or 'it has no layer with weights'}); "
            "expected at least one"
        )


def _layer_settings(name: str, module: nn.Module, settings: PruneSettings) -> PruneSettings:
    """Return the settings that hold for one layer."""
    overrides: dict[str, Any] = {}
    for rule in settings.rules:
        if rule.matches(name, module):
            overrides |= rule.overrides
    try:
        return replace(settings, **overrides)
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


def _reason_for_dense(module: nn.Conv2d | nn.Linear, grid: BlockGrid, settings: PruneSettings) -> str | None:
    if parametrize.is_parametrized(module, "weight"):
        return "its weight is computed by a parametrization"
    if "weight" not in dict(module.named_parameters(recurse=False)):
        return "its weight is no parameter: a hook computes it, such as one of torch.nn.utils.prune"
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
