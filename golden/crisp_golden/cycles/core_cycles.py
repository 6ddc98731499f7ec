"""Cycle model of the compute core: a closed formula that equals the hardware's counter.

For row tile k with W_k kept windows and pixel tile p with d_p column groups, the array computes for ``A =
W_k * slot(d_p) + d_p * residual`` cycles while the accumulators of the tile before drain, ``drain_cols``
pixels per cycle (one if the output is phased), for ``D = d * cols / drain_cols``:

    cycles = prologue + n * load_beats + sum over tiles of max(A_i, D_(i-1)) + D_last + flush

``slot(d) = max(n * d, n * load_beats, decode interval)``, see ``crisp_golden.pack.jobs.slot_cycles``;
prologue and flush are pipeline latencies, see ``crisp_spec.latencies``. Tiles are in row-tile-major order.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from crisp_golden.arithmetic.network import QuantizedConv
from crisp_golden.pack.jobs import plan_layer
from crisp_golden.pack.workload import Workload, layer_workload
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import flush_cycles, prologue_cycles


@dataclass(frozen=True, kw_only=True)
class CycleCount:
    """Cycles of one or more jobs by cause; the names are those of the hardware's counters.

    Attributes
    ----------
    prologue : start to the first window, its weight load included.
    compute : beats in which the array multiplies.
    residual : beats that fetch the residual tensor.
    load : beats in which the array waits for weights or indices.
    drain : beats in which the array waits for the output stage.
    flush : last window to the last output.
    """

    prologue: int = 0
    compute: int = 0
    residual: int = 0
    load: int = 0
    drain: int = 0
    flush: int = 0

    @property
    def total(self) -> int:
        """All cycles from start to done."""
        return sum(getattr(self, field.name) for field in dataclasses.fields(self))

    def __add__(self, other: "CycleCount") -> "CycleCount":
        return CycleCount(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def job_cycles(config: CoreConfig, fields: Mapping[str, int], windows: np.ndarray) -> CycleCount:
    """Predict the counters of one job.

    Parameters
    ----------
    fields : of the job.
    windows : int[row tiles], kept windows of each row tile.
    """
    depths = np.full(fields["pixel_tiles"], fields["depth_full"])
    depths[-1] = fields["depth_last"]
    slots = np.full(fields["pixel_tiles"], fields["slot_full"])
    slots[-1] = fields["slot_last"]
    busy = np.outer(windows, fields["n"] * depths).ravel()
    slot = np.outer(windows, slots).ravel()
    residual = np.tile(fields["residual"] * depths, len(windows))
    per_group = config.cols // (1 if fields["out_phased"] else config.drain_cols)
    drains = np.tile(depths * per_group, len(windows))
    waits = np.maximum(drains[:-1] - (slot + residual)[1:], 0)
    return CycleCount(
        prologue=prologue_cycles(config) + fields["load_beats"],
        compute=int(busy.sum()),
        residual=int(residual.sum()),
        load=int((slot - busy).sum()),
        drain=int(waits.sum()),
        flush=int(drains[-1]) + flush_cycles(config),
    )


def workload_cycles(config: CoreConfig, work: Workload, height: int, width: int) -> CycleCount:
    """Predict the counters of all jobs of a workload on an input of ``height`` x ``width`` pixels."""
    jobs = plan_layer(config, work, height, width)
    return sum((job_cycles(config, job.fields, job.windows) for job in jobs), CycleCount())


def predict_cycles(config: CoreConfig, layer: QuantizedConv, height: int, width: int) -> CycleCount:
    """Predict the counters of all jobs of ``layer`` on an input of ``height`` x ``width`` pixels."""
    return workload_cycles(config, layer_workload(config, layer, layer.in_channels), height, width)


def ideal_cycles(config: CoreConfig, work: Workload, height: int, width: int) -> int:
    """The array's own bound: ``sum of kept windows * ceil(P / cols) * n`` over the row tiles."""
    rows, columns = work.kernel.out_size(height, width)
    return int(work.windows.sum()) * work.n * -(-rows * columns // config.cols)


def dense_workload(config: CoreConfig, layer: QuantizedConv) -> Workload:
    """The same layer dense on the same hardware: no weight zero, so every window kept and N = M.

    Grouped layers keep their block-diagonal structure, which is not sparsity that pruning made; a group of
    fewer than M input channels, as in a depthwise layer, needs an N of only that many.
    """
    dense = replace(layer, weight=np.ones_like(layer.weight), pattern=None)
    return layer_workload(config, dense, layer.in_channels)


def dense_cycles(config: CoreConfig, layer: QuantizedConv, height: int, width: int) -> CycleCount:
    """Predict the counters of ``dense_workload``."""
    return workload_cycles(config, dense_workload(config, layer), height, width)
