"""One row of the array: an output channel for ``cols`` pixels, with its accumulators and output stage.

Rows form a systolic chain. Everything a row needs, it receives from the row above one cycle later than that
row did: words of activations, beats, weights and drain commands. So no signal fans out over the array, and a
row does not know its place in time.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.cells import LutRam, Technology
from crisp_hw.core.array.lane import NmLane
from crisp_hw.core.array.output_lane import LEVELS_LAYOUT, OutputLane
from crisp_hw.core.payloads import (
    CHANNEL_LAYOUT,
    CHANNEL_SLOTS,
    beat_layout,
    channel_bus_layout,
    drain_layout,
    weight_bus_layout,
)
from crisp_hw.parts.delay import delay
from crisp_hw.parts.select import select
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.config import ACCUMULATOR_BITS, VALUE_BITS, CoreConfig
from crisp_spec.latencies import LANE_LATENCY, tree_latency


class ArrayRow(Shareable):
    """Any row of the array; ``position`` tells it which.

    ``latency`` cycles after a beat enters, its sum is written to the accumulators, or its byte to the
    residuals. A drain command must enter ``latency`` cycles after the last beat or later, and reads them one
    cycle after that; ``y`` follows ``1 + OutputLane.latency`` cycles after that.

    Channel parameters stay for ``CHANNEL_SLOTS`` row tiles of at least ``DECODE_INTERVAL`` cycles each, which
    is longer than any accumulator waits to be drained.

    Members
    -------
    beat, words, weights, channels, drain, levels : In, from the row above. The same names with ``next_`` :
        Out, to the row below.
    position : In, number of the row; a constant.
    y : Out(drain_cols values of signed 8), requantized outputs in the order of the drain commands: of the
        columns from the command's ``col`` on. If this is no multiple of ``drain_cols``, only the first one
        means something.
    """

    def __init__(self, config: CoreConfig, *, technology: Technology):
        self.config = config
        self.technology = technology
        chain = {
            "beat": beat_layout(config),
            "words": data.ArrayLayout(config.word_bits, config.cols),
            "weights": weight_bus_layout(config),
            "channels": channel_bus_layout(config),
            "drain": drain_layout(config),
            "levels": LEVELS_LAYOUT,
        }
        super().__init__(
            {
                **{name: In(layout) for name, layout in chain.items()},
                **{f"next_{name}": Out(layout) for name, layout in chain.items()},
                "position": In(ceil_log2(config.rows)),
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
        return f"array_row_{shape}{self.technology.suffix}"

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
        m.d.sync += [self.next_beat.eq(self.beat), self.next_drain.eq(self.drain)]
        with m.If(self.beat.fetch):
            words = delay(m, self.words, 1, "words")
        # Weights and parameters that are under way at a reset come before any others.
        m.d.comb += [
            self.next_words.eq(words),
            self.next_weights.eq(delay(m, self.weights, 1, "weights")),
            self.next_channels.eq(delay(m, self.channels, 1, "channels")),
            self.next_levels.eq(delay(m, self.levels, 1, "levels")),
        ]
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
        # The buffer is a cycle ahead of the words, so that lanes read its word from a register.
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
        places = [slots.word_select(number, config.slot_bits) for number in range(config.lanes)]
        weights = Signal(data.ArrayLayout(signed(VALUE_BITS), config.lanes), reset_less=True)
        m.d.sync += [weights[number].eq(place[:VALUE_BITS]) for number, place in enumerate(places)]
        groups = config.m * VALUE_BITS
        sums = []
        for col in range(config.cols):
            products = []
            for number in range(config.lanes):
                lane = NmLane(config, technology=self.technology)
                m.submodules[f"lane_{col}_{number}"] = shared(platform, lane)
                m.d.comb += [
                    lane.group.eq(self.next_words[col].word_select(number, groups)),
                    lane.weight.eq(weights[number]),
                    lane.index.eq(places[number][VALUE_BITS:]),
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
        """Add the sums to the accumulators; return what each bank drains.

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
        running = Signal(data.ArrayLayout(signed(ACCUMULATOR_BITS), config.cols), reset_less=True)
        continues = addressing.mac & addressing.fetch & ~addressing.first
        banks = self._banks(m, platform, "accumulator", running, continues, addressing, writing.mac, writing)
        for col, total in enumerate(sums):
            start = Signal(signed(ACCUMULATOR_BITS), name=f"start_{col}", reset_less=True)
            left = Mux(reading.bank, banks[1][col], banks[0][col])
            m.d.sync += start.eq(Mux(reading.first, bias, left))
            with m.If(adding.mac):
                m.d.sync += running[col].eq(Mux(adding.fetch, start, running[col]) + total)
        return banks

    def _banks(self, m: Module, platform, name: str, word, updates, reading, write_en, writing) -> list:
        """Two banks of ``word``, which holds a value of every column; return what is read of each.

        A bank is read for the beat ``reading`` if it ``updates`` what is there, else for the drain command.
        """
        banks = []
        for bank in range(2):
            ram = LutRam(width=len(Value.cast(word)), depth=self.config.tile_depth)
            m.submodules[f"{name}_bank_{bank}"] = shared(platform, ram)
            address = Signal(self.drain.depth.shape(), name=f"{name}_address_{bank}", reset_less=True)
            m.d.sync += address.eq(Mux(updates & (reading.bank == bank), reading.depth, self.drain.depth))
            m.d.comb += [
                ram.read_addr.eq(address),
                ram.write_en.eq(write_en & (writing.bank == bank)),
                ram.write_addr.eq(writing.depth),
                ram.write_data.eq(word),
            ]
            banks.append(data.View(word.shape(), ram.read_data))
        return banks

    def _bias(self, m: Module, platform, beat) -> Signal:
        """The bias of the row tile that ``beat`` belongs to, one cycle later."""
        bias = Signal(signed(ACCUMULATOR_BITS), reset_less=True)
        ram = self._channel_ram(m, len(bias))
        m.submodules.bias = shared(platform, ram)
        m.d.comb += [ram.write_data.eq(self._channel().bias), ram.read_addr.eq(beat.slot)]
        m.d.sync += bias.eq(ram.read_data)
        return bias

    def _store_residual(self, m: Module, platform) -> list:
        """Keep this row's byte of residual words, or its maximum; return what each bank drains.

        The bytes wait as long as sums do, so that they too never come before the bank is drained. A maximum
        is updated at most every four cycles; it is read three cycles before it is written.
        """
        config = self.config
        cycles = LANE_LATENCY + tree_latency(config)
        addressing = delay(m, self.next_beat, cycles - 4, "residual_beat")
        reading = delay(m, addressing, 1, "residual_reading")
        comparing = delay(m, reading, 1, "residual_comparing")
        choosing = delay(m, comparing, 1, "residual_choosing")
        writing = delay(m, choosing, 1, "residual_writing")
        layout = data.ArrayLayout(signed(VALUE_BITS), config.cols)
        old = Signal(layout, reset_less=True)
        new = Signal(layout, reset_less=True)
        # The first window needs nothing from the bank, of which the last pixels are still draining.
        updates = addressing.maximum & ~addressing.first
        banks = self._banks(m, platform, "residual", new, updates, addressing, writing.residual, writing)
        value = delay(m, self._residual_bytes(m, layout), cycles - 2, "residual_value")
        late, kept = delay(m, value, 1, "residual_late"), delay(m, old, 1, "residual_kept")
        keeps = Signal(config.cols, reset_less=True)
        m.d.sync += old.eq(Mux(reading.bank, banks[1], banks[0]))
        with m.If(comparing.residual):
            larger = Cat(old[col] > value[col] for col in range(config.cols))
            m.d.sync += keeps.eq(Mux(comparing.maximum & ~comparing.first, larger, 0))
        with m.If(choosing.residual):
            m.d.sync += [new[col].eq(Mux(keeps[col], kept[col], late[col])) for col in range(config.cols)]
        return banks

    def _residual_bytes(self, m: Module, layout: data.ArrayLayout) -> Signal:
        """This row's byte of the word in every column."""
        config = self.config
        part_bits = ceil_log2(config.word_channels // config.rows)
        place = Cat(self.position, self.next_beat.part[:part_bits])
        values = Signal(layout, name="residual_value")
        for col in range(config.cols):
            word = self.next_words[col]
            entries = [word.word_select(i, VALUE_BITS) for i in range(config.word_channels)]
            m.d.comb += values[col].eq(select(entries, place))
        return values

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
        with m.If(drain.valid):
            m.d.sync += channel.eq(channel_ram.read_data)
        for number in range(self.config.drain_cols):
            lane = OutputLane(technology=self.technology)
            m.submodules[f"output_lane_{number}"] = shared(platform, lane)
            acc = Signal(ACCUMULATOR_BITS, name=f"drained_{number}", reset_less=True)
            residual = Signal(VALUE_BITS, name=f"drained_residual_{number}", reset_less=True)
            with m.If(drain.valid):
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

    def _drained(self, banks: list, number: int) -> Value:
        """The value of output lane ``number``, out of all columns of both banks.

        The first lane also drains single columns, all others only those of their own.
        """
        drain, cols, count = self.next_drain, self.config.cols, self.config.drain_cols
        step = 1 if number == 0 else count
        values = [bank[col] for bank in banks for col in range(number, cols, step)]
        return select(values, Cat(drain.col[ceil_log2(step) :], drain.bank))

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
