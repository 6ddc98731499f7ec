"""Small memory with an asynchronous read port, for FPGA lookup-table RAM."""

# Amaranth gives memory ports their members at run time, where a type checker does not see them.
# pyright: reportAttributeAccessIssue=false

from collections.abc import Iterable

from amaranth.hdl import Elaboratable, Module, Signal, unsigned
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.parts.sharing import Shareable
from crisp_spec.errors import ConfigError

ATTRIBUTE = "lut_ram"
"""Marks the memory for flows of devices that have lookup-table RAM. A ``ram_style`` would be an order, which
tools for devices without it refuse.
"""


class LutRam(Shareable):
    """One write port, one read port without latency. In our ECP5 flow it becomes TRELLIS_DPR16X4 cells.

    Reading the word being written gives its old value until the clock edge.

    Parameters
    ----------
    width : bits of a word.
    depth : words, at least 2.
    init : initial words from address 0 upwards; the rest start as 0.

    Members
    -------
    write_en : In(1); write_addr : In(ceil(log2 depth)); write_data : In(width).
    read_addr : In(ceil(log2 depth)); read_data : Out(width), in the same cycle.

    Raises
    ------
    ConfigError : ``width`` is below 1 or ``depth`` below 2.
    """

    write_en: Signal
    write_addr: Signal
    write_data: Signal
    read_addr: Signal
    read_data: Signal

    def __init__(self, *, width: int, depth: int, init: Iterable[int] = ()):
        if width < 1:
            raise ConfigError(f"`width` must be at least 1, not {width}")
        if depth < 2:
            raise ConfigError(f"`depth` must be at least 2, not {depth}")
        self.width, self.depth, self.init = width, depth, tuple(init)
        address = ceil_log2(depth)
        super().__init__(
            {
                "write_en": In(1),
                "write_addr": In(address),
                "write_data": In(width),
                "read_addr": In(address),
                "read_data": Out(width),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells size and contents."""
        contents = "".join(f"_{word:x}" for word in self.init)
        return f"lut_ram_{self.width}x{self.depth}{contents}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.memory = ram = memory.Memory(
            shape=unsigned(self.width),
            depth=self.depth,
            init=self.init,
            attrs={ATTRIBUTE: 1},
        )
        write, read = ram.write_port(), ram.read_port(domain="comb")
        m.d.comb += [
            write.en.eq(self.write_en),
            write.addr.eq(self.write_addr),
            write.data.eq(self.write_data),
            read.addr.eq(self.read_addr),
            self.read_data.eq(read.data),
        ]
        return m
