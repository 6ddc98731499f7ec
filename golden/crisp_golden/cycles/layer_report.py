"""Figures of one layer on one core: sizes, pattern and predicted cycles. No simulation needed."""

from crisp_golden.arithmetic.network import QuantizedConv
from crisp_golden.cycles.core_cycles import dense_cycles, ideal_cycles, workload_cycles
from crisp_golden.format.sizes import size_report
from crisp_golden.format.weight_matrix import expand_groups
from crisp_golden.pack.workload import Workload, layer_workload
from crisp_spec.config import CoreConfig

Figure = int | str | None


def layer_report(
    config: CoreConfig, layer: QuantizedConv, height: int, width: int, *, dense: bool = True
) -> dict[str, Figure]:
    """Figures of ``layer`` for an input of ``height`` x ``width`` pixels.

    Parameters
    ----------
    dense : whether its dense form counts too; else ``cycles_dense`` is None.

    Returns
    -------
    ``name``; K, R = kh * kw * C / groups and P of the GEMM view; ``block``, ``n``, ``m``, ``kept_blocks`` and
    ``total_blocks`` of the pattern (of a layer without one: block None, N and windows as the array sees
    them); ``bytes_dense`` and ``bytes_packed`` of the weights, metadata included; ``cycles_predicted``,
    ``cycles_ideal`` (the array's own bound) and ``cycles_dense`` (the same layer dense on the same core).

    Raises
    ------
    CapacityError : the layer, or its dense form, does not fit the core.
    PatternError : the weight does not have the pattern.
    """
    rows, columns = layer.out_size(height, width)
    k, local, kh, kw = layer.weight.shape
    work = layer_workload(config, layer, layer.in_channels)
    return {
        "name": layer.name,
        "K": k,
        "R": local * kh * kw,
        "P": rows * columns,
        **_pattern_figures(config, layer, work),
        "cycles_predicted": workload_cycles(config, work, height, width).total,
        "cycles_ideal": ideal_cycles(config, work, height, width),
        "cycles_dense": dense_cycles(config, layer, height, width).total if dense else None,
    }


def _pattern_figures(config: CoreConfig, layer: QuantizedConv, work: Workload) -> dict[str, Figure]:
    pattern, dense = layer.pattern, layer.weight.size
    if pattern is None:
        return {
            "block": None,
            "n": work.n,
            "m": config.m,
            "kept_blocks": int(work.windowed.kept.sum()),
            "total_blocks": work.windowed.kept.size,
            "bytes_dense": dense,
            "bytes_packed": dense,
        }
    return {
        "block": pattern.block,
        "n": pattern.n,
        "m": pattern.m,
        "kept_blocks": int(pattern.block_mask.sum()),
        "total_blocks": pattern.block_mask.size,
        "bytes_dense": dense,
        "bytes_packed": size_report(expand_groups(layer.weight, layer.groups), pattern)["hybrid"],
    }
