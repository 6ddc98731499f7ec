"""Checks a command against the list in ``crisp_spec.legality``."""

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.parts.sharing import Shareable
from crisp_hw.parts.small_products import short_product
from crisp_spec.commands import COMMAND_BITS, FORMATS, OPCODE, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.dma_latencies import CHECK_CYCLES
from crisp_spec.fields import WORD_BITS, word_offsets
from crisp_spec.legality import Condition, Order, Range, checks


class CommandChecker(Shareable):
    """Tells ``latency`` cycles after a command has become stable whether it is illegal.

    Cycle 1 finds values out of range, bits outside the fields and products; cycle 2 compares the products;
    cycle 3 collects what was found.

    Members
    -------
    command : In(512), as it is in memory.
    illegal : Out(1), of the command ``latency`` cycles ago.
    """

    latency = CHECK_CYCLES - 2
    """The dispatcher takes the first and the last of the cycles."""

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__({"command": In(COMMAND_BITS), "illegal": Out(1)})

    def elaborate(self, platform):
        m = Module()
        code = self.command[: OPCODE.bits]
        found = {opcode: _FormatChecker(self, m, opcode).illegal for opcode in Opcode}
        with m.Switch(code):
            for opcode, illegal in found.items():
                with m.Case(opcode):
                    m.d.comb += self.illegal.eq(illegal)
            with m.Default():
                m.d.comb += self.illegal.eq(1)
        return m


class _FormatChecker:
    """The checks of one opcode's format; ``illegal`` three cycles after the command."""

    def __init__(self, checker: CommandChecker, m: Module, opcode: Opcode):
        self.m, self.command = m, checker.command
        self.fields = {field.name: field for field in FORMATS[opcode]}
        self.offsets = word_offsets(FORMATS[opcode])
        self.name = opcode.name.lower()
        listed = checks(checker.config, opcode)
        ranges = [check for check in listed if isinstance(check, Range)]
        orders = [check for check in listed if isinstance(check, Order)]
        simple = self._registered("simple", [*self._stray_bits(), *map(self._outside, ranges)])
        compared = self._registered("compared", [self._disordered(order) for order in orders])
        any_simple = self._registered("any_simple", [simple.any()])
        self.illegal = self._registered("illegal", [any_simple | compared.any()])

    def _registered(self, name: str, bits: list[Any]) -> Signal:
        register = Signal(max(1, len(bits)), name=f"{self.name}_{name}")
        self.m.d.sync += register.eq(Cat(bits))
        return register

    def _value(self, name: str) -> Any:
        offset, field = self.offsets[name], self.fields[name]
        value = self.command[offset : offset + field.bits]
        return value.as_signed() if field.signed else value

    def _stray_bits(self) -> list[Any]:
        """One bit for each word of the command: something is set outside the fields."""
        used = reduce(
            or_,
            (((1 << field.bits) - 1) << self.offsets[name] for name, field in self.fields.items()),
        )
        words = range(0, COMMAND_BITS, WORD_BITS)
        masks = [~(used >> at) & (1 << WORD_BITS) - 1 for at in words]
        return [
            (self.command[at : at + WORD_BITS] & mask).any()
            for at, mask in zip(words, masks, strict=True)
            if mask
        ]

    def _within(self, name: str, low: int, high: int) -> Any:
        """Whether a field is in range; comparisons that its width makes certain are left out."""
        smallest, largest = self.fields[name].limits
        value, inside = self._value(name), Const(1, 1)
        if low > smallest:
            inside &= value >= low
        if high < largest:
            inside &= value <= high
        return inside

    def _applies(self, when: tuple[Condition, ...]) -> Any:
        return reduce(lambda a, b: a & b, (self._within(c.field, c.low, c.high) for c in when), Const(1, 1))

    def _outside(self, check: Range) -> Any:
        return ~self._within(check.field, check.low, check.high) & self._applies(check.when)

    def _disordered(self, order: Order) -> Any:
        small = self._product(order.small, order.small_scale)
        large = self._product(order.large, order.large_scale)
        wrong = small >= large if order.strict else small > large
        return wrong & self._applies(order.when)

    def _product(self, names: tuple[str, ...], scale: int) -> Signal:
        """Registered."""
        value = reduce(short_product, map(self._value, names)) << scale.bit_length() - 1
        register = Signal(value.shape(), name=f"{self.name}_{'_times_'.join(names)}")
        self.m.d.sync += register.eq(value)
        return register
