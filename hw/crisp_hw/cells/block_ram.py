"""Block RAM with output registers, in a behavioural form and as ECP5 DP16KD tiles."""

# Amaranth gives memory ports their members at run time, where a type checker does not see them.
# pyright: reportAttributeAccessIssue=false

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value, unsigned
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.cells.ecp5 import RAM_TILES, RamPorts, RamTile, dp16kd
from crisp_hw.cells.technology import Technology
from crisp_hw.parts.sharing import Shareable
from crisp_spec.errors import ConfigError


@dataclass(frozen=True)
class Lane:
    """Bits ``start`` to ``stop`` of a word, stored in one byte lane and written by one enable."""

    start: int
    stop: int
    enable: int


class BlockRam(Shareable):
    """One write port and one registered read port, on one clock; the write port may read in its free cycles.

    A read takes ``latency`` cycles and one can start in every cycle. ``read_en`` gates the first register
    (the memory's own); the second one always follows the first, so that data appears two cycles after
    its ``read_en`` and stays until the next read's data replaces it. No register has a reset. Reading the
    word that is being written in the same cycle gives undefined data.

    With ``read_back`` the write port has a registered output too: with ``back_en`` and no write enable it
    reads the word at ``write_addr``, with the same latency. A write leaves that output as it was.

    Parameters
    ----------
    width : bits of a word.
    depth : words, at least 2; at most 16384 on ECP5.
    granularity : bits written by one bit of ``write_en``, a divisor of ``width``; None for whole words.
    read_back : the write port reads, too.
    technology : ``Technology.ECP5`` instantiates DP16KD tiles with their output registers.

    Members
    -------
    write_en : In(width / granularity, or 1); write_addr : In(ceil(log2 depth)); write_data : In(width).
    read_en : In(1); read_addr : In(ceil(log2 depth)); read_data : Out(width).
    back_en : In(1), only in cycles without a write; back_data : Out(width). Only with ``read_back``.

    Raises
    ------
    ConfigError : a parameter is out of range; the message names it.
    """

    latency: ClassVar[int] = 2

    write_en: Signal
    write_addr: Signal
    write_data: Signal
    read_en: Signal
    read_addr: Signal
    read_data: Signal
    back_en: Signal
    back_data: Signal

    def __init__(
        self,
        *,
        width: int,
        depth: int,
        granularity: int | None = None,
        read_back: bool = False,
        technology: Technology,
    ):
        _check_size(width, depth, granularity, technology)
        self.width, self.depth, self.technology = width, depth, technology
        self.granularity = granularity or width
        self.read_back = read_back
        address = ceil_log2(depth)
        super().__init__(
            {
                **({"back_en": In(1), "back_data": Out(width)} if read_back else {}),
                "write_en": In(width // self.granularity),
                "write_addr": In(address),
                "write_data": In(width),
                "read_en": In(1),
                "read_addr": In(address),
                "read_data": Out(width),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells size, granularity and technology."""
        granularity = "" if self.granularity == self.width else f"_by_{self.granularity}"
        back = "_read_back" if self.read_back else ""
        return f"block_ram_{self.width}x{self.depth}{granularity}{back}{self.technology.suffix}"

    @property
    def tiles(self) -> int:
        """DP16KD blocks that the ECP5 form takes."""
        return -(-len(self.lanes) // self.tile.lanes)

    def elaborate(self, platform: object) -> Elaboratable:
        return self._elaborate_ecp5() if self.technology is Technology.ECP5 else self._elaborate_generic()

    def _elaborate_generic(self) -> Module:
        m = Module()
        m.submodules.memory = ram = memory.Memory(
            shape=unsigned(self.width), depth=self.depth, init=(), attrs={"ram_style": "block"}
        )
        write, read = ram.write_port(granularity=self.granularity), ram.read_port()
        output_register = Signal(self.width, reset_less=True)
        m.d.sync += output_register.eq(read.data)
        m.d.comb += [
            write.en.eq(self.write_en),
            write.addr.eq(self.write_addr),
            write.data.eq(self.write_data),
            read.en.eq(self.read_en),
            read.addr.eq(self.read_addr),
            self.read_data.eq(output_register),
        ]
        if self.read_back:
            back = ram.read_port()
            back_register = Signal(self.width, reset_less=True)
            m.d.sync += back_register.eq(back.data)
            m.d.comb += [
                back.en.eq(self.back_en),
                back.addr.eq(self.write_addr),
                self.back_data.eq(back_register),
            ]
        return m

    def _elaborate_ecp5(self) -> Module:
        m = Module()
        tile = self.tile
        lanes = self.lanes
        for index, first in enumerate(range(0, len(lanes), tile.lanes)):
            self._add_tile(m, index, tile, lanes[first : first + tile.lanes])
        return m

    def _add_tile(self, m: Module, index: int, tile: RamTile, lanes: list[Lane]) -> None:
        read_data = Signal(tile.width, name=f"tile_{index}_data")
        back_data = Signal(tile.width, name=f"tile_{index}_back_data") if self.read_back else None
        unused = Const(0, tile.lanes - len(lanes))
        ports = RamPorts(
            write_en=Value.cast(Cat(*[self.write_en[lane.enable] for lane in lanes], unused)),
            write_addr=self.write_addr,
            write_data=Value.cast(Cat(*[self._lane_data(lane, tile.lane_bits) for lane in lanes])),
            read_en=self.read_en,
            read_addr=self.read_addr,
            read_data=read_data,
            back_en=self.back_en if self.read_back else Const(0, 1),
            back_data=back_data,
        )
        m.submodules[f"tile_{index}"] = dp16kd(tile, ports)
        for position, lane in enumerate(lanes):
            source = read_data.word_select(position, tile.lane_bits)
            m.d.comb += self.read_data[lane.start : lane.stop].eq(source)
            if back_data is not None:
                source = back_data.word_select(position, tile.lane_bits)
                m.d.comb += self.back_data[lane.start : lane.stop].eq(source)

    def _lane_data(self, lane: Lane, bits: int) -> Value:
        padding = Const(0, bits - lane.stop + lane.start)
        return Value.cast(Cat(self.write_data[lane.start : lane.stop], padding))

    @property
    def tile(self) -> RamTile:
        """Shape of the DP16KD blocks of the ECP5 form: the widest that is deep enough."""
        return next(tile for tile in RAM_TILES if tile.depth >= self.depth)

    @property
    def lanes(self) -> list[Lane]:
        """Byte lanes of the ECP5 form in order: every separately written part of the word, cut to size."""
        size = self.tile.lane_bits
        return [
            Lane(start, min(start + size, granule + self.granularity), granule // self.granularity)
            for granule in range(0, self.width, self.granularity)
            for start in range(granule, granule + self.granularity, size)
        ]


def _check_size(width: int, depth: int, granularity: int | None, technology: Technology) -> None:
    deepest = RAM_TILES[-1].depth
    if width < 1:
        raise ConfigError(f"`width` must be at least 1, not {width}")
    if depth < 2:
        raise ConfigError(f"`depth` must be at least 2, not {depth}")
    if granularity is not None and (granularity < 1 or width % granularity):
        raise ConfigError(f"`granularity` must divide the width {width}, not be {granularity}")
    if technology is Technology.ECP5 and depth > deepest:
        raise ConfigError(f"`depth` must be at most {deepest} on ECP5, not {depth}")
