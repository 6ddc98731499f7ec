"""Instances of the ECP5 primitives with the registers inside them switched on.

Port and parameter names are those of Lattice's primitive library (FPGA-TN-02205 for the DSP,
FPGA-TN-02204 for the memory). Behavioural models of both, for proofs, are in ``cells/models``.
"""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Signal, Value

DSP_OPERAND_BITS = 18
RAM_ADDRESS_BITS = 14


def _scalar_inputs(prefix: str, value: Value) -> dict[str, Any]:
    """One port per bit: ``A0``, ``A1``, ..."""
    return {f"i_{prefix}{i}": value[i] for i in range(len(value))}


def _scalar_outputs(prefix: str, signal: Signal, *, lowest: int = 0) -> dict[str, Any]:
    return {f"o_{prefix}{lowest + i}": signal[i] for i in range(len(signal))}


def _in_the_highest_bits(operand: Signal) -> Value:
    return Value.cast(Cat(Const(0, DSP_OPERAND_BITS - len(operand)), operand))


def mult18x18d(a: Signal, b: Signal, product: Signal) -> Instance:
    """18 x 18 multiplier with operand and output registers: ``product`` follows after two cycles.

    Short operands stand in the highest bits and their product in the highest of P: zeros are tied inside the
    DSP, where extended signs would be a wire to every unused bit.
    """
    return Instance(
        "MULT18X18D",
        p_REG_INPUTA_CLK="CLK0",
        p_REG_INPUTB_CLK="CLK0",
        p_REG_OUTPUT_CLK="CLK0",
        p_GSR="DISABLED",
        i_CLK0=ClockSignal("sync"),
        i_CE0=Const(1, 1),
        i_RST0=Const(0, 1),
        i_SIGNEDA=Const(a.shape().signed, 1),
        i_SIGNEDB=Const(b.shape().signed, 1),
        i_SOURCEA=Const(0, 1),
        i_SOURCEB=Const(0, 1),
        **_scalar_inputs("A", _in_the_highest_bits(a)),
        **_scalar_inputs("B", _in_the_highest_bits(b)),
        **_scalar_outputs("P", product, lowest=2 * DSP_OPERAND_BITS - len(product)),
    )


@dataclass(frozen=True)
class RamTile:
    """Shape of one DP16KD, the same on both of its ports.

    Attributes
    ----------
    width : DATA_WIDTH of the primitive: 1, 2, 4, 9 or 18. A tile of 18 bits has two byte lanes with a
        write enable each, all others have one lane.
    """

    width: int

    @property
    def lanes(self) -> int:
        """Parts of a word that can be written alone."""
        return 2 if self.width == 18 else 1

    @property
    def lane_bits(self) -> int:
        """Bits of one lane."""
        return self.width // self.lanes

    @property
    def address_shift(self) -> int:
        """Position of the word address in the 14 address bits."""
        return {1: 0, 2: 1, 4: 2, 9: 3, 18: 4}[self.width]

    @property
    def depth(self) -> int:
        """Words in one tile."""
        return 1 << (RAM_ADDRESS_BITS - self.address_shift)


# Widest first: the first one that is deep enough needs the fewest tiles.
RAM_TILES = tuple(RamTile(width) for width in (18, 9, 4, 2, 1))


@dataclass(frozen=True, kw_only=True)
class RamPorts:
    """Signals of one DP16KD: port A writes, port B reads; port A may read back where it does not write.

    Attributes
    ----------
    write_en : one enable for each lane of the tile.
    write_data, read_data, back_data : as wide as the tile.
    back_en : port A reads the word at ``write_addr``; never together with a write.
    back_data : None if port A never reads.
    """

    write_en: Value
    write_addr: Value
    write_data: Value
    read_en: Value
    read_addr: Value
    read_data: Signal
    back_en: Value
    back_data: Signal | None


def dp16kd(tile: RamTile, ports: RamPorts) -> Instance:
    """Block RAM with its output registers: ``read_data`` follows ``read_addr`` after two cycles.

    ``read_en`` gates the memory's own register; the output register always follows it. ``back_data`` follows
    ``write_addr`` and ``back_en`` in the same way.
    """
    writes, reads_back = ports.write_en.any(), ports.back_data is not None
    # With several lanes the lowest address bits of the write port are the lanes' byte enables.
    byte_enables = ports.write_en if tile.lanes > 1 else Const(0, 0)
    unused = Const(0, tile.address_shift - len(byte_enables))
    write_addr = Value.cast(Cat(byte_enables, unused, ports.write_addr))
    read_addr = Value.cast(Cat(Const(0, tile.address_shift), ports.read_addr))
    return Instance(
        "DP16KD",
        p_DATA_WIDTH_A=tile.width,
        p_DATA_WIDTH_B=tile.width,
        p_REGMODE_A="OUTREG" if reads_back else "NOREG",
        p_REGMODE_B="OUTREG",
        p_WRITEMODE_A="NORMAL",
        p_WRITEMODE_B="NORMAL",
        p_GSR="DISABLED",
        i_CLKA=ClockSignal("sync"),
        i_CEA=writes | ports.back_en if reads_back else writes,
        i_WEA=writes if reads_back else Const(1, 1),
        i_OCEA=Const(1, 1),
        i_RSTA=Const(0, 1),
        i_CLKB=ClockSignal("sync"),
        i_CEB=ports.read_en,
        i_WEB=Const(0, 1),
        i_OCEB=Const(1, 1),
        i_RSTB=Const(0, 1),
        **{f"i_CS{port}{i}": Const(0, 1) for port in "AB" for i in range(3)},
        **_scalar_inputs("ADA", write_addr),
        **_scalar_inputs("ADB", read_addr),
        **_scalar_inputs("DIA", ports.write_data),
        **_scalar_outputs("DOB", ports.read_data),
        **(_scalar_outputs("DOA", ports.back_data) if ports.back_data is not None else {}),
    )
