"""Figures of one layer on one core: sizes, pattern and predicted cycles. No simulation needed."""

from dataclasses import dataclass
from typing import NamedTuple

from crisp_golden.arithmetic.network import QuantizedConv
from crisp_golden.cycles.core_cycles import dense_cycles, ideal_cycles, workload_cycles
from crisp_golden.format.sizes import size_report
from crisp_golden.format.weight_matrix import expand_groups
from crisp_golden.pack.workload import Workload, layer_workload
from crisp_spec.config import CoreConfig


@dataclass(frozen=True, kw_only=True)
class LayerFigures:
    """A layer alone on a core.

    Attributes
    ----------
    name : of the module.
    K : output channels: the rows of the layer as a matrix product.
    R : length of the reduction: kernel taps times input channels of a group.
    P : output pixels.
    block : edge of the pattern's blocks; None for a layer without a pattern.
    n, m : at most n of m weights are not zero; of a layer without a pattern as the array sees it.
    kept_blocks, total_blocks : of the pattern; of a layer without one, windows as the array sees them.
    bytes_dense : of the int8 weights.
    bytes_packed : of values and indices in the hybrid format.
    cycles_predicted : by the cycle model.
    cycles_ideal : weight slots that are kept over the number of multipliers, which no core can beat.
    cycles_dense : of the same layer without zeros on the same core; None if that is not known.
    """

    name: str
    K: int
    R: int
    P: int
    block: int | None
    n: int
    m: int
    kept_blocks: int
    total_blocks: int
    bytes_dense: int
    bytes_packed: int
    cycles_predicted: int
    cycles_ideal: int
    cycles_dense: int | None


def layer_report(
    config: CoreConfig, layer: QuantizedConv, height: int, width: int, *, dense: bool = True
) -> LayerFigures:
    """Figures of ``layer`` for an input of ``height`` x ``width`` pixels.

    Parameters
    ----------
    dense : whether its dense form counts too; else ``cycles_dense`` is None.

    Raises
    ------
    CapacityError : the layer, or its dense form, does not fit the core.
    PatternError : the weight does not have the pattern.
    """
    rows, columns = layer.out_size(height, width)
    k, local, kh, kw = layer.weight.shape
    work = layer_workload(config, layer, layer.in_channels)
    pattern = _pattern_figures(config, layer, work)
    return LayerFigures(
        name=layer.name,
        K=k,
        R=local * kh * kw,
        P=rows * columns,
        **pattern._asdict(),
        bytes_dense=layer.weight.size,
        bytes_packed=_packed_bytes(layer),
        cycles_predicted=workload_cycles(config, work, height, width).total,
        cycles_ideal=ideal_cycles(config, work, height, width),
        cycles_dense=dense_cycles(config, layer, height, width).total if dense else None,
    )


class _PatternFigures(NamedTuple):
    block: int | None
    n: int
    m: int
    kept_blocks: int
    total_blocks: int


def _pattern_figures(config: CoreConfig, layer: QuantizedConv, work: Workload) -> _PatternFigures:
    pattern = layer.pattern
    if pattern is None:
        kept = work.windowed.kept
        return _PatternFigures(None, work.n, config.m, int(kept.sum()), kept.size)
    mask = pattern.block_mask
    return _PatternFigures(pattern.block, pattern.n, pattern.m, int(mask.sum()), mask.size)


def _packed_bytes(layer: QuantizedConv) -> int:
    if layer.pattern is None:
        return layer.weight.size
    return size_report(expand_groups(layer.weight, layer.groups), layer.pattern)["hybrid"]
