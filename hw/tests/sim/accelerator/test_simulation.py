"""The memory and the registers around the fast model: exact latencies, and violations that are noticed."""

from collections.abc import Sequence

import numpy as np
import pytest

from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_sim.accelerator.rtl_bus import RtlBus
from crisp_sim.accelerator.simulation import MemoryViolation, RegisterError, Touched
from crisp_sim.errors import BenchError
from crisp_spec.commands import COMMAND_BYTES, Command, Memory, Opcode
from crisp_spec.config import preset
from crisp_sw.driver.registers import Registers

TINY = preset("tiny")
STEP = TINY.bus_bits // 8
END = Command(Opcode.END, {})
PIXELS = 50
TENSOR = {"planes": 1, "rows": 1, "width": PIXELS, "pitch": PIXELS, "plane": 25, "ring": 25}


class Machine:
    """A program in segment 0, and segment 1 of ``size`` bytes, of which ``mapped`` are there."""

    def __init__(self, timing: MemoryTiming | None = None):
        self.bus = RtlBus(TINY, timing=timing)
        self.registers = Registers(self.bus)

    def run(self, program: Sequence[Command], *, size: int = 4096, mapped: int = 4096) -> int:
        """Cycles that the program counts."""
        code = b"".join(command.encode() for command in program)
        self.code, self.data = self.bus.allocate(4096), self.bus.allocate(mapped)
        self.bus.write_memory(self.code, np.frombuffer(code, np.uint8))
        for number, (address, length) in enumerate(((self.code, 4096), (self.data, size))):
            self.registers.set_segment(number, address, length, read=True, write=True)
        self.registers.write("program_length", commands=len(code) // COMMAND_BYTES)
        self.registers.write("interrupt_enable", done=1, error=1)
        self.registers.write("interrupt_status", done=1, error=1)
        self.registers.write("control", start=1)
        assert self.bus.wait_interrupt(100_000)
        assert self.registers.read("status")["error"] == 0
        return self.registers.value("count_total")


def load(**values: int) -> Command:
    return Command(Opcode.LOAD, {"segment": 1, **TENSOR, **values})


def store(**values: int) -> Command:
    return Command(Opcode.STORE, {"segment": 1, **TENSOR, **values})


def test_a_cycle_of_latency_costs_a_cycle_wherever_a_program_waits_for_it():
    def cycles(command: Command, **timing: int) -> int:
        return Machine(MemoryTiming(**timing)).run([command, END])

    for base in (1, 20, 150):
        later = cycles(load(), read_latency=base + 7) - cycles(load(), read_latency=base)
        assert later == 2 * 7, "the fetch and the load"
        later = cycles(store(), write_latency=base + 7) - cycles(store(), write_latency=base)
        assert later == 7


def test_beats_come_as_slowly_as_the_interval_says():
    def cycles(interval: int) -> int:
        return Machine(MemoryTiming(read_interval=interval)).run([load(), END])

    data, fetched = PIXELS * TINY.word_channels // STEP, 2 * COMMAND_BYTES // STEP
    later = cycles(40) - cycles(20)
    assert 20 * (data - 1) <= later <= 20 * (data + fetched)


def test_what_bursts_touch_is_remembered():
    machine = Machine()
    machine.run([load(offset=64), store(offset=1024), END])
    length = PIXELS * TINY.word_channels
    read, written = machine.bus.simulation.touched(machine.data)
    assert (read, written) == (Touched(64, 64 + length, length), Touched(1024, 1024 + length, length))
    assert machine.bus.simulation.touched(machine.code)[1] == Touched(0, 0, 0)
    with pytest.raises(BenchError, match="no region is mapped at 0x1"):
        machine.bus.simulation.touched(1)


@pytest.mark.parametrize("command", [load(offset=4096 - 80), store(offset=4096 - 80)])
def test_leaving_the_mapped_memory_stops_the_simulation(command):
    kind = "reads" if command.opcode is Opcode.LOAD else "writes"
    with pytest.raises(MemoryViolation, match=f"{kind} outside the mapped regions, at 0x"):
        Machine().run([command, END], size=8192)


def test_a_store_and_a_load_of_the_same_bytes_that_do_not_wait_stop_the_simulation():
    with pytest.raises(MemoryViolation, match="reads and writes the same bytes at once, at 0x"):
        Machine(MemoryTiming(write_latency=200)).run([store(), load(), END])
    Machine(MemoryTiming(write_latency=200)).run([store(signal_load=1), load(wait_store=1), END])


def test_registers_that_do_not_exist_are_answered_with_an_error():
    bus = RtlBus(TINY)
    with pytest.raises(RegisterError, match="reading the register at 0xf00: a slave error"):
        bus.read32(0xF00)
    with pytest.raises(RegisterError, match="writing the register at 0xf00: a slave error"):
        bus.write32(0xF00, 1)


def test_memory_that_was_not_allocated_cannot_be_reached():
    bus = RtlBus(TINY)
    address = bus.allocate(64)
    with pytest.raises(BenchError, match=r"65 bytes at 0x[0-9a-f]+ are not allocated"):
        bus.read_memory(address, 65)


@pytest.mark.slow
def test_waves_are_recorded_if_asked_for(tmp_path):
    bus = RtlBus(TINY, waves=tmp_path / "waves.fst")
    bus.read32(0)
    bus.simulation.close()
    assert (tmp_path / "waves.fst").stat().st_size > 1000


def test_a_load_of_a_table_needs_no_tensor():
    table = Command(Opcode.LOAD, {"segment": 1, "memory": Memory.TAP, "beats": 4})
    machine = Machine()
    machine.run([table, END])
    assert machine.registers.value("count_read_beats") == 4
