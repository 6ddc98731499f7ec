# amaranth: UnusedElaboratable=no
"""The multiplier: full products at its latency, and its DSP form proved equal to the generic one."""

import random
from pathlib import Path

import pytest
from amaranth.hdl import Shape, signed, unsigned
from amaranth.sim import Simulator

from crisp_hw.build.fpga.tools import ToolError
from crisp_hw.cells import Multiplier, Technology
from crisp_spec.errors import ConfigError
from hw.tests.cells.equivalence import MODELS, Miter, prove

SHAPES = [
    (signed(8), signed(8)),
    (signed(17), signed(17)),
    (signed(9), unsigned(16)),
    (unsigned(9), signed(16)),
    (unsigned(16), unsigned(10)),
    (unsigned(18), signed(18)),
]

# Bits of equal registers are merged, which makes both forms use one multiplier: what remains to be proved
# is all that surrounds it, and no solver has to reason about products.
SHARE_REGISTERS = [
    "simplemap t:$dff",
    "opt_clean",
    "opt_merge",
    "wreduce",
    "opt_expr -fine",
    "opt_merge",
    "opt_clean",
]


def rtl_products(a: Shape, b: Shape, pairs: list[tuple[int, int]]) -> list[int]:
    """One product per pair, as they leave the pipeline."""
    dut = Multiplier(a, b, technology=Technology.GENERIC)
    products = []

    async def testbench(ctx):
        for x, y in [*pairs, *[(0, 0)] * dut.latency]:
            ctx.set(dut.a, x)
            ctx.set(dut.b, y)
            products.append(ctx.get(dut.p))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return products[dut.latency :]


def extremes(shape: Shape) -> list[int]:
    half = 1 << (shape.width - 1)
    return [-half, -1, 0, 1, half - 1] if shape.signed else [0, 1, 2 * half - 1]


def draw(generator: random.Random, shape: Shape) -> int:
    return generator.randrange(1 << shape.width) - (shape.signed << (shape.width - 1))


@pytest.mark.parametrize(("a", "b"), SHAPES, ids=str)
def test_product_is_exact_at_extremes_and_random_values(a: Shape, b: Shape):
    generator = random.Random(1)
    draw = [
        (generator.choice(range(1 << s.width)) - (s.signed << (s.width - 1)))
        for s in (a, b)
        for _ in range(40)
    ]
    pairs = [(x, y) for x in extremes(a) for y in extremes(b)] + list(zip(draw[:40], draw[40:], strict=True))
    assert rtl_products(a, b, pairs) == [x * y for x, y in pairs]


@pytest.mark.parametrize(("a", "b"), SHAPES, ids=str)
def test_dsp_form_is_equal_to_the_generic_form(a: Shape, b: Shape, tmp_path: Path):
    miter = Miter(
        Multiplier(a, b, technology=Technology.GENERIC), Multiplier(a, b, technology=Technology.ECP5)
    )
    model = (MODELS / "MULT18X18D.v").read_text()
    assert "SUCCESS" in prove(miter, model, tmp_path, preparation=SHARE_REGISTERS)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("{SIGNEDA & A17, a}", "{1'b0, a}"),
        ("product <= a_registered * b_registered", "product <= a_registered * b_registered + 1"),
        ("b_registered <= {SIGNEDB & B17, b};", "b_registered <= {SIGNEDB & B17, b} ^ 1;"),
    ],
)
def test_a_broken_model_fails_the_proof(right: str, wrong: str, tmp_path: Path):
    shapes = signed(18), signed(18)
    miter = Miter(
        Multiplier(*shapes, technology=Technology.GENERIC), Multiplier(*shapes, technology=Technology.ECP5)
    )
    model = (MODELS / "MULT18X18D.v").read_text()
    assert model.count(right) == 1
    with pytest.raises(ToolError, match="proof did fail"):
        prove(miter, model.replace(right, wrong), tmp_path, preparation=SHARE_REGISTERS)


def test_a_configuration_without_model_is_refused(tmp_path: Path):
    shapes = signed(8), signed(8)
    miter = Miter(
        Multiplier(*shapes, technology=Technology.GENERIC), Multiplier(*shapes, technology=Technology.ECP5)
    )
    model = (MODELS / "MULT18X18D.v").read_text().replace('GSR != "DISABLED"', 'GSR != "ENABLED"')
    with pytest.raises(ToolError, match="configuration_without_model"):
        prove(miter, model, tmp_path)


@pytest.mark.parametrize(("a", "b", "name"), [(signed(19), signed(8), "a"), (signed(8), unsigned(20), "b")])
def test_operand_wider_than_a_dsp_is_refused_on_ecp5_only(a: Shape, b: Shape, name: str):
    width = max(a.width, b.width)
    with pytest.raises(ConfigError, match=f"operand `{name}` must have at most 18 bits on ECP5, not {width}"):
        Multiplier(a, b, technology=Technology.ECP5)
    assert Multiplier(a, b, technology=Technology.GENERIC).p_shape.width == a.width + b.width
