"""Which layers of a model are pruned, and why the others are not."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from torch import nn
from torch.nn.utils import parametrize

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.classifier import classifies
from crisp_sw.prune.layers.exclusions import excluded_layers, weight_layers
from crisp_sw.prune.layers.layer_roles import output_layer
from crisp_sw.prune.layers.model_rules import ModelRules
from crisp_sw.prune.layers.never_pruned import other_layers
from crisp_sw.prune.pattern.block_grid import BlockGrid
from crisp_sw.prune.pattern.floors import Floor
from crisp_sw.prune.settings.layer_rules import merged_overrides
from crisp_sw.prune.settings.masked_pruning import MaskedPruning


@dataclass(frozen=True, kw_only=True)
class PrunableLayer:
    """A layer that gets the hybrid pattern.

    Attributes
    ----------
    grid : of the matrix that is pruned, in the settings' order.
    hardware_grid : of the tap-major matrix; the same one unless the settings ask for OIHW.
    n, m : of its N:M sparsity; ``n == m`` is none.
    fine_only : whether it keeps all blocks.
    sparsity : that the settings ask for.
    floor : what stays in any case.
    equal_rows : whether the method keeps equally many blocks in every block-row.
    is_classifier : whether it makes the model's outputs; looked up where the method prunes no blocks of it.
    """

    name: str
    module: nn.Conv2d | nn.Linear
    grid: BlockGrid
    hardware_grid: BlockGrid
    n: int
    m: int
    fine_only: bool
    sparsity: float
    floor: Floor
    equal_rows: bool
    is_classifier: bool

    @property
    def least_blocks(self) -> int:
        """Blocks that every block-row keeps in any case."""
        return self.least_blocks_for(self.sparsity)

    def least_blocks_for(self, sparsity: float) -> int:
        """Return the blocks that every block-row would keep if the settings asked for ``sparsity``."""
        columns = self.grid.block_columns
        if self.fine_only:
            return columns
        return self.floor.blocks(columns, sparsity=sparsity, density=self.n / self.m)


@dataclass(frozen=True, kw_only=True)
class DenseLayer:
    """A layer that stays dense, and the reason."""

    name: str
    weights: int
    reason: str


def select_layers(model: nn.Module, settings: MaskedPruning) -> tuple[list[PrunableLayer], list[DenseLayer]]:
    """Sort the layers as :func:`sort_layers` does.

    Raises
    ------
    PruneError : an exclusion or rule matches no layer, no layer is left, or a rule has settings for layers
        that stay dense alone.
    """
    prunable, dense = sort_layers(model, settings)
    check_sorted(model, settings, prunable, dense)
    return prunable, dense


def sort_layers(model: nn.Module, settings: MaskedPruning) -> tuple[list[PrunableLayer], list[DenseLayer]]:
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
    excluded = excluded_layers(model, settings.layers)
    rules = ModelRules(settings.layers.rules, model)
    owners = Counter(id(weight) for module in model.modules() for weight in module.parameters(recurse=False))
    classifier = _classifier_without_blocks(model, settings)
    prunable = []
    dense = [
        DenseLayer(name=name, weights=other.weights, reason=other.reason) for name, other in others.items()
    ]
    for name, module in modules.items():
        chosen = _layer_settings(name, rules, settings)
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
    settings: MaskedPruning,
    prunable: Sequence[PrunableLayer],
    dense: Sequence[DenseLayer],
) -> None:
    """Raise PruneError if no layer is left to prune, or a rule sets something of dense layers alone."""
    reasons = {layer.name: layer.reason for layer in dense}
    require_any([layer.name for layer in prunable], reasons)
    rules = ModelRules(settings.layers.rules, model)
    rules.require_effects(pruned=[layer.name for layer in prunable], dense=reasons)


def _classifier_without_blocks(model: nn.Module, settings: MaskedPruning) -> str | None:
    if not settings.blockless_classifier:
        return None
    name = output_layer(model, otherwise=f"another method than {settings.method!r}, which gives it no blocks")
    return name if classifies(model.get_submodule(name)) else None


def require_any(pruned: Collection[str], dense: Mapping[str, str]) -> None:
    """Raise PruneError, with the reasons of the ``dense`` ones, if no layer is left to prune."""
    if not pruned:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in dense.items())
        raise PruneError(
            f"no layer of the model can be pruned ({reasons or 'it has no layer with weights'}); "
            "expected at least one"
        )


def _layer_settings(name: str, rules: ModelRules, settings: MaskedPruning) -> MaskedPruning:
    """Return the settings that hold for one layer; what rules set for other methods is left out."""
    read = settings.settings()
    overrides = {key: value for key, value in merged_overrides(rules.of(name)).items() if key in read}
    try:
        return settings.with_values(**overrides)
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
    name: str, module: nn.Conv2d | nn.Linear, grid: BlockGrid, settings: MaskedPruning, *, is_classifier: bool
) -> PrunableLayer:
    pruned = grid.flattened() if settings.masking.flattens else grid
    return PrunableLayer(
        name=name,
        module=module,
        grid=pruned,
        hardware_grid=grid,
        n=settings.most_of_group,
        m=settings.m,
        fine_only=settings.keeps_all_blocks or (settings.small_layers == "fine" and _is_small(grid)),
        sparsity=settings.sparsity,
        floor=settings.floor,
        equal_rows=settings.equal_rows,
        is_classifier=is_classifier,
    )


def _reason_for_dense(module: nn.Conv2d | nn.Linear, grid: BlockGrid, settings: MaskedPruning) -> str | None:
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
