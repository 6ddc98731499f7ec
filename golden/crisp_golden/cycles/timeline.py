"""Cycle model of the whole accelerator: when every command of a program starts and ends.

The three engines, the dispatcher and the read channel of the bus are followed from event to event, with the
latencies that ``dma_timing`` declares and the core's closed formula for every EXECUTE. For a memory of fixed
latency the result is exact as long as outputs of the array do not hold up a load or store that somebody waits
for: they come first in the activation memory, and delay a beat by a few cycles.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from crisp_golden.cycles.core_cycles import CycleCount, job_cycles
from crisp_golden.cycles.load_path import NarrowLoad
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.machine.chip import Chip
from crisp_golden.machine.core_model import window_counts
from crisp_golden.machine.transfers import memory_runs
from crisp_spec import dma_latencies as timing
from crisp_spec.commands import COMMAND_BITS, Command, Memory, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import READ_LATENCY, flush_cycles, release_cycles

BOUNDARY = 4096
"""Bursts never cross a multiple of this many bytes."""


@dataclass
class Times:
    """When a command was handed over, was at the head, had its tokens there too (``start``), left it, and put
    down its own tokens (``end``).

    ``hidden`` cycles of a job's prologue passed before the job before had ended.
    """

    handed: int = -1
    head: int = -1
    start: int = -1
    left: int = -1
    end: int = -1
    hidden: int = 0


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """What a program takes.

    Attributes
    ----------
    total : cycles, as the counter of that name.
    times : of every command but END.
    core : the core's cycles by cause.
    read_beats, write_beats : data; fetched commands excepted.
    """

    total: int
    times: list[Times]
    core: CycleCount
    read_beats: int
    write_beats: int


def program_timeline(
    config: CoreConfig, commands: Sequence[Command], parameters: bytes, memory: MemoryTiming
) -> Timeline:
    """Predict the cycles of a program.

    Parameters
    ----------
    commands : up to and including END.
    parameters : contents of segment 0, where the block indices of its jobs are.
    """
    return _Model(config, commands, parameters, memory).run()


@dataclass
class _Engine:
    """The commands of one engine that were handed over, how many left its head, and the times of the last."""

    numbers: list[int] = field(default_factory=list)
    done: int = 0
    last: Times = field(default_factory=Times)


class _Model:
    """Advances whatever can be advanced; then lets the earliest burst onto the bus."""

    def __init__(
        self, config: CoreConfig, commands: Sequence[Command], parameters: bytes, memory: MemoryTiming
    ):
        self.config, self.commands, self.memory = config, commands, memory
        self.work = [command for command in commands if command.opcode is not Opcode.END]
        self.parameters = np.frombuffer(parameters, np.uint8)
        self.times = [Times() for _ in self.work]
        self.engines = {name: _Engine() for name in ("load", "execute", "store")}
        self.signals = self._match_tokens()
        self.dispatched = 0
        self.command_beats = COMMAND_BITS // config.bus_bits
        # Fetching: the cycle in which each command's last beat reaches the dispatcher.
        self.arrived: list[int] = []
        self.taken: list[int] = []
        self.bursts: deque[int] = deque(maxlen=timing.OUTSTANDING_BURSTS)
        self.last_address, self.last_beat = -1, -1
        self.loading: deque[tuple[int, int]] = deque()
        self.load_ready: int | None = None
        self.loads_narrow = False
        self.narrow: NarrowLoad | None = None
        self.core = CycleCount()
        self.read_beats = self.write_beats = 0
        self.chip = Chip(config)

    def _match_tokens(self) -> list[list[int]]:
        """For every command, the commands whose tokens it takes: first put down, first taken."""
        queues: dict[tuple[str, str], deque[int]] = {}
        result: list[list[int]] = []
        for number, command in enumerate(self.work):
            taken = []
            for name, value in command.fields.items():
                kind, _, other = name.partition("_")
                if kind == "wait" and value:
                    taken.append(queues[other, command.engine].popleft())
            for name, value in command.fields.items():
                kind, _, other = name.partition("_")
                if kind == "signal" and value:
                    queues.setdefault((command.engine, other), deque()).append(number)
            result.append(taken)
        return result

    def run(self) -> Timeline:
        """Follow the program to its end."""
        while True:
            while self._dispatch() or self._start_any():
                pass
            fetch, load = self._fetch_ready(), self.load_ready
            if fetch is None and load is None:
                break
            if load is None or (fetch is not None and fetch <= load):
                self._issue_fetch(fetch or 0)
            else:
                self._issue_load(load)
        last = max((times.end for times in self.times), default=0)
        ended = self._handing_over(len(self.work))
        total = max(last, ended) + timing.PROGRAM_END + 1
        return Timeline(
            total=total,
            times=self.times,
            core=self.core,
            read_beats=self.read_beats,
            write_beats=self.write_beats,
        )

    def _address_time(self, ready: int) -> int:
        """When a burst that is ready goes onto the bus."""
        time = max(ready, self.last_address + 1)
        if len(self.bursts) == timing.OUTSTANDING_BURSTS:
            time = max(time, self.bursts[0] + timing.REISSUE)
        self.last_address = time
        return time

    def _data(self, address: int, beats: int, *, narrow: bool = False) -> Sequence[int]:
        """When the beats of a burst are on the bus, as those see it that wait for them.

        Parameters
        ----------
        narrow : they belong to the load ``self.narrow``.
        """
        interval = self.memory.read_interval
        first = max(address + self.memory.read_latency, self.last_beat + interval)
        if self.narrow and (narrow or first <= self.narrow.taken):
            times = []
            for _ in range(beats):
                through = self.narrow.pass_loaded if narrow else self.narrow.pass_fetched
                self.last_beat = through(max(first, self.last_beat + interval))
                times.append(self.narrow.taken - timing.READ_DELAY)
        else:
            times = range(first, first + beats * interval, interval)
            self.last_beat = times[-1]
        self.bursts.append(times[-1])
        return times

    def _fetch_ready(self) -> int | None:
        """When the next burst of commands could be requested, if that is known."""
        first = len(self.arrived)
        if first >= len(self.commands):
            return None
        room = first + timing.FETCH_BURST - timing.PREFETCH_COMMANDS
        if room <= 0:
            return timing.FETCH_START
        if len(self.taken) < room:
            return None
        return self.taken[room - 1] + timing.REISSUE

    def _issue_fetch(self, ready: int) -> None:
        count = min(timing.FETCH_BURST, len(self.commands) - len(self.arrived))
        address = self._address_time(ready)
        beats = self._data(address, count * self.command_beats)
        ends = beats[self.command_beats - 1 :: self.command_beats]
        self.arrived += [time + timing.FETCH_LATENCY for time in ends]

    def _handing_over(self, number: int) -> int:
        """When the dispatcher could hand over the next command; its last beat has arrived."""
        previous = self.times[number - 1].handed if number else -1
        filled = max(previous + self.command_beats, self.arrived[number])
        if len(self.taken) == number:
            self.taken.append(filled)
        return filled + timing.CHECK_CYCLES + 1

    def _dispatch(self) -> bool:
        """Hand over the next command if all is known that it takes."""
        number = self.dispatched
        if number >= min(len(self.work), len(self.arrived)):
            return False
        engine = self.engines[self.work[number].engine]
        time = self._handing_over(number)
        before = len(engine.numbers) - timing.QUEUE_COMMANDS
        if before >= 0:
            if engine.done <= before:
                return False
            time = max(time, self.times[engine.numbers[before]].left + timing.QUEUE_REFILL)
        self.times[number].handed = time
        engine.numbers.append(number)
        self.dispatched += 1
        return True

    def _start_any(self) -> bool:
        """Start the next command of some engine if all is known that it waits for."""
        return any(self._start(name) for name in ("store", "load", "execute"))

    def _start(self, name: str) -> bool:
        engine = self.engines[name]
        if engine.done >= len(engine.numbers) or (name == "load" and self.load_ready is not None):
            return False
        number = engine.numbers[engine.done]
        times = self.times[number]
        if times.start >= 0:
            return False
        if any(self.times[other].end < 0 for other in self.signals[number]):
            return False
        if name == "execute" and not self._stores_known(number):
            return False
        times.head = max(times.handed + timing.QUEUE_LATENCY, engine.last.left + timing.HEAD_INTERVAL)
        tokens = [self.times[other].end + 1 for other in self.signals[number]]
        times.start = max([times.head, *tokens])
        if self.work[number].opcode is not Opcode.EXECUTE:
            times.start = max(times.start, engine.last.end + 1)
        self._run(number, self.work[number], times)
        return True

    def _stores_known(self, number: int) -> bool:
        """Whether all stores before an execute have started, so that their reads are known."""
        store = self.engines["store"]
        return not any(other < number for other in store.numbers[store.done :])

    def _run(self, number: int, command: Command, times: Times) -> None:
        match command.opcode:
            case Opcode.LOAD:
                self._begin_load(command, times.start)
                return
            case Opcode.EXECUTE:
                self._execute(command, times)
            case Opcode.STORE:
                times.end = self._store(command, times.start)
            case _:
                times.end = times.start + 1
        self._finish(command.engine, times)

    def _finish(self, name: str, times: Times) -> None:
        """The command at the head of an engine leaves it; all but jobs do so at their end."""
        if times.left < 0:
            times.left = times.end
        self.engines[name].done += 1
        self.engines[name].last = times

    def _bursts(self, command: Command) -> list[tuple[int, bool]]:
        """(beats, whether it begins a run) of every burst of a transfer."""
        beat = self.config.bus_bits // 8
        longest = timing.BURST_BEATS * beat
        result = []
        for offset, length in memory_runs(self.config, command):
            end, first = offset + length, True
            while offset < end:
                border = min((offset // longest + 1) * longest, (offset // BOUNDARY + 1) * BOUNDARY)
                size = min(end, border) - offset
                result.append((size // beat, first))
                offset, first = offset + size, False
        return result

    def _begin_load(self, command: Command, start: int) -> None:
        if command["memory"] == Memory.BLOCK_INDEX:
            offset, length = memory_runs(self.config, command)[0]
            self.chip.fill(Memory.BLOCK_INDEX, command["address"], self.parameters[offset : offset + length])
        self.loads_narrow = command["memory"] == Memory.SMEM and self._row_beats(command) < timing.ROW_CYCLES
        if self.loads_narrow:
            self.narrow = NarrowLoad(start, self._row_beats(command))
        self.loading = deque(self._bursts(command))
        self.load_ready = start + timing.TRANSFER_START

    def _issue_load(self, ready: int) -> None:
        beats, _ = self.loading.popleft()
        address = self._address_time(ready)
        last = self._data(address, beats, narrow=self.loads_narrow)[-1]
        self.read_beats += beats
        if self.loading:
            interval = timing.PLANE_INTERVAL if self.loading[0][1] else timing.BURST_INTERVAL
            self.load_ready = address + interval
            return
        engine = self.engines["load"]
        times = self.times[engine.numbers[engine.done]]
        times.end = self.narrow.end if self.narrow and self.loads_narrow else last + timing.LOAD_END
        self._finish("load", times)
        self.load_ready = None

    def _execute(self, command: Command, times: Times) -> None:
        """Run a job; some of its prologue may be hidden behind the flush of the one before."""
        counts = job_cycles(self.config, command.fields, window_counts(self.chip, command.fields))
        begin = times.start + timing.EXECUTE_START
        times.end = begin + counts.total
        times.left = times.end - flush_cycles(self.config) + release_cycles(self.config)
        times.hidden = max(0, self.engines["execute"].last.end - begin)
        self.core += replace(counts, prologue=counts.prologue - times.hidden)

    def _store(self, command: Command, start: int) -> int:
        """End of a store; its rows are read plane by plane, as the planner approves them."""
        interval, bursts = self.memory.write_interval, self._bursts(command)
        self.write_beats += sum(size for size, _ in bursts)
        groups = -(-command["width"] // self.config.cols)
        row_cycles = max(timing.ROW_CYCLES, timing.GROUP_CYCLES * groups)
        row = self._row_beats(command)
        last, read, address = start, start, start + timing.TRANSFER_START
        for number, (_, first_of_plane) in enumerate(bursts):
            if number:
                address += timing.PLANE_INTERVAL if first_of_plane else timing.BURST_INTERVAL
            if not first_of_plane:
                continue
            read = max(read, address - timing.TRANSFER_START + timing.STORE_READ)
            for _ in range(command["rows"]):
                begin = max(read + READ_LATENCY + timing.STORE_SEND, last + interval)
                last = begin + (row - 1) * interval
                read += row_cycles
        return last + self.memory.write_latency + timing.STORE_END

    def _row_beats(self, command: Command) -> int:
        """Beats of an image row that is loaded or stored."""
        return command["width"] * (self.config.word_bits // self.config.bus_bits)
