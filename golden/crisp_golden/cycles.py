"""Cycle model of the compute core: a closed formula that equals the hardware's counter.

For row tile k with W_k kept windows and pixel tile p with d_p column groups, the array computes for
``A = W_k * slot(d_p) + d_p * residual`` cycles while the previous tile's ``D = d * cols`` accumulators drain:

    cycles = prologue + n * load_beats + sum over tiles of max(A_i, D_(i-1)) + D_last + flush

``slot(d) = max(n * d, n * load_beats, decode interval)``, see ``packing.slot_cycles``; prologue and flush are
pipeline latencies, see ``timing``. Tiles are in row-tile-major order.
"""

from dataclasses import dataclass, replace

import numpy as np

from crisp_golden.config import CoreConfig
from crisp_golden.network import QuantizedConv
from crisp_golden.packing import Job, pack_layer
from crisp_golden.timing import flush_cycles, prologue_cycles


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
        return self.prologue + self.compute + self.residual + self.load + self.drain + self.flush

    def __add__(self, other: "CycleCount") -> "CycleCount":
        return CycleCount(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def job_cycles(config: CoreConfig, job: Job) -> CycleCount:
    """Predict the counters of one job."""
    r = job.registers
    depths = np.full(r["pixel_tiles"], r["depth_full"])
    depths[-1] = r["depth_last"]
    slots = np.full(r["pixel_tiles"], r["slot_full"])
    slots[-1] = r["slot_last"]
    busy = np.outer(job.windows, r["n"] * depths).ravel()
    slot = np.outer(job.windows, slots).ravel()
    residual = np.tile(r["residual"] * depths, len(job.windows))
    drains = np.tile(depths * config.cols, len(job.windows))
    waits = np.maximum(drains[:-1] - (slot + residual)[1:], 0)
    return CycleCount(
        prologue=prologue_cycles(config) + r["load_beats"],
        compute=int(busy.sum()),
        residual=int(residual.sum()),
        load=int((slot - busy).sum()),
        drain=int(waits.sum()),
        flush=int(drains[-1]) + flush_cycles(config),
    )


def predict_cycles(config: CoreConfig, layer: QuantizedConv, height: int, width: int) -> CycleCount:
    """Predict the counters of all jobs of ``layer`` on an input of ``height`` x ``width`` pixels."""
    jobs = pack_layer(config, layer, height, width)
    return sum((job_cycles(config, job) for job in jobs), CycleCount())


def ideal_cycles(config: CoreConfig, layer: QuantizedConv, height: int, width: int) -> int:
    """The array's own bound: ``sum of kept windows * ceil(P / cols) * n`` over the row tiles."""
    rows, columns = layer.out_size(height, width)
    jobs = pack_layer(config, layer, height, width)
    tiles = {job.first_tile: job for job in jobs}.values()
    windows = sum(int(job.windows.sum()) * job.registers["n"] for job in tiles)
    return windows * -(-rows * columns // config.cols)


def dense_cycles(config: CoreConfig, layer: QuantizedConv, height: int, width: int) -> CycleCount:
    """Predict the same layer dense on the same hardware: no weight zero, so every window kept and N = M.

    Grouped layers keep their block-diagonal structure, which is not sparsity that pruning made; a group of
    fewer than M input channels, as in a depthwise layer, needs an N of only that many.
    """
    dense = replace(layer, weight=np.ones_like(layer.weight), pattern=None)
    return predict_cycles(config, dense, height, width)
