"""The compute core: everything between the memories that hold a packed layer and the layer's output."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_golden.config import CoreConfig
from crisp_golden.job import HostSpace, host_data_bits, job_fields
from crisp_golden.timing import accumulate_latency
from crisp_hw.activation_memory import ActivationMemory
from crisp_hw.array_row import ArrayRow
from crisp_hw.cells import Target
from crisp_hw.decoder import BlockIndexDecoder
from crisp_hw.delay import delay
from crisp_hw.layouts import job_layout
from crisp_hw.loader import WeightLoader
from crisp_hw.output_lane import LEVELS_LAYOUT
from crisp_hw.sequencer import COUNTERS_LAYOUT, Sequencer
from crisp_hw.sharing import shared
from crisp_hw.writer import OutputWriter

HOST_ADDRESS_BITS = 20


class CrispCore(wiring.Component):
    """Hybrid-sparse compute core. Runs one packed job at a time, see ``crisp_golden.packing``.

    The host port writes one word of a memory or one job register per cycle, and reads the activation memory,
    ``read_latency`` cycles from request to data. It must be left alone while the core is busy.

    Parameters
    ----------
    config : shape of the core.
    target : technology that multipliers and block RAMs are mapped to.

    Members
    -------
    host_write, host_read : In(1); host_space : In(3), see ``HostSpace``; host_addr : In(20), word address.
    host_wdata : In(host_data_bits); host_rdata : Out(window_bits).
    start : In(1); busy : Out(1); done : Out(1), high in the last busy cycle.
    starved : Out(1), an internal fault that cannot happen; tests watch it.
    counters : Out(COUNTERS_LAYOUT), cycles of the last job by cause.
    """

    read_latency = ActivationMemory.latency

    def __init__(self, config: CoreConfig, *, target: Target = Target.GENERIC):
        self.config = config
        self.target = target
        super().__init__(
            {
                "host_write": In(1),
                "host_read": In(1),
                "host_space": In(3),
                "host_addr": In(HOST_ADDRESS_BITS),
                "host_wdata": In(host_data_bits(config)),
                "host_rdata": Out(config.window_bits),
                "start": In(1),
                "busy": Out(1),
                "done": Out(1),
                "starved": Out(1),
                "counters": Out(COUNTERS_LAYOUT),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, target = self.config, self.target
        decoder = BlockIndexDecoder(config, target=target)
        sequencer = Sequencer(config)
        loader = WeightLoader(config, target=target)
        activations = ActivationMemory(config, target=target)
        writer = OutputWriter(config)
        for block in (decoder, sequencer, loader, activations, writer):
            m.submodules[block.module_name] = shared(platform, block)
        job = Signal(job_layout(config))
        start = Signal()
        m.d.sync += [
            start.eq(self.start & ~self.busy),
            self.busy.eq((self.busy & ~self.done) | (self.start & ~self.busy)),
        ]
        m.d.comb += [
            *[block.job.eq(job) for block in (decoder, sequencer, loader, writer)],
            *[block.start.eq(start) for block in (decoder, sequencer, loader, writer)],
            loader.load.eq(sequencer.load),
            loader.head.eq(decoder.o.payload),
            sequencer.written.eq(writer.written),
            self.done.eq(sequencer.done),
            self.starved.eq(sequencer.starved),
            self.counters.eq(sequencer.counters),
        ]
        wiring.connect(m, decoder.o, sequencer.i)
        rows = self._array(m, platform, sequencer, loader, activations, job)
        m.d.comb += [
            writer.drain.eq(rows[-1].next_drain),
            *[writer.y[number].eq(row.y) for number, row in enumerate(rows)],
        ]
        self._connect_memory(m, sequencer, activations, writer, job)
        self._connect_host(m, decoder, loader, job)
        return m

    def _array(self, m: Module, platform, sequencer, loader, activations, job) -> list[ArrayRow]:
        """Chain the rows; the beats meet their windows at row 0."""
        config = self.config
        rows = []
        levels = Signal(LEVELS_LAYOUT)
        m.d.comb += [levels[name].eq(job[name]) for name in LEVELS_LAYOUT.members]
        chain = {
            "beat": delay(m, sequencer.beat, activations.latency, "beat", reset_less=False),
            "windows": activations.windows,
            "weights": loader.weights,
            "levels": levels,
            "drain": delay(m, sequencer.drain, accumulate_latency(config) - 1, "drain", reset_less=False),
        }
        for number in range(config.rows):
            row = ArrayRow(config, target=self.target)
            m.submodules[f"row_{number}"] = shared(platform, row)
            m.d.comb += [
                *[getattr(row, name).eq(value) for name, value in chain.items()],
                row.position.eq(number),
                row.channels.eq(loader.channels),
            ]
            chain = {name: getattr(row, f"next_{name}") for name in chain}
            rows.append(row)
        return rows

    def _connect_memory(self, m: Module, sequencer, activations, writer, job) -> None:
        """The host takes the activation memory whenever it asks, which it may while the core is idle."""
        host_writes = self.host_write & (self.host_space == HostSpace.SMEM)
        parts = len(writer.write_en)
        m.d.comb += [
            activations.zero_point.eq(job.x_zero_point),
            activations.read_en.eq(sequencer.read_en | self.host_read),
            activations.read_addr.eq(Mux(self.host_read, self.host_addr, sequencer.read_addr)),
            activations.inside.eq(Mux(self.host_read, ~0, sequencer.inside)),
            self.host_rdata.eq(activations.windows[0]),
        ]
        # The job ends a cycle after its last write, so this register is never seen from outside.
        m.d.sync += [
            activations.write_en.eq(writer.write_en | host_writes.replicate(parts)),
            activations.write_addr.eq(Mux(host_writes, self.host_addr, writer.write_addr)),
            activations.write_data.eq(Mux(host_writes, self.host_wdata, writer.write_data)),
        ]

    def _connect_host(self, m: Module, decoder, loader, job) -> None:
        """Write ports of the other memories and of the job registers."""
        ports = {
            HostSpace.WEIGHT: (loader, "weight_write"),
            HostSpace.INDEX: (decoder, "index_write"),
            HostSpace.TAP: (decoder, "tap_write"),
            HostSpace.CHANNEL: (loader, "channel_write"),
        }
        for space, (block, port) in ports.items():
            m.d.comb += [
                getattr(block, f"{port}_en").eq(self.host_write & (self.host_space == space)),
                getattr(block, f"{port}_addr").eq(self.host_addr),
                getattr(block, f"{port}_data").eq(self.host_wdata),
            ]
        with m.If(self.host_write & (self.host_space == HostSpace.JOB)), m.Switch(self.host_addr):
            for address, field in enumerate(job_fields(self.config)):
                with m.Case(address):
                    m.d.sync += job[field.name].eq(self.host_wdata)
