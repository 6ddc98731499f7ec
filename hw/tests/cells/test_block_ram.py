# amaranth: UnusedElaboratable=no
"""The block RAM: reads at its latency, and its ECP5 tiles proved equal to the generic form."""

import random
from pathlib import Path

import pytest
from amaranth.hdl import Const, Elaboratable, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from crisp_hw.build.fpga.tools import ToolError
from crisp_hw.cells import BlockRam, Technology
from crisp_spec.errors import ConfigError
from hw.tests.cells.equivalence import MODELS, Miter, members, prove

# Every tile width of the primitive, with and without separately written parts, even and uneven cuts.
SIZES = [
    {"width": 24, "depth": 1024, "granularity": 8},
    {"width": 20, "depth": 600, "granularity": None},
    {"width": 32, "depth": 1024, "granularity": 16},
    {"width": 16, "depth": 2048, "granularity": 8},
    {"width": 10, "depth": 4096, "granularity": None},
    {"width": 4, "depth": 8192, "granularity": 4},
    {"width": 3, "depth": 16384, "granularity": None},
]
READ_BACK = [
    {"width": 24, "depth": 1024, "granularity": 8, "read_back": True},
    {"width": 18, "depth": 2048, "granularity": None, "read_back": True},
    {"width": 8, "depth": 4096, "granularity": 4, "read_back": True},
]
MODEL = (MODELS / "DP16KD.v").read_text()


class WalkingWords(wiring.Component):
    """Sixteen words of a deep block RAM: word 0 and those whose address has one bit set.

    Two such addresses differ in every address line, so a lost, doubled or swapped line shows, and a proof
    can hold all of the memory that is left.
    """

    def __init__(self, ram: BlockRam):
        self.ram = ram
        self.address_bits = (ram.depth - 1).bit_length()
        narrow = {"write_addr": In(4), "read_addr": In(4)}
        super().__init__({**ram.signature.members, **narrow})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.ram = ram = self.ram
        for name in members(ram, In):
            m.d.comb += getattr(ram, name).eq(getattr(self, name))
        for name in ("write_addr", "read_addr"):
            m.d.comb += getattr(ram, name).eq((Const(1) << getattr(self, name)) >> 1)
        for name in members(ram, Out):
            m.d.comb += getattr(self, name).eq(getattr(ram, name))
        return m


class Traffic(wiring.Component):
    """What the contract allows: no read of the word being written, no read on a port that writes, and no
    address without a word.
    """

    def __init__(self, ram: BlockRam | WalkingWords, words: int, *, collisions: bool):
        self.ram, self.words, self.collisions = ram, words, collisions
        super().__init__(dict(ram.signature.members))

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.ram = ram = self.ram
        for name in members(ram, In):
            m.d.comb += getattr(ram, name).eq(getattr(self, name))
        for name in ("write_addr", "read_addr"):
            address = getattr(self, name)
            m.d.comb += getattr(ram, name).eq(Mux(address < self.words, address, 0))
        collision = self.write_en.any() & (ram.read_addr == ram.write_addr) & (not self.collisions)
        m.d.comb += ram.read_en.eq(self.read_en & ~collision)
        if "back_en" in ram.signature.members:
            m.d.comb += ram.back_en.eq(self.back_en & ~self.write_en.any())
        for name in members(ram, Out):
            m.d.comb += getattr(self, name).eq(getattr(ram, name))
        return m


def prove_tiles(size: dict, model: str, folder: Path, *, collisions: bool = False) -> str:
    """Prove an ECP5 block RAM, used at its walking words, equal to a generic one of sixteen words."""
    vendor = BlockRam(**size, technology=Technology.ECP5)
    generic = BlockRam(**{**size, "depth": 16}, technology=Technology.GENERIC)
    words = 1 + (vendor.depth - 1).bit_length()
    miter = Miter(
        Traffic(generic, words, collisions=collisions),
        Traffic(WalkingWords(vendor), words, collisions=collisions),
    )
    invariants = [
        (
            f"generic.ram.memory[{word}][{lane.stop - 1}:{lane.start}]",
            f"vendor.ram.ram.tile_{index // vendor.tile.lanes}.lanes[{index % vendor.tile.lanes}]"
            f".memory[{word}][{lane.stop - lane.start - 1}:0]",
        )
        for word in range(words)
        for index, lane in enumerate(vendor.lanes)
    ]
    return prove(
        miter,
        model,
        folder,
        defines=["DP16KD_MODEL_WALKING_WORDS"],
        # The generic memory's own register has no defined value before the first read.
        preparation=["memory_dff", "memory_map", "opt -full", "setundef -zero -init"],
        invariants=invariants,
    )


