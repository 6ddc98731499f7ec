"""Command line of the benches: ``python -m cocotb_tests run``, ``layers``, ``programs`` and ``trial``.

The exit status is 0 if everything passed, 1 if a bench did not, and 2 for an input that cannot be used.
"""

from collections import Counter
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from cocotb_tests.benches import select
from crisp_cli.program_pairs.cases import ProgramCases
from crisp_files.printable import printable
from crisp_sim.core.random_layers import random_layers
from crisp_sim.errors import BenchError
from crisp_sim.runs.runner import BenchResult, run_bench
from crisp_sim.runs.trial import try_simulator
from crisp_spec.config import preset as find_preset
from crisp_spec.errors import CrispError

CHECK_FAILED = 1
LAYERS_PER_BATCH = 100
PROGRAMS_PER_LINE = 50
USER_ERROR = 2

console = Console(markup=False, highlight=False, soft_wrap=True)
errors = Console(markup=False, highlight=False, soft_wrap=True, stderr=True)


class BenchGroup(TyperGroup):
    """Turns the project's errors into one message and an exit status."""

    def invoke(self, ctx: typer.Context) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Run the command of ``ctx``."""
        try:
            return super().invoke(ctx)
        except (CrispError, OSError) as error:
            text = str(error)
            if isinstance(error, OSError) and error.filename:
                text = f"{error.filename}: {error.strerror}"
            errors.print("error:", style="red", end=" ")
            errors.print("\n".join(map(printable, text.splitlines())))
            raise typer.Exit(CHECK_FAILED if isinstance(error, BenchError) else USER_ERROR) from None


app = typer.Typer(
    cls=BenchGroup,
    no_args_is_help=True,
    add_completion=False,
    help="Run the generated hardware in a simulator and compare it with the golden model.",
)

Sim = Annotated[str, typer.Option(help="Simulator: verilator or icarus.")]
Preset = Annotated[str, typer.Option(help="Configuration of the core.")]
Waves = Annotated[bool, typer.Option("--waves", help="Record all signals as FST; WAVES=1 does the same.")]
Layer = Annotated[str | None, typer.Option(help="Only what this regular expression finds in the name.")]


@app.command()
def run(
    sim: Sim = "verilator",
    preset: Preset = "tiny",
    layer: Layer = None,
    waves: Waves = False,
    seed: Annotated[int, typer.Option(help="Of all random numbers.")] = 1,
) -> None:
    """Run the unit and layer benches; all of them run, even if one fails."""
    config = find_preset(preset)
    failed = []
    for registered in select(layer):
        console.print(f"{registered.name}: {registered.summary} (seed {seed})")
        try:
            bench = registered.bench(config, seed=seed, sim=sim)
            result = run_bench(bench, sim=sim, seed=seed, waves=waves)
        except BenchError as error:
            errors.print(str(error))
            failed.append(registered.name)
        else:
            _print_result(result)
    if failed:
        raise BenchError(f"benches that did not pass: {', '.join(failed)}")


@app.command()
def layers(
    sim: Sim = "verilator",
    preset: Preset = "edge",
    cases: Annotated[int, typer.Option(help="How many random layers to run.", min=1)] = 1000,
    first: Annotated[int, typer.Option(help="Number of the first one; resume a run here.", min=0)] = 0,
    size: Annotated[int, typer.Option(help="Largest height and width of the inputs.", min=1)] = 12,
    seed: Annotated[int, typer.Option(help="Of all random numbers.")] = 1,
) -> None:
    """Run many random layers on the whole core, in batches; say after each how far it came."""
    config = find_preset(preset)
    for start in range(first, first + cases, LAYERS_PER_BATCH):
        count = min(LAYERS_PER_BATCH, first + cases - start)
        bench = random_layers(config, cases=count, first=start, seed=seed, size=size)
        result = run_bench(bench, sim=sim, seed=seed)
        console.print(f"layers {start} to {start + count - 1}: exact, {result.measurements['cycles']} cycles")


@app.command()
def programs(
    preset: Preset = "tiny",
    cases: Annotated[int, typer.Option(help="How many programs of each kind to run.", min=1)] = 1000,
    first: Annotated[int, typer.Option(help="Number of the first ones; resume a run here.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Of all random numbers.")] = 1,
) -> None:
    """Run many random programs on golden's simulator and on the RTL; compare the whole memory after each.

    Compiled random networks, garbage, and command programs that are legal, lie at the end of the address
    space, have too small a window, are spoiled or meet a failing bus; a line says how far each batch came.
    """
    pairs = ProgramCases(find_preset(preset), seed=seed)
    for start in range(first, first + cases, PROGRAMS_PER_LINE):
        numbers = range(start, min(start + PROGRAMS_PER_LINE, first + cases))
        for kind in pairs.kinds:
            results = [pairs.run(kind, number) for number in numbers]
            ends = Counter(result.end for result in results)
            counts = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
            cycles = sum(result.cycles for result in results)
            line = f"{kind} {numbers[0]} to {numbers[-1]}: {counts}; {cycles:,} cycles"
            console.print(line)


@app.command()
def trial(sim: Sim = "verilator") -> None:
    """See whether the simulator works here; say nothing if it does."""
    try_simulator(sim)


def _print_result(result: BenchResult) -> None:
    figures = "".join(f", {name} {value}" for name, value in result.measurements.items())
    tests = "1 test" if len(result.tests) == 1 else f"{len(result.tests)} tests"
    console.print(f"  {tests} passed in {result.seconds:.1f} s{figures}")
    if result.waves:
        console.print(f"  waves in {result.waves}")


if __name__ == "__main__":
    app()
