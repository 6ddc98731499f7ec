"""``crisp bench``: the benches of a checkout, or of a project of one's own."""

from typing import TYPE_CHECKING, Annotated

import typer

from crisp_cli.core_option import TINY, Core
from crisp_cli.options import Seed, Simulator, Waves
from crisp_cli.rtl.requirements import require_rtl
from crisp_cli.terminal import print_line, say_problem

if TYPE_CHECKING:
    from crisp_sim.runs.runner import BenchResult


def bench(
    module: Annotated[
        str, typer.Argument(help="Python module that lists benches, such as cocotb_tests.benches.")
    ],
    core: Core = TINY,
    only: Annotated[
        str | None, typer.Option(help="Only benches in whose name this regular expression is found.")
    ] = None,
    sim: Simulator = "verilator",
    waves: Waves = False,
    seed: Seed = 1,
) -> None:
    """Run the benches that a module lists; all of them run, even if one fails.

    The module has a tuple `BENCHES` of `crisp_sim.runs.registered_bench.RegisteredBench`. Python must find
    it: the benches of this project belong to its checkout, and are found with `PYTHONPATH=.` there.

    Examples:

    - `crisp bench cocotb_tests.benches`
    - `crisp bench cocotb_tests.benches --only decoder --sim icarus --waves`
    - `crisp bench cocotb_tests.benches --config my_core.toml`
    """
    require_rtl()
    from crisp_sim.errors import BenchError
    from crisp_sim.runs.registered_bench import load_benches, select_benches
    from crisp_sim.runs.runner import run_bench

    failed = []
    for registered in select_benches(load_benches(module), only):
        print_line(f"{registered.name}: {registered.summary} (seed {seed})")
        try:
            made = registered.bench(core.config, seed=seed, sim=sim)
            result = run_bench(made, sim=sim, seed=seed, waves=waves)
        except BenchError as error:
            say_problem("failed", str(error))
            failed.append(registered.name)
        else:
            _show(result)
    if failed:
        raise BenchError(f"benches that did not pass: {', '.join(failed)}")


def _show(result: "BenchResult") -> None:
    figures = "".join(f", {name} {value}" for name, value in result.measurements.items())
    tests = "1 test" if len(result.tests) == 1 else f"{len(result.tests)} tests"
    print_line(f"  {tests} passed in {result.seconds:.1f} s{figures}")
    if result.waves:
        print_line(f"  waves in {result.waves}")
