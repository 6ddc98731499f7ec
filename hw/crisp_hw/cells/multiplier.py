"""Pipelined multiplier with a behavioural and an ECP5 DSP form."""

from typing import ClassVar

from amaranth.hdl import Elaboratable, Module, Shape, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.cells.ecp5 import DSP_OPERAND_BITS, mult18x18d
from crisp_hw.cells.technology import Technology
from crisp_hw.parts.sharing import Shareable
from crisp_spec.errors import ConfigError


class Multiplier(Shareable):
    """Full-width product of two integers, one per cycle.

    Three register stages: both operands, the product, and one more register for the product, which lets
    the router leave the DSP column. No register has a reset.

    Parameters
    ----------
    a, b : shapes of the operands, signed or unsigned in any mix.
    technology : ``Technology.ECP5`` instantiates a MULT18X18D that holds the first two stages.

    Members
    -------
    a, b : In, the operands.
    p : Out, ``a * b`` exactly, ``latency`` cycles later; signed if either operand is.

    Raises
    ------
    ConfigError : the technology is ECP5 and an operand is wider than 18 bits.
    """

    latency: ClassVar[int] = 3

    a: Signal
    b: Signal
    p: Signal

    def __init__(self, a: Shape, b: Shape, *, technology: Technology):
        self.a_shape, self.b_shape = a, b
        self.p_shape = Shape(
            self.a_shape.width + self.b_shape.width, signed=self.a_shape.signed or self.b_shape.signed
        )
        self.technology = technology
        if technology is Technology.ECP5:
            _check_operand("a", self.a_shape)
            _check_operand("b", self.b_shape)
        super().__init__({"a": In(self.a_shape), "b": In(self.b_shape), "p": Out(self.p_shape)})

    @property
    def module_name(self) -> str:
        """Name that tells operands and technology."""
        a, b = (f"{'s' if shape.signed else 'u'}{shape.width}" for shape in (self.a_shape, self.b_shape))
        return f"multiplier_{a}_{b}{self.technology.suffix}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        product = Signal(self.p_shape, reset_less=True)
        if self.technology is Technology.ECP5:
            m.submodules.dsp = mult18x18d(self.a, self.b, product)
        else:
            a_operand = Signal(self.a_shape, reset_less=True)
            b_operand = Signal(self.b_shape, reset_less=True)
            m.d.sync += [a_operand.eq(self.a), b_operand.eq(self.b), product.eq(a_operand * b_operand)]
        routed = Signal(self.p_shape, reset_less=True)
        m.d.sync += routed.eq(product)
        m.d.comb += self.p.eq(routed)
        return m


def _check_operand(name: str, shape: Shape) -> None:
    if shape.width > DSP_OPERAND_BITS:
        raise ConfigError(
            f"operand `{name}` must have at most {DSP_OPERAND_BITS} bits on ECP5, not {shape.width}"
        )
