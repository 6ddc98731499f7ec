"""The compute core: everything between the memories that hold a packed layer and the layer's output."""

from typing import Any

from amaranth.hdl import Cat, Module, ResetSignal, Signal
from amaranth.lib import wiring

from crisp_hw.cells import Technology
from crisp_hw.core.activation_memory import ActivationMemory
from crisp_hw.core.array.array_row import ArrayRow
from crisp_hw.core.array.output_lane import LEVELS_LAYOUT
from crisp_hw.core.decoder import BlockIndexDecoder
from crisp_hw.core.job import job_layout
from crisp_hw.core.loader import WeightLoader
from crisp_hw.core.outputs.writer import OutputWriter
from crisp_hw.core.payloads import fill_layout
from crisp_hw.core.sequencing.sequencer import Sequencer
from crisp_hw.core.signatures import CoreSignature
from crisp_hw.parts.delay import delay
from crisp_hw.parts.field_layouts import same_fields
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import READ_LATENCY, accumulate_latency, prologue_cycles


class CrispCore(Shareable):
    """Hybrid-sparse compute core. Runs job after job: EXECUTE commands on the memories' contents.

    The prologue of a job overlaps with the flush of the one before, see
    ``crisp_spec.latencies.release_cycles``. While a job runs, the memories may be filled for the next one,
    and the activation memory may be read.

    Parameters
    ----------
    config : shape of the core.
    technology : what multipliers and block RAMs are mapped to.

    Members
    -------
    As in ``CoreSignature``.
    """

    read_latency = READ_LATENCY

    def __init__(self, config: CoreConfig, *, technology: Technology = Technology.GENERIC):
        self.config = config
        self.technology = technology
        super().__init__(CoreSignature(config))

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
        start = Signal()
        taken = Signal()
        rests = Signal()
        m.d.comb += [
            taken.eq(self.job.start & self.job.ready),
            rests.eq(self.job.done & sequencer.idle & ~start),
        ]
        m.d.sync += [
            start.eq(taken),
            self.job.ready.eq((self.job.ready & ~taken) | sequencer.released),
            self.busy.eq((self.busy & ~rests) | taken),
            self.counted.eq(rests),
        ]
        output_job, output_start = self._output_job(m, start)
        for block in (decoder, sequencer, loader):
            m.d.comb += same_fields(block.job, self.job.fields)
        m.d.comb += [
            *[block.start.eq(start) for block in (decoder, sequencer, loader)],
            *same_fields(writer.job, output_job),
            writer.start.eq(output_start),
            loader.load.eq(sequencer.load),
            loader.head.eq(decoder.o.payload),
            sequencer.written.eq(writer.written),
            self.job.done.eq(sequencer.done),
            self.starved.eq(sequencer.starved),
            self.counters.eq(sequencer.counters),
        ]
        wiring.connect(m, decoder.o, sequencer.i)
        rows = self._array(m, platform, resets, sequencer, loader, activations, output_job)
        m.d.comb += [
            writer.drain.eq(rows[-1].next_drain),
            *[writer.y[number].eq(row.y) for number, row in enumerate(rows)],
            activations.outputs.eq(writer.o),
            activations.zero_point.eq(self.job.fields.x_zero_point),
        ]
        self._connect_reads(m, sequencer, activations)
        fill = self._connect_fill(m, activations)
        m.d.comb += [decoder.fill.eq(fill), loader.fill.eq(fill)]
        return m

    def _output_job(self, m: Module, start: Signal) -> tuple[Any, Any]:
        """The job as the output stage and what is behind it see it, and its start.

        It is the one before until that job's last output has passed.
        """
        job = Signal(job_layout((*OutputWriter.job_fields, *LEVELS_LAYOUT.members)), reset_less=True)
        last = delay(m, start, prologue_cycles(self.config), "prologue", reset_less=False)
        with m.If(last):
            m.d.sync += same_fields(job, self.job.fields)
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
        """Chain the rows; the beats meet their words at row 0."""
        config = self.config
        rows = []
        levels = Signal(LEVELS_LAYOUT)
        m.d.comb += same_fields(levels, output_job)
        chain = {
            "beat": delay(m, sequencer.beat, activations.latency, "beat", reset_less=False),
            "words": activations.words,
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
        port, store = self.read, activations.store
        m.d.comb += [
            activations.read.eq(sequencer.read),
            activations.is_inside.eq(sequencer.is_inside),
            store.en.eq(port.valid),
            store.row.eq(port.row),
            store.next_row.eq(port.next_row),
            store.rotation.eq(port.rotation),
            port.ready.eq(activations.store_ready),
            port.data.eq(activations.stored),
            port.done.eq(activations.store_done),
        ]

    def _connect_fill(self, m: Module, activations) -> Any:
        """Beats for the activation memory go there at once, those for the others through a register."""
        port = self.fill
        fill = Signal(fill_layout(self.config))
        to_smem = port.memory == Memory.SMEM
        m.d.comb += [
            activations.fill_en.eq(port.en & to_smem),
            activations.fill_address.eq(port.address),
            activations.fill_data.eq(port.data),
            port.ready.eq(activations.fill_ready | ~to_smem),
        ]
        m.d.sync += [
            *[fill.select[memory].eq(port.en & (port.memory == memory)) for memory in Memory],
            fill.address.eq(port.address),
            fill.data.eq(port.data),
        ]
        return fill
