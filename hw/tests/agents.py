"""What surrounds a device in a test: sources and sinks of streams, and an external memory behind AXI4.

An agent sets its ports at the beginning of every clock cycle and looks at the handshakes at its end.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from amaranth.hdl import Value

from hw.tests.simulate import drive, plain, simulate


class Agent(Protocol):
    """Takes part in every clock cycle."""

    def set_ports(self, ctx: Any) -> None:
        """Set the ports for this cycle."""

    def observe(self, ctx: Any) -> None:
        """See which handshakes there are in this cycle."""


class Source:
    """Sends ``items`` (ints or dictionaries of fields), each offered with ``chance`` in a cycle."""

    def __init__(self, port: Any, items: Iterable[Any] = (), *, rng: Random, chance: float = 1.0):
        self.port, self.items, self.rng, self.chance = port, deque(items), rng, chance
        self.valid = False
        self.sent: list[int] = []
        self.cycle = 0

    def set_ports(self, ctx: Any) -> None:
        self.valid = bool(self.items) and (self.valid or self.rng.random() < self.chance)
        ctx.set(self.port.valid, self.valid)
        if self.valid:
            item = self.items[0]
            if isinstance(item, int):
                ctx.set(Value.cast(self.port.payload), item)
            else:
                ctx.set(self.port.payload, item)

    def observe(self, ctx: Any) -> None:
        if self.valid and ctx.get(self.port.ready):
            self.items.popleft()
            self.sent.append(self.cycle)
            self.valid = False
        self.cycle += 1


class Sink:
    """Receives from a stream, ready with ``chance`` in a cycle; ``cycles`` has the cycle of each item."""

    def __init__(self, port: Any, *, rng: Random, chance: float = 1.0):
        self.port, self.rng, self.chance = port, rng, chance
        self.items: list[Any] = []
        self.cycles: list[int] = []
        self.ready = False
        self.cycle = 0
        self._held: Any = None

    def set_ports(self, ctx: Any) -> None:
        self.ready = self.rng.random() < self.chance
        ctx.set(self.port.ready, self.ready)

    def observe(self, ctx: Any) -> None:
        valid = ctx.get(self.port.valid)
        item = plain(ctx.get(self.port.payload)) if valid else None
        assert self._held is None or item == self._held, "a stream must hold what it offers"
        self._held = None if self.ready else item
        if valid and self.ready:
            self.items.append(item)
            self.cycles.append(self.cycle)
        self.cycle += 1


SLAVE_ERROR, DECODE_ERROR = ERROR_RESPONSES = 2, 3


@dataclass
class AxiTraffic:
    """How a memory behaves. ``chance`` that a channel moves in a cycle; bursts that are answered with errors.

    ``latency`` : cycles from the address to the first beat of data, or from the last beat to the answer.
    ``error`` : the response to bursts that fail.
    """

    latency: int = 4
    chance: float = 1.0
    error: int = SLAVE_ERROR
    failing_reads: set[int] = field(default_factory=set)
    failing_writes: set[int] = field(default_factory=set)


@dataclass
class _Burst:
    address: int
    beats: int
    due: int
    failing: bool


class AxiMemory:
    """External memory behind an AXI4 interface; checks the rules of AXI4 that matter here.

    Parameters
    ----------
    bus : interface of a device with read channels, write channels, or both.
    size : bytes from address ``base`` on; reads and writes elsewhere fail the test.
    """

    def __init__(self, bus: Any, data_bits: int, size: int, *, rng: Random, base: int = 0):
        self.bus, self.step, self.rng, self.base = bus, data_bits // 8, rng, base
        self.data = bytearray(size)
        self.traffic = AxiTraffic()
        self.cycle = 0
        self.reads: deque[_Burst] = deque()
        self.writes: deque[_Burst] = deque()
        self.answers: deque[tuple[int, int]] = deque()
        self.write_data: deque[tuple[int, int, int]] = deque()
        self.read_log: list[tuple[int, int, int]] = []
        self.write_log: list[tuple[int, int, int]] = []
        self.read_beats: list[int] = []
        self.write_beats: list[int] = []
        self._valid = {"r": False, "b": False}
        self._ready = {"ar": False, "aw": False, "w": False}
        self._held: dict[str, Any] = {}
        self.readable = hasattr(bus, "ar")
        self.writable = hasattr(bus, "aw")

    @property
    def quiet(self) -> bool:
        """Whether no transaction is open."""
        return not (self.reads or self.writes or self.answers or self.write_data)

    def _moves(self) -> bool:
        return self.rng.random() < self.traffic.chance

    def set_ports(self, ctx: Any) -> None:
        if self.readable:
            self._set_read_ports(ctx)
        if self.writable:
            self._set_write_ports(ctx)

    def _accept(self, ctx: Any, channel: str) -> None:
        self._ready[channel] = self._moves()
        ctx.set(getattr(self.bus, channel).ready, self._ready[channel])

    def _offer(self, ctx: Any, channel: str, due: bool) -> bool:
        """Offer something that is due, again if it was offered before; whether it is."""
        self._valid[channel] = due and (self._valid[channel] or self._moves())
        ctx.set(getattr(self.bus, channel).valid, self._valid[channel])
        return self._valid[channel]

    def _set_read_ports(self, ctx: Any) -> None:
        self._accept(ctx, "ar")
        if self._offer(ctx, "r", bool(self.reads) and self.reads[0].due <= self.cycle):
            burst = self.reads[0]
            offset = burst.address - self.base
            word = int.from_bytes(self.data[offset : offset + self.step], "little")
            response = self.traffic.error if burst.failing else 0
            drive(ctx, self.bus.r, {"data": word, "last": burst.beats == 1, "resp": response})

    def _set_write_ports(self, ctx: Any) -> None:
        self._accept(ctx, "aw")
        self._accept(ctx, "w")
        if self._offer(ctx, "b", bool(self.answers) and self.answers[0][0] <= self.cycle):
            ctx.set(self.bus.b.resp, self.answers[0][1])

    def observe(self, ctx: Any) -> None:
        if self.readable:
            self._observe_address(ctx, "ar", self.reads, self.read_log, self.traffic.failing_reads)
            self._observe_read_data(ctx)
        if self.writable:
            self._observe_address(ctx, "aw", self.writes, self.write_log, self.traffic.failing_writes)
            self._observe_write_data(ctx)
            self._commit_writes()
            if self._valid["b"] and ctx.get(self.bus.b.ready):
                self.answers.popleft()
                self._valid["b"] = False
        self.cycle += 1

    def _channel(self, ctx: Any, name: str, *signals: str) -> tuple[int, ...] | None:
        """Values of a channel that the device offers, None if it offers nothing; it must not change them."""
        channel = getattr(self.bus, name)
        get = [int(ctx.get(getattr(channel, signal))) for signal in signals]
        values = tuple(get) if ctx.get(channel.valid) else None
        held = self._held.pop(name, None)
        assert held is None or values == held, f"channel {name} changed what it offered"
        if values is not None and not self._ready[name]:
            self._held[name] = values
        return values

    def _observe_address(self, ctx: Any, name: str, bursts: deque, log: list, failing: set[int]) -> None:
        offered = self._channel(ctx, name, "addr", "len", "size", "burst")
        if offered is None or not self._ready[name]:
            return
        address, length, size, burst = offered
        assert (1 << size, burst) == (self.step, 1)
        assert address % self.step == 0
        last = address + (length + 1) * self.step - 1
        assert address >> 12 == last >> 12, "a burst crosses a 4 KiB page"
        assert length < 64
        assert self.base <= address, hex(address)
        assert last < self.base + len(self.data), hex(address)
        due = self.cycle + self.traffic.latency
        bursts.append(_Burst(address, length + 1, due, len(log) in failing))
        log.append((self.cycle, address, length + 1))
        assert len(bursts) <= 8

    def _observe_read_data(self, ctx: Any) -> None:
        if not (self._valid["r"] and ctx.get(self.bus.r.ready)):
            return
        self._valid["r"] = False
        self.read_beats.append(self.cycle)
        burst = self.reads[0]
        burst.address += self.step
        burst.beats -= 1
        if not burst.beats:
            self.reads.popleft()

    def _observe_write_data(self, ctx: Any) -> None:
        offered = self._channel(ctx, "w", "data", "strb", "last")
        if offered is not None and self._ready["w"]:
            self.write_data.append((offered[0], offered[1], offered[2]))
            self.write_beats.append(self.cycle)

    def _commit_writes(self) -> None:
        while self.writes and self.write_data:
            burst = self.writes[0]
            word, strobes, last = self.write_data.popleft()
            assert last == (burst.beats == 1)
            for lane in range(self.step):
                if strobes >> lane & 1 and not burst.failing:
                    self.data[burst.address - self.base + lane] = word >> 8 * lane & 0xFF
            burst.address += self.step
            burst.beats -= 1
            if not burst.beats:
                self.writes.popleft()
                response = burst.failing and self.traffic.error
                self.answers.append((self.cycle + self.traffic.latency, response))


async def clock(ctx: Any, agents: Sequence[Agent]) -> None:
    """One clock cycle with all agents."""
    for agent in agents:
        agent.set_ports(ctx)
    for agent in agents:
        agent.observe(ctx)
    await ctx.tick()


def run_agents(
    dut: Any, agents: Sequence[Agent], until: Callable[[], bool], limit: int, after: int = 8
) -> int:
    """Simulate until ``until`` holds and then ``after`` cycles more; return how many it took.

    Raises
    ------
    AssertionError : it did not hold within ``limit`` cycles.
    """
    taken = 0

    async def bench(ctx: Any) -> None:
        nonlocal taken
        while not until():
            assert taken < limit, "it does not end"
            await clock(ctx, agents)
            taken += 1
        for _ in range(after):
            await clock(ctx, agents)

    simulate(dut, bench)
    return taken