@pytest.mark.parametrize("size", [*SIZES, *READ_BACK], ids=lambda size: "x".join(map(str, size.values())))
def test_tiles_are_equal_to_the_generic_form(size: dict, tmp_path: Path):
    assert "SUCCESS" in prove_tiles(size, MODEL, tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("LANES == 1 || address_a[lane]", "1"),
        ("else if (OCEB) registered <= word;", "else if (OCEB & CEB) registered <= word;"),
        ("selected_a & WEA & enabled", "selected_a & enabled & ~address_b[5]"),
        ("word_at(address_a >> SHIFT)", "word_at((address_a >> SHIFT) & 14'h1ff)"),
        ("if (selected_b) word", "word"),
    ],
)
def test_a_broken_model_fails_the_proof(right: str, wrong: str, tmp_path: Path):
    assert MODEL.count(right) == 1
    with pytest.raises(ToolError, match="proof did fail"):
        prove_tiles(SIZES[0], MODEL.replace(right, wrong), tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("if (selected_a & ~WEA) back_word", "if (selected_a) back_word"),
        (
            "else if (OCEA) back_registered <= back_word;",
            "else if (OCEA & CEA) back_registered <= back_word;",
        ),
        ("back_word <= memory[word_a];", "back_word <= memory[word_b];"),
    ],
)
def test_a_model_that_reads_back_wrongly_fails_the_proof(right: str, wrong: str, tmp_path: Path):
    assert MODEL.count(right) == 1
    with pytest.raises(ToolError, match="proof did fail"):
        prove_tiles(READ_BACK[0], MODEL.replace(right, wrong), tmp_path)


def test_reading_the_word_being_written_is_outside_the_contract(tmp_path: Path):
    with pytest.raises(ToolError, match="proof did fail"):
        prove_tiles(SIZES[0], MODEL, tmp_path, collisions=True)


def test_reads_follow_a_reference_array_two_cycles_later():
    generator = random.Random(3)
    width, depth, granularity = 12, 10, 4
    dut = BlockRam(width=width, depth=depth, granularity=granularity, technology=Technology.GENERIC)
    words, expected = [0] * depth, []
    seen = []

    async def testbench(ctx):
        held = 0
        for _ in range(400):
            write, read = generator.sample(range(depth), 2)
            enables, data, read_en = (
                generator.randrange(8),
                generator.randrange(1 << width),
                generator.randrange(2),
            )
            values = {"write_en": enables, "write_addr": write, "write_data": data}
            for name, value in {**values, "read_en": read_en, "read_addr": read}.items():
                ctx.set(getattr(dut, name), value)
            held = words[read] if read_en else held
            expected.append(held)
            mask = sum(0xF << 4 * part for part in range(3) if enables >> part & 1)
            words[write] = words[write] & ~mask | data & mask
            seen.append(ctx.get(dut.read_data))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert len(seen) == 400
    assert seen[dut.latency :] == expected[: -dut.latency]


def test_the_write_port_reads_back_in_cycles_without_a_write():
    generator = random.Random(4)
    dut = BlockRam(width=8, depth=10, granularity=4, read_back=True, technology=Technology.GENERIC)
    words, expected, seen = [0] * 10, [], []

    async def testbench(ctx):
        held = 0
        for _ in range(400):
            address, enables, back = generator.randrange(10), generator.choice([0, 0, 1, 2, 3]), 0
            if not enables:
                back = generator.randrange(2)
            data = generator.randrange(256)
            values = {"write_en": enables, "write_addr": address, "write_data": data, "back_en": back}
            for name, value in values.items():
                ctx.set(getattr(dut, name), value)
            held = words[address] if back else held
            expected.append(held)
            mask = sum(0xF << 4 * part for part in range(2) if enables >> part & 1)
            words[address] = words[address] & ~mask | data & mask
            seen.append(ctx.get(dut.back_data))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert seen[dut.latency :] == expected[: -dut.latency]
    assert len(set(expected)) > 20


@pytest.mark.parametrize(
    ("size", "tiles"),
    [
        ({"width": 128, "depth": 1024, "granularity": 8}, 8),
        ({"width": 128, "depth": 4096, "granularity": 32}, 32),
        ({"width": 40, "depth": 4096, "granularity": None}, 10),
        ({"width": 36, "depth": 512, "granularity": None}, 2),
    ],
)
def test_tile_count(size: dict, tiles: int):
    assert BlockRam(**size, technology=Technology.ECP5).tiles == tiles


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({"width": 0, "depth": 4}, "`width` must be at least 1, not 0"),
        ({"width": 8, "depth": 1}, "`depth` must be at least 2, not 1"),
        ({"width": 8, "depth": 4, "granularity": 3}, "`granularity` must divide the width 8, not be 3"),
        ({"width": 8, "depth": 16385}, "`depth` must be at most 16384 on ECP5, not 16385"),
    ],
)
def test_impossible_sizes_are_refused(size: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        BlockRam(**size, technology=Technology.ECP5)
