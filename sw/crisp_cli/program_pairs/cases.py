"""Numbered random programs: a long run can be cut into pieces, taken up again, or repeat a single case."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from crisp_cli.program_pairs.command_pair import CommandPair
from crisp_cli.program_pairs.garbage_pair import GarbagePair
from crisp_cli.program_pairs.network_pair import check_network
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.stimuli.random_networks import random_network
from crisp_sim.accelerator.rtl_bus import RtlBus
from crisp_sim.errors import BenchError
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError, CrispError
from crisp_sw.compile.compiler import compile_network
from crisp_sw.driver.accelerator import Accelerator
from crisp_sw.driver.registers import Registers
from crisp_sw.driver.simulated_bus import SimulatedBus

LATENCIES = (1, 2, 5, 20, 40, 77, 200)
INTERVALS = (1, 1, 1, 2, 3)


@dataclass(frozen=True)
class CaseResult:
    """How a case ended, in a word, and the cycles of its program."""

    end: str
    cycles: int


class ProgramCases:
    """One accelerator on the RTL, on which all programs run after each other.

    Every case has a memory of its own timing. A failure names kind and number of the case; what a program
    finds on the chip may matter, too.

    Parameters
    ----------
    seed : of everything random, together with a case's number.
    """

    def __init__(self, config: CoreConfig, *, seed: int = 1):
        self.config, self.seed = config, seed
        self.rtl, golden = RtlBus(config), SimulatedBus(config)
        self.accelerator = Accelerator(self.rtl)
        self.registers = Registers(self.rtl)
        self.commands = CommandPair(config, golden, self.rtl)
        self.top = CommandPair(config, golden, self.rtl, top=True)
        self.garbage = GarbagePair(config, golden, self.rtl)
        self.kinds: dict[str, Callable[[int], str]] = {
            "network": self._network,
            "commands": self._commands,
            "top": self._top,
            "cut": self._cut,
            "spoiled": self._spoiled,
            "fault": self._fault,
            "garbage": self._garbage,
        }

    def run(self, kind: str, number: int) -> CaseResult:
        """Run a case.

        Raises
        ------
        BenchError : the RTL does not do what golden does, or touches what it must not.
        """
        rng = Random(f"{self.seed} {kind} {number}")
        latency, interval = rng.choice(LATENCIES), rng.choice(INTERVALS)
        self.rtl.simulation.set_timing(
            MemoryTiming(
                read_latency=latency,
                write_latency=rng.choice(LATENCIES),
                read_interval=interval,
                write_interval=rng.choice(INTERVALS),
            )
        )
        try:
            end = self.kinds[kind](number)
            if not self.rtl.simulation.quiet:
                raise AssertionError("a burst is open at the end")
        except (AssertionError, CrispError) as error:
            raise BenchError(f"{kind} {number} (seed {self.seed}): {error}") from error
        return CaseResult(end, self.registers.value("count_total"))

    def _network(self, number: int) -> str:
        """A random network, fused if the number is even."""
        network = random_network(self._network_seed(number), m=self.config.m)
        try:
            image = compile_network(self.config, network, fuse=number % 2 == 0)
        except CapacityError:
            return "refused"
        check_network(self.accelerator, network, image)
        self.accelerator.unload()
        return "equal"

    def _network_seed(self, number: int) -> int:
        return self.seed * 1_000_000 + number

    def _commands(self, number: int) -> str:
        self.commands.check(f"{self.seed} {number}")
        return "equal"

    def _top(self, number: int) -> str:
        """At the end of the address space; the program reaches beyond it if the number is odd."""
        check = self.top.check_beyond if number % 2 else self.top.check
        return check(f"{self.seed} {number}").code.name.lower()

    def _cut(self, number: int) -> str:
        return self.commands.check_cut(f"{self.seed} {number}").code.name.lower()

    def _spoiled(self, number: int) -> str:
        return self.commands.check_spoiled(f"{self.seed} {number}").code.name.lower()

    def _fault(self, number: int) -> str:
        return self.commands.check_fault(f"{self.seed} {number}").code.name.lower()

    def _garbage(self, number: int) -> str:
        return self.garbage.check(f"{self.seed} {number}").code.name.lower()
