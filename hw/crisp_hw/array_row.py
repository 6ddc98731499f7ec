"""One row of the array: an output channel for ``cols`` pixels, with its accumulators and output stage.

Rows form a systolic chain. Everything a row needs, it receives from the row above one cycle later than that
row did: activation windows, beats, weights and drain commands. So no signal fans out over the array, and a
row does not know its place in time.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_golden.config import ACCUMULATOR_BITS, VALUE_BITS, CoreConfig
from crisp_golden.timing import LANE_LATENCY, tree_latency
from crisp_hw.cells import LutRam, Target
from crisp_hw.choice import select
from crisp_hw.delay import delay
from crisp_hw.lane import NmLane
from crisp_hw.layouts import (
    CHANNEL_LAYOUT,
    CHANNEL_SLOTS,
    beat_layout,
    channel_bus_layout,
    drain_layout,
    weight_bus_layout,
)
from crisp_hw.output_lane import LEVELS_LAYOUT, OutputLane
from crisp_hw.sharing import shared


class ArrayRow(wiring.Component):
    """Any row of the array; ``position`` tells it which.

    ``latency`` cycles after a beat enters, its sum is written to the accumulators, or its byte to the
    residuals. A drain command must enter ``latency`` cycles after the last beat or later, and reads them one
    cycle after that; ``y`` follows ``1 + OutputLane.latency`` cycles after that.

    Channel parameters are broadcast without regard to the rows' lag. They stay for ``CHANNEL_SLOTS`` row
    tiles of at least ``DECODE_INTERVAL`` cycles each, longer than any accumulator waits to be drained.

    Members
    -------
    beat, windows, weights, drain, levels : In, from the row above. The same names with ``next_`` : Out, to
        the row below.
    position : In, number of the row; a constant.
    channels : In, broadcast.
    y : Out(drain_cols values of signed 8), requantized outputs in the order of the drain commands: of the
        columns from the command's ``col`` on. If this is no multiple of ``drain_cols``, only the first one
        means something.
    """

    def __init__(self, config: CoreConfig, *, target: Target):
        self.config = config
        self.target = target
        windows = data.ArrayLayout(config.window_bits, config.cols)
        chain = {
            "beat": beat_layout(config),
            "windows": windows,
            "weights": weight_bus_layout(config),
            "drain": drain_layout(config),
            "levels": LEVELS_LAYOUT,
        }
        super().__init__(
            {
                **{name: In(layout) for name, layout in chain.items()},
                **{f"next_{name}": Out(layout) for name, layout in chain.items()},
                "position": In(ceil_log2(config.rows)),
                "channels": In(channel_bus_layout(config)),
                "y": Out(data.ArrayLayout(signed(VALUE_BITS), config.drain_cols)),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from a beat's arrival to its sum in the accumulators."""
        return 2 + LANE_LATENCY + tree_latency(self.config)

    @property
    def module_name(self) -> str:
        """Name that tells the shape of the array and the technology."""
        c = self.config
        shape = (
            f"{c.rows}x{c.cols}x{c.lanes}_m{c.m}_depth{c.tile_depth}_load{c.load_rows}_drain{c.drain_cols}"
        )
        return f"array_row_{shape}{self.target.suffix}"

    @property
    def _group(self):
        """Number of the group of ``load_rows`` rows that this row belongs to."""
        return self.position >> ceil_log2(self.config.load_rows)

    def _place(self, entries: list):
        """This row's entry of its group."""
        bits = ceil_log2(self.config.load_rows)
        return select(entries, self.position[:bits]) if bits else entries[0]

    def elaborate(self, platform):
        m = Module()
        m.d.sync += [
            self.next_beat.eq(self.beat),
            self.next_weights.eq(self.weights),
            self.next_drain.eq(self.drain),
            self.next_levels.eq(self.levels),
        ]
        with m.If(self.beat.fetch):
            m.d.sync += self.next_windows.eq(self.windows)
        sums = self._multiply(m, platform)
        accumulators = self._accumulate(m, platform, sums)
        residuals = self._store_residual(m, platform)
        self._drain(m, platform, accumulators, residuals)
        return m

    def _multiply(self, m: Module, platform) -> list:
        """Lanes and adder tree; one sum per column, ``latency - 2`` cycles after the beat was registered."""
        config = self.config
        width = config.lanes * config.slot_bits
        buffer = LutRam(width=width, depth=2 * config.m)
        m.submodules.weight_buffer = shared(platform, buffer)
        # The buffer is a cycle ahead of the windows, so that lanes read its word from a register.
        bus = self.weights
        slots = Signal(width, reset_less=True)
        m.d.sync += slots.eq(buffer.read_data)
        entries = [bus.data.word_select(i, width) for i in range(config.load_rows)]
        m.d.comb += [
            buffer.write_en.eq(bus.valid & (bus.group == self._group)),
            buffer.write_addr.eq(self._slot_address(bus)),
            buffer.write_data.eq(self._place(entries)),
            buffer.read_addr.eq(self._slot_address(self.beat)),
        ]
        groups = config.m * VALUE_BITS
        sums = []
        for col in range(config.cols):
            products = []
            for number in range(config.lanes):
                lane = NmLane(config, target=self.target)
                m.submodules[f"lane_{col}_{number}"] = shared(platform, lane)
                slot = slots.word_select(number, config.slot_bits)
                m.d.comb += [
                    lane.group.eq(self.next_windows[col].word_select(number, groups)),
                    lane.weight.eq(slot[:VALUE_BITS]),
                    lane.index.eq(slot[VALUE_BITS:]),
                ]
                products.append(lane.product)
            sums.append(self._tree(m, products, col))
        return sums

    def _slot_address(self, place):
        """Address of slot ``place.n`` of buffer ``place.buffer``."""
        return Cat(place.n, place.buffer) if self.config.m > 1 else place.buffer

    def _tree(self, m: Module, terms: list, col: int):
        """Adder tree with a register behind every second level."""
        for stage in range(tree_latency(self.config)):
            for _ in range(2):
                pairs = [terms[i] + terms[i + 1] for i in range(0, len(terms) - 1, 2)]
                terms = pairs + terms[len(terms) & ~1 :]
            registers = []
            for number, term in enumerate(terms):
                register = Signal(signed(len(term)), name=f"sum_{col}_{stage}_{number}", reset_less=True)
                m.d.sync += register.eq(term)
                registers.append(register)
            terms = registers
        return terms[0]

    def _accumulate(self, m: Module, platform, sums: list) -> list:
        """Add the sums to the accumulators; return the drained value of each bank and column.

        The slots of a window follow each other in ``running``. Its first slot starts from the bias or from
        what the window before has left, which was written at least three cycles before it is read.
        """
        config = self.config
        cycles = LANE_LATENCY + tree_latency(config)
        addressing = delay(m, self.next_beat, cycles - 2, "beat")
        reading = delay(m, addressing, 1, "reading")
        adding = delay(m, reading, 1, "adding")
        # Only ``mac`` needs a reset, and the row above clears it.
        writing = delay(m, adding, 1, "writing")
        bias = self._bias(m, platform, addressing)
        continues = addressing.mac & addressing.fetch & ~addressing.first
        addresses = []
        for bank in range(2):
            address = Signal.like(self.drain.depth, name=f"accumulator_address_{bank}")
            chosen = continues & (addressing.bank == bank)
            m.d.sync += address.eq(Mux(chosen, addressing.depth, self.drain.depth))
            addresses.append(address)
        drained = [[], []]
        for col, total in enumerate(sums):
            start = Signal(signed(ACCUMULATOR_BITS), name=f"start_{col}", reset_less=True)
            running = Signal(signed(ACCUMULATOR_BITS), name=f"running_{col}", reset_less=True)
            for bank in range(2):
                ram = LutRam(width=ACCUMULATOR_BITS, depth=config.tile_depth)
                m.submodules[f"accumulator_{bank}_{col}"] = shared(platform, ram)
                m.d.comb += [
                    ram.read_addr.eq(addresses[bank]),
                    ram.write_en.eq(writing.mac & (writing.bank == bank)),
                    ram.write_addr.eq(writing.depth),
                    ram.write_data.eq(running),
                ]
                drained[bank].append(ram.read_data)
            left = Mux(reading.bank, drained[1][col], drained[0][col])
            m.d.sync += start.eq(Mux(reading.first, bias, left))
            with m.If(adding.mac):
                m.d.sync += running.eq(Mux(adding.fetch, start, running) + total)
        return drained[0] + drained[1]

    def _bias(self, m: Module, platform, beat) -> Signal:
        """The bias of the row tile that ``beat`` belongs to, one cycle later."""
        bias = Signal(signed(ACCUMULATOR_BITS), reset_less=True)
        ram = self._channel_ram(m, len(bias))
        m.submodules.bias = shared(platform, ram)
        m.d.comb += [ram.write_data.eq(self._channel().bias), ram.read_addr.eq(beat.slot)]
        m.d.sync += bias.eq(ram.read_data)
        return bias

    def _store_residual(self, m: Module, platform) -> list:
        """Keep this row's byte of residual windows, or its maximum; return the drained byte of each bank and
        column.

        The bytes wait as long as sums do, so that they too never come before the bank is drained. A maximum
        is updated at most every four cycles; it is read three cycles before it is written.
        """
        config = self.config
        cycles = LANE_LATENCY + tree_latency(config)
        addressing = delay(m, self.next_beat, cycles - 4, "residual_beat")
        reading = delay(m, addressing, 1, "residual_reading")
        comparing = delay(m, reading, 1, "residual_comparing")
        writing = delay(m, comparing, 2, "residual_writing")
        addresses = []
        for bank in range(2):
            address = Signal.like(self.drain.depth, name=f"residual_address_{bank}")
            # The first window needs nothing from the bank, of which the last pixels are still draining.
            chosen = addressing.maximum & ~addressing.first & (addressing.bank == bank)
            m.d.sync += address.eq(Mux(chosen, addressing.depth, self.drain.depth))
            addresses.append(address)
        drained = [[], []]
        for col in range(config.cols):
            rams = [LutRam(width=VALUE_BITS, depth=config.tile_depth) for _ in range(2)]
            value = delay(m, self._residual_byte(m, col), cycles - 2, f"residual_value_{col}")
            old = Signal(signed(VALUE_BITS), name=f"residual_old_{col}", reset_less=True)
            new = Signal(signed(VALUE_BITS), name=f"residual_new_{col}", reset_less=True)
            keeps = Signal(name=f"residual_keeps_{col}", reset_less=True)
            m.d.sync += [
                old.eq(Mux(reading.bank, rams[1].read_data, rams[0].read_data)),
                keeps.eq(comparing.maximum & ~comparing.first & (old > value)),
                new.eq(
                    Mux(
                        keeps,
                        delay(m, old, 1, f"residual_kept_{col}"),
                        delay(m, value, 1, f"residual_late_{col}"),
                    )
                ),
            ]
            for bank, ram in enumerate(rams):
                m.submodules[f"residual_{bank}_{col}"] = shared(platform, ram)
                m.d.comb += [
                    ram.write_en.eq(writing.residual & (writing.bank == bank)),
                    ram.write_addr.eq(writing.depth),
                    ram.write_data.eq(new),
                    ram.read_addr.eq(addresses[bank]),
                ]
                drained[bank].append(ram.read_data)
        return drained[0] + drained[1]

    def _residual_byte(self, m: Module, col: int) -> Signal:
        """This row's byte of the window in a column."""
        config, window = self.config, self.next_windows[col]
        part_bits = ceil_log2(config.window // config.rows)
        place = Cat(self.position, self.next_beat.part[:part_bits])
        value = Signal(signed(VALUE_BITS), name=f"residual_value_{col}")
        values = [window.word_select(i, VALUE_BITS) for i in range(config.window)]
        m.d.comb += value.eq(select(values, place))
        return value

    def _drain(self, m: Module, platform, accumulators: list, residuals: list) -> None:
        """Select the drained pixels and requantize them."""
        drain = self.next_drain
        channel_ram = self._channel_ram(m, CHANNEL_LAYOUT.size)
        m.submodules.channel = shared(platform, channel_ram)
        channel = Signal(CHANNEL_LAYOUT, reset_less=True)
        m.d.comb += [
            channel_ram.write_data.eq(self._channel()),
            channel_ram.read_addr.eq(drain.slot),
        ]
        m.d.sync += channel.eq(channel_ram.read_data)
        for number in range(self.config.drain_cols):
            lane = OutputLane(target=self.target)
            m.submodules[f"output_lane_{number}"] = shared(platform, lane)
            acc = Signal(ACCUMULATOR_BITS, name=f"drained_{number}", reset_less=True)
            residual = Signal(VALUE_BITS, name=f"drained_residual_{number}", reset_less=True)
            m.d.sync += [
                acc.eq(self._drained(accumulators, number)),
                residual.eq(self._drained(residuals, number)),
            ]
            m.d.comb += [
                lane.levels.eq(self.next_levels),
                lane.acc.eq(acc),
                lane.residual.eq(residual),
                lane.channel.eq(channel),
                self.y[number].eq(lane.y),
            ]

    def _drained(self, values: list, number: int) -> Value:
        """The value of output lane ``number``, out of all banks' and columns'.

        The first lane also drains single columns, all others only those of their own.
        """
        drain, count = self.next_drain, self.config.drain_cols
        if number == 0:
            return select(values, Cat(drain.col, drain.bank))
        return select(values[number::count], Cat(drain.col[ceil_log2(count) :], drain.bank))

    def _channel(self):
        """This row's entry of the channel bus."""
        entries = self.channels.data
        chosen = self._place([Value.cast(entries[i]) for i in range(self.config.load_rows)])
        return data.View(CHANNEL_LAYOUT, chosen)

    def _channel_ram(self, m: Module, width: int) -> LutRam:
        """A memory of ``CHANNEL_SLOTS`` words that listens to this row's entries of the channel bus."""
        ram = LutRam(width=width, depth=CHANNEL_SLOTS)
        bus = self.channels
        m.d.comb += [
            ram.write_en.eq(bus.valid & (bus.group == self._group)),
            ram.write_addr.eq(bus.slot),
        ]
        return ram
