"""The device of the row bench: all rows of an array in their chain, with every row's output as a port."""

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.cells import Technology
from crisp_hw.core.array.array_row import ArrayRow
from crisp_hw.core.array.output_lane import LEVELS_LAYOUT
from crisp_hw.core.payloads import beat_layout, channel_bus_layout, drain_layout, weight_bus_layout
from crisp_hw.parts.sharing import shared
from crisp_spec.config import VALUE_BITS, CoreConfig


class RowChain(wiring.Component):
    """Array rows 0 to ``rows - 1``, each fed by the one above.

    Members
    -------
    beat, words, weights, drain, levels : In, to row 0; channels : In, to all rows.
    y : Out(rows times drain_cols values of 8 bits), the rows' outputs; row r is r cycles behind row 0.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "beat": In(beat_layout(config)),
                "words": In(data.ArrayLayout(config.word_bits, config.cols)),
                "weights": In(weight_bus_layout(config)),
                "drain": In(drain_layout(config)),
                "channels": In(channel_bus_layout(config)),
                "levels": In(LEVELS_LAYOUT),
                "y": Out(data.ArrayLayout(data.ArrayLayout(VALUE_BITS, config.drain_cols), config.rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chain = {name: getattr(self, name) for name in ("beat", "words", "weights", "drain", "levels")}
        for number in range(self.config.rows):
            row = ArrayRow(self.config, technology=Technology.GENERIC)
            m.submodules[f"row_{number}"] = shared(platform, row)
            m.d.comb += [
                *[getattr(row, name).eq(value) for name, value in chain.items()],
                row.position.eq(number),
                row.channels.eq(self.channels),
                self.y[number].eq(row.y),
            ]
            chain = {name: getattr(row, f"next_{name}") for name in chain}
        return m
