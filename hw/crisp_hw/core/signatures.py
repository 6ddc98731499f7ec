"""The interfaces of the compute core, declared once for the core and for what works with it."""

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.core.job import JOB_LAYOUT
from crisp_hw.core.payloads import bank_bits, row_bits
from crisp_hw.core.sequencing.cycle_counters import COUNTERS_LAYOUT
from crisp_spec.commands import POSITION_BITS
from crisp_spec.config import CoreConfig

MEMORY_BITS = 3


class JobSignature(wiring.Signature):
    """How jobs are started, as who starts them sees it.

    Members
    -------
    fields : Out(JOB_LAYOUT), stable from ``start`` until ``ready`` is high again.
    start : Out(1), taken if ``ready`` is high.
    ready : In(1), a register; low from the cycle after a start on until the core takes the next one.
    done : In(1), in the last cycle of every job.
    """

    def __init__(self):
        super().__init__(
            {
                "fields": Out(JOB_LAYOUT),
                "start": Out(1),
                "ready": In(1, init=1),
                "done": In(1),
            }
        )


class FillSignature(wiring.Signature):
    """How the memories of the core are filled, beat by beat, as who fills them sees it.

    A beat is taken when ``en`` and ``ready`` are high. ``ready`` does not depend on ``en``, but on
    ``memory``: it is low only for the activation memory, while the array writes outputs to the same bank or
    the read port reads it.

    Members
    -------
    en : Out(1), there is a beat.
    memory : Out(3), the memory, a ``Memory``.
    address : Out(20), number of the beat, modulo the size of the memory.
    data : Out(bus_bits).
    ready : In(1).
    """

    def __init__(self, config: CoreConfig):
        super().__init__(
            {
                "en": Out(1),
                "memory": Out(MEMORY_BITS),
                "address": Out(POSITION_BITS),
                "data": Out(config.bus_bits),
                "ready": In(1),
            }
        )


class ReadSignature(wiring.Signature):
    """How the activation memory is read, ``cols`` words at a time, as who reads it sees it.

    The words are one from every bank. Data comes in the order of the requests, at the earliest
    ``CrispCore.read_latency`` cycles after its request. A read waits for outputs of the array, and the array
    for nobody.

    Members
    -------
    valid : Out(1), there is a request.
    row : Out, SMEM row in the banks from ``rotation`` on.
    next_row : Out, SMEM row in the banks below ``rotation``.
    rotation : Out, bank of the first word.
    ready : In(1), a register; low while a request is under way.
    done : In(1), data of the oldest request without data is there.
    data : In(cols words), bank by bank, while ``done`` is high.
    """

    def __init__(self, config: CoreConfig):
        rows = row_bits(config)
        super().__init__(
            {
                "valid": Out(1),
                "row": Out(rows),
                "next_row": Out(rows),
                "rotation": Out(bank_bits(config)),
                "ready": In(1),
                "done": In(1),
                "data": In(data.ArrayLayout(config.word_bits, config.cols)),
            }
        )


class CoreSignature(wiring.Signature):
    """All ports of a core.

    Members
    -------
    job : In(JobSignature).
    fill : In(FillSignature).
    read : In(ReadSignature).
    busy : Out(1), a register, from the cycle after a start on while a job runs.
    counters : Out(COUNTERS_LAYOUT), cycles by cause of jobs that ran one behind the other.
    counted : Out(1), the counters are final; the next job may count anew from the next cycle on.
    starved : Out(1), an internal fault that cannot happen; tests watch it.
    """

    def __init__(self, config: CoreConfig):
        super().__init__(
            {
                "job": In(JobSignature()),
                "fill": In(FillSignature(config)),
                "read": In(ReadSignature(config)),
                "busy": Out(1),
                "counters": Out(COUNTERS_LAYOUT),
                "counted": Out(1),
                "starved": Out(1),
            }
        )
