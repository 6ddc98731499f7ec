"""The accelerator: registers, dispatcher, engines and core behind two AXI ports."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.burst_reader import BurstReader
from crisp_hw.bus.burst_writer import BurstWriter
from crisp_hw.bus.reset_gate import ResetGate
from crisp_hw.bus.signatures import Axi4, Axi4Lite, Axi4Read, Axi4Write
from crisp_hw.cells import Technology
from crisp_hw.control.command_fetcher import CommandFetcher
from crisp_hw.control.dispatcher import Dispatcher
from crisp_hw.control.engine_commands import INDEX_BITS, QUEUE_DEPTH, SIGNALS, TOKEN_PAIRS, WAITS
from crisp_hw.control.error_recorder import ErrorRecorder
from crisp_hw.control.program_control import ProgramControl
from crisp_hw.control.program_counters import ProgramCounters
from crisp_hw.control.register_file import RegisterFile
from crisp_hw.core.core import CrispCore
from crisp_hw.engines.engine import Engine
from crisp_hw.engines.execute_engine import ExecuteEngine
from crisp_hw.engines.load_engine import LoadEngine
from crisp_hw.engines.store_engine import StoreEngine
from crisp_hw.parts.credit_counter import CreditCounter
from crisp_hw.parts.delay import delay
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.commands import TOKEN_LIMIT
from crisp_spec.config import CoreConfig
from crisp_spec.errors import ConfigError
from crisp_spec.registers import COUNTER_REGISTERS, SEGMENT_REGISTERS

NARROWEST_BUS = 64
SHORTEST_RESET = 4
"""Clock cycles; after fewer, a channel may still offer what was under way."""


class CrispStc(Shareable):
    """Hybrid-sparse accelerator that executes programs from external memory.

    Software sets segments and the place of the program in the registers, starts it, and waits for the
    interrupt; see ``crisp_spec`` for registers and commands.

    In an Amaranth design it is joined with whatever has the other side of its two buses:

        wiring.connect(m, processor.bus, accelerator.s_axil)
        wiring.connect(m, accelerator.m_axi, memory.bus)

    In Verilog its ports have the names from which FPGA tools infer the buses, see
    ``bus.signatures.flat_ports``.

    A reset must last at least ``SHORTEST_RESET`` cycles. It reaches the registers at once, all other blocks
    up to three cycles later, then the rows of the array one after the other; a transfer may begin as soon as
    it ends. While it lasts, all VALIDs are low.

    Parameters
    ----------
    config : shape of the core, and width of the bus.
    technology : what multipliers and block RAMs are mapped to.
    core : what computes, a component with the ports of ``CoreSignature``; a ``CrispCore`` by default.

    Members
    -------
    s_axil : In(Axi4Lite), the registers.
    m_axi : Out(Axi4), external memory.
    interrupt : Out(1), high while a pending interrupt is enabled.
    """

    def __init__(self, config: CoreConfig, *, technology: Technology = Technology.GENERIC, core: Any = None):
        if config.bus_bits < NARROWEST_BUS:
            raise ConfigError(f"`bus_bits` must be at least {NARROWEST_BUS}, not {config.bus_bits}")
        self.config = config
        super().__init__(
            {
                "s_axil": In(Axi4Lite()),
                "m_axi": Out(Axi4(config.bus_bits)),
                "interrupt": Out(1),
            }
        )
        self.core: Any = core or CrispCore(config, technology=technology)
        self.registers = RegisterFile(config)
        self.control, self.counters, self.errors = ProgramControl(), ProgramCounters(), ErrorRecorder()
        self.reader, self.writer = BurstReader(config.bus_bits), BurstWriter(config.bus_bits)
        self.fetcher, self.dispatcher = CommandFetcher(config.bus_bits), Dispatcher(config)
        self.load, self.execute, self.store = LoadEngine(config), ExecuteEngine(), StoreEngine(config)
        self.engines: dict[str, Engine] = {"load": self.load, "execute": self.execute, "store": self.store}

    def elaborate(self, platform):
        m = Module()
        control = self.control
        resets: dict[str, Any] = {
            **dict.fromkeys(("fetcher", "dispatcher"), control.clear),
            "errors": control.forget,
            "core": control.core_reset,
        }
        m.submodules.registers = shared(platform, self.registers)
        # Resets come from registers, since thousands of others are reset by them. What the control resets is
        # a cycle behind it, and so is the bus.
        resets["control"] = delay(m, ResetSignal("sync"), 1, "reset_of_control")
        bus_reset = delay(m, resets["control"], 1, "reset_of_bus")
        resets |= dict.fromkeys(("counters", "reader", "writer"), bus_reset)
        for name, reset in resets.items():
            m.submodules[name] = shared(platform, getattr(self, name), reset)
        for name, engine in self.engines.items():
            m.submodules[f"{name}_engine"] = shared(platform, engine, control.clear)
        self._connect_ports(m)
        self._connect_program(m)
        self._connect_tokens(m, platform)
        self._connect_bus(m)
        self._connect_segments(m)
        self._connect_core(m)
        self._connect_control(m)
        self._connect_counters(m)
        self._connect_registers(m)
        return m

    def _connect_ports(self, m: Module) -> None:
        """Registers, reader and writer are reset later than the ports must be silent."""
        bus_bits, ports = self.config.bus_bits, wiring.flipped(self)
        m.submodules.register_gate = lite = ResetGate(Axi4Lite().flip())
        m.submodules.read_gate = reads = ResetGate(Axi4Read(bus_bits))
        m.submodules.write_gate = writes = ResetGate(Axi4Write(bus_bits))
        wiring.connect(m, self.registers.bus, lite.inside)
        wiring.connect(m, self.reader.bus, reads.inside)
        wiring.connect(m, self.writer.bus, writes.inside)
        wiring.connect(m, lite.outside, ports.s_axil)
        for gate, channels in ((reads, ("ar", "r")), (writes, ("aw", "w", "b"))):
            for name in channels:
                wiring.connect(m, getattr(gate.outside, name), getattr(ports.m_axi, name))

    def _connect_program(self, m: Module) -> None:
        """From the fetch to the engines' queues, and errors back."""
        fetcher, dispatcher, registers = self.fetcher, self.dispatcher, self.registers
        m.d.comb += [
            fetcher.start.eq(self.control.launch),
            fetcher.offset.eq(registers.program_offset.offset),
            fetcher.length.eq(registers.program_length.commands),
            dispatcher.launch.eq(self.control.launch),
        ]
        wiring.connect(m, fetcher.program, dispatcher.program)
        wiring.connect(m, dispatcher.error, self.errors.dispatch)
        m.d.comb += dispatcher.stop.eq(self.errors.stop)
        for name, engine in self.engines.items():
            wiring.connect(m, getattr(dispatcher, name), engine.i)
            wiring.connect(m, engine.error, getattr(self.errors, name))
            m.d.comb += engine.stop.eq(self.errors.stop)

    def _connect_tokens(self, m: Module, platform: Any) -> None:
        """A counter for every engine that waits for another one.

        In program order there are never more than ``TOKEN_LIMIT``, but the engine that puts them down may be
        ahead of that order by what the other one's queue holds.
        """
        for giver, taker in TOKEN_PAIRS:
            counter = CreditCounter(TOKEN_LIMIT + 2 * QUEUE_DEPTH)
            m.submodules[f"{giver}_to_{taker}"] = shared(platform, counter, self.control.clear)
            give, take = SIGNALS[giver].index(taker), WAITS[taker].index(giver)
            m.d.comb += [
                counter.give.eq(self.engines[giver].tokens.give[give]),
                counter.take.eq(self.engines[taker].tokens.take[take]),
                self.engines[taker].tokens.available[take].eq(counter.available),
            ]

    def _connect_bus(self, m: Module) -> None:
        wiring.connect(m, self.fetcher.bus, self.reader.fetch)
        wiring.connect(m, self.load.bus, self.reader.load)
        wiring.connect(m, self.store.bus, self.writer.store)
        m.d.comb += [self.reader.abort.eq(self.control.abort), self.writer.abort.eq(self.control.abort)]

    def _connect_segments(self, m: Module) -> None:
        """Where external memory may be read, and where it may be written; commands are in segment 0."""
        port = self.registers.port
        for number, segment in enumerate(SEGMENT_REGISTERS):
            page = Cat(port(segment.base_low).page, port(segment.base_high).address)
            size, permissions = port(segment.size).bytes, port(segment.permissions)
            loads, stores = self.load.segments[number], self.store.segments[number]
            for seen in (loads, stores, *([] if number else [self.fetcher.segment])):
                m.d.comb += [seen.page.eq(page), seen.size.eq(size)]
            m.d.comb += [loads.allowed.eq(permissions.read), stores.allowed.eq(permissions.write)]

    def _connect_core(self, m: Module) -> None:
        wiring.connect(m, self.execute.job, self.core.job)
        wiring.connect(m, self.load.fill, self.core.fill)
        wiring.connect(m, self.store.read, self.core.read)

    def _connect_control(self, m: Module) -> None:
        control, registers, errors = self.control, self.registers, self.errors
        m.d.comb += [
            control.start.eq(registers.control.start),
            control.reset.eq(registers.control.reset),
            control.watchdog.eq(registers.watchdog.cycles),
            control.total.eq(self.counters.total),
            control.halted.eq(self.dispatcher.program.halted),
            control.ended.eq(self.dispatcher.ended),
            control.failed.eq(errors.stop.valid),
            control.engines_idle.eq(Cat(engine.idle for engine in self.engines.values()).all()),
            control.bus_idle.eq(self.reader.idle & self.writer.idle),
            errors.expired.eq(control.expired),
            errors.oldest.eq(self._oldest(m)),
        ]

    def _oldest(self, m: Module) -> Signal:
        """Lowest index of a command that is not complete; three cycles late, which only the watchdog sees."""

        def lower(a: Any, b: Any, name: str) -> Signal:
            register = Signal(INDEX_BITS, name=name)
            m.d.sync += register.eq(Mux(a < b, a, b))
            return register

        load, execute, store = (
            delay(m, engine.oldest, 1, f"oldest_of_{name}") for name, engine in self.engines.items()
        )
        first = lower(load, execute, "oldest_of_load_and_execute")
        dispatch = delay(m, self.dispatcher.index, 1, "oldest_of_dispatch")
        second = lower(store, dispatch, "oldest_of_store_and_dispatch")
        return lower(first, second, "oldest")

    def _connect_counters(self, m: Module) -> None:
        counters, control, load, store = self.counters, self.control, self.load, self.store
        moved = Cat(
            self.reader.load.data.valid & self.reader.load.data.ready,
            self.m_axi.w.valid & self.m_axi.w.ready,
            self.reader.fetch.data.valid & self.reader.fetch.data.ready,
        )
        # What is counted comes from all over the chip.
        m.d.sync += [
            counters.job.eq(self.core.counters),
            counters.counting.eq(control.counting),
            counters.abandoned.eq(control.abandoned),
            counters.counted.eq(self.core.counted),
            counters.core_busy.eq(self.core.busy),
            Cat(counters.waits_load, counters.waits_store).eq(self.execute.waiting),
            counters.events.eq(
                Cat(load.working, load.waiting.any(), store.working, store.waiting.any(), moved)
            ),
        ]
        m.d.comb += counters.clear.eq(control.forget)

    def _connect_registers(self, m: Module) -> None:
        registers, control, errors = self.registers, self.control, self.errors
        pending, enabled = registers.interrupt_status, registers.interrupt_enable
        m.d.comb += [
            registers.status.busy.eq(control.busy),
            registers.status.done.eq(control.done),
            registers.status.resetting.eq(control.resetting),
            registers.status.error.eq(errors.code),
            registers.error_index.index.eq(errors.stop.index),
            registers.interrupt_status_set.done.eq(control.completed),
            registers.interrupt_status_set.error.eq(control.stopped),
            *[
                registers.port(register)[name].eq(getattr(self.counters, name))
                for name, register in COUNTER_REGISTERS.items()
            ],
        ]
        m.d.sync += self.interrupt.eq((pending.done & enabled.done) | (pending.error & enabled.error))
