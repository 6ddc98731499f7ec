"""The compute core: everything between the memories that hold a packed layer and the layer's output."""

from typing import Any

from amaranth.hdl import Cat, Module, ResetSignal, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.cells import Technology
from crisp_hw.core.activation_memory import ActivationMemory
from crisp_hw.core.array.array_row import ArrayRow
from crisp_hw.core.array.output_lane import LEVELS_LAYOUT
from crisp_hw.core.decoder import BlockIndexDecoder
from crisp_hw.core.loader import WeightLoader
from crisp_hw.core.outputs.writer import OutputWriter
from crisp_hw.core.payloads import JOB_LAYOUT, bank_bits, fill_layout, row_bits
from crisp_hw.core.sequencing.sequencer import COUNTERS_LAYOUT, Sequencer
from crisp_hw.parts.delay import delay
from crisp_hw.parts.sharing import shared
from crisp_spec.commands import POSITION_BITS, Memory
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import READ_LATENCY, accumulate_latency, prologue_cycles

MEMORY_BITS = 3


class CrispCore(wiring.Component):
    """Hybrid-sparse compute core. Runs job after job: EXECUTE commands on the memories' contents.

    The prologue of a job overlaps with the flush of the one before, see
    ``crisp_spec.latencies.release_cycles``.

    The memories are filled through the write port; a beat is taken when ``write_en`` and ``write_ready`` are
    high. Only the activation memory is ever not ready, while the array writes outputs to the same bank, or
    the read port reads it. The read port takes a request of ``cols`` words at a time, also while a job runs;
    it waits for the array's outputs, and the array for nobody.

    Parameters
    ----------
    config : shape of the core.
    technology : what multipliers and block RAMs are mapped to.

    Members
    -------
    job : In(JOB_LAYOUT), stable from ``start`` until ``ready`` is high again.
    start : In(1), taken if ready; ready : Out(1), a register.
    busy : Out(1), a register, from the cycle after ``start`` on while a job runs; done : Out(1), in the last
        cycle of every job.
    write_en : In(1); write_memory : In(3), a ``Memory``; write_address : In(20), number of the beat, modulo
        the memory; write_data : In(bus_bits); write_ready : Out(1), which does not depend on ``write_en``.
    read_valid : In(1); read_ready : Out(1), a register, low while a request is under way; read_row,
        read_next_row : In, SMEM rows of the banks from the rotation on and of those below; read_rotation :
        In, bank of the first word.
    read_data : Out(cols windows), bank by bank, when ``read_done``: Out(1) is high, at the earliest
        ``read_latency`` cycles after the request.
    starved : Out(1), an internal fault that cannot happen; tests watch it.
    counters : Out(COUNTERS_LAYOUT), cycles by cause of jobs that ran one behind the other. counted : Out(1),
        they are final; the next job may count anew from the next cycle on.
    """

    module_name = "crisp_core"
    read_latency = READ_LATENCY

    def __init__(self, config: CoreConfig, *, technology: Technology = Technology.GENERIC):
        self.config = config
        self.technology = technology
        rows = row_bits(config)
        super().__init__(
            {
                "job": In(JOB_LAYOUT),
                "start": In(1),
                "ready": Out(1, init=1),
                "busy": Out(1),
                "done": Out(1),
                "write_en": In(1),
                "write_memory": In(MEMORY_BITS),
                "write_address": In(POSITION_BITS),
                "write_data": In(config.bus_bits),
                "write_ready": Out(1),
                "read_valid": In(1),
                "read_ready": Out(1),
                "read_row": In(rows),
                "read_next_row": In(rows),
                "read_rotation": In(bank_bits(config)),
                "read_data": Out(data.ArrayLayout(config.window_bits, config.cols)),
                "read_done": Out(1),
                "starved": Out(1),
                "counters": Out(COUNTERS_LAYOUT),
                "counted": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, technology = self.config, self.technology
        decoder = BlockIndexDecoder(config, technology=technology)
        sequencer = Sequencer(config)
        loader = WeightLoader(config, technology=technology)
        activations = ActivationMemory(config, technology=technology)
        writer = OutputWriter(config)
        for block in (decoder, sequencer, loader, activations):
            m.submodules[block.module_name] = shared(platform, block)
        resets = self._row_resets(m)
        # Until the last row is reset, outputs of before come out of it.
        rippling = ResetSignal("sync") | Cat(resets[:-1]).any()
        m.submodules.output_writer = shared(platform, writer, delay(m, rippling, 1, "reset_of_writer"))
        start, taken, rests = Signal(), Signal(), Signal()
        m.d.comb += [
            taken.eq(self.start & self.ready),
            rests.eq(self.done & sequencer.idle & ~start),
        ]
        m.d.sync += [
            start.eq(taken),
            self.ready.eq((self.ready & ~taken) | sequencer.released),
            self.busy.eq((self.busy & ~rests) | taken),
            self.counted.eq(rests),
        ]
        output_job, output_start = self._output_job(m, start)
        m.d.comb += [
            *[block.job.eq(self.job) for block in (decoder, sequencer, loader)],
            *[block.start.eq(start) for block in (decoder, sequencer, loader)],
            writer.job.eq(output_job),
            writer.start.eq(output_start),
            loader.load.eq(sequencer.load),
            loader.head.eq(decoder.o.payload),
            sequencer.written.eq(writer.written),
            self.done.eq(sequencer.done),
            self.starved.eq(sequencer.starved),
            self.counters.eq(sequencer.counters),
        ]
        wiring.connect(m, decoder.o, sequencer.i)
        rows = self._array(m, platform, resets, sequencer, loader, activations, output_job)
        m.d.comb += [
            writer.drain.eq(rows[-1].next_drain),
            *[writer.y[number].eq(row.y) for number, row in enumerate(rows)],
            activations.output.eq(writer.o),
            activations.zero_point.eq(self.job.x_zero_point),
        ]
        self._connect_reads(m, sequencer, activations)
        fill = self._connect_writes(m, activations)
        m.d.comb += [decoder.fill.eq(fill), loader.fill.eq(fill)]
        return m

    def _output_job(self, m: Module, start: Signal) -> tuple[Any, Any]:
        """The job as the output stage and what is behind it see it, and its start.

        It is the one before until that job's last output has passed.
        """
        job = Signal(JOB_LAYOUT, reset_less=True)
        last = delay(m, start, prologue_cycles(self.config), "prologue", reset_less=False)
        with m.If(last):
            m.d.sync += job.eq(self.job)
        return job, delay(m, last, 1, "output_start", reset_less=False)

    def _row_resets(self, m: Module) -> list[Any]:
        """A row is reset a cycle after the one above, as everything else reaches it."""
        resets = [delay(m, ResetSignal("sync"), 1, "reset_of_row_0")]
        for number in range(1, self.config.rows):
            resets.append(delay(m, resets[-1], 1, f"reset_of_row_{number}"))
        return resets

    def _array(
        self, m: Module, platform, resets, sequencer, loader, activations, output_job
    ) -> list[ArrayRow]:
        """Chain the rows; the beats meet their windows at row 0."""
        config = self.config
        rows = []
        levels = Signal(LEVELS_LAYOUT)
        m.d.comb += [levels[name].eq(output_job[name]) for name in LEVELS_LAYOUT.members]
        chain = {
            "beat": delay(m, sequencer.beat, activations.latency, "beat", reset_less=False),
            "windows": activations.windows,
            "weights": loader.weights,
            "channels": loader.channels,
            "levels": levels,
            "drain": delay(m, sequencer.drain, accumulate_latency(config) - 1, "drain", reset_less=False),
        }
        for number in range(config.rows):
            row = ArrayRow(config, technology=self.technology)
            m.submodules[f"row_{number}"] = shared(platform, row, resets[number])
            m.d.comb += [
                *[getattr(row, name).eq(value) for name, value in chain.items()],
                row.position.eq(number),
            ]
            chain = {name: getattr(row, f"next_{name}") for name in chain}
            rows.append(row)
        return rows

    def _connect_reads(self, m: Module, sequencer, activations) -> None:
        """The array has a port of the memory for itself; the read port shares the other one."""
        m.d.comb += [
            activations.read.eq(sequencer.read),
            activations.inside.eq(sequencer.inside),
            activations.store.en.eq(self.read_valid),
            activations.store.row.eq(self.read_row),
            activations.store.next_row.eq(self.read_next_row),
            activations.store.rotation.eq(self.read_rotation),
            self.read_ready.eq(activations.store_ready),
            self.read_data.eq(activations.stored),
            self.read_done.eq(activations.store_done),
        ]

    def _connect_writes(self, m: Module, activations) -> Any:
        """Beats for the activation memory go there at once, those for the others through a register."""
        to_smem = self.write_memory == Memory.SMEM
        fill = Signal(fill_layout(self.config))
        m.d.comb += [
            activations.fill_en.eq(self.write_en & to_smem),
            activations.fill_address.eq(self.write_address),
            activations.fill_data.eq(self.write_data),
            self.write_ready.eq(activations.fill_ready | ~to_smem),
        ]
        m.d.sync += [
            *[fill.select[memory].eq(self.write_en & (self.write_memory == memory)) for memory in Memory],
            fill.address.eq(self.write_address),
            fill.data.eq(self.write_data),
        ]
        return fill
