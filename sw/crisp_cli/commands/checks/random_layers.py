"""``crisp random-layers``: many random layers on the RTL of the core, compared with golden."""

from typing import Annotated

import typer

from crisp_cli.core_option import EDGE, Core
from crisp_cli.options import Cases, FirstCase, Seed, Simulator
from crisp_cli.rtl.requirements import require_rtl
from crisp_cli.terminal import print_line

LAYERS_PER_BATCH = 100


def random_layers(
    core: Core = EDGE,
    cases: Cases = 1000,
    first: FirstCase = 0,
    size: Annotated[int, typer.Option(help="Largest height and width of the inputs.", min=1, max=1024)] = 12,
    sim: Simulator = "verilator",
    seed: Seed = 1,
) -> None:
    """Run many random layers on the whole core, in batches, and demand golden's bits and cycles.

    A case depends on seed, core, size and its own number alone: a long run can be cut into pieces, and a case
    that fails can be repeated.

    Examples:

    - `crisp random-layers --preset small`
    - `crisp random-layers --config my_core.toml --cases 200`
    """
    require_rtl()
    from crisp_sim.core.random_layers import random_layers as random_layers_bench
    from crisp_sim.runs.runner import run_bench

    for start in range(first, first + cases, LAYERS_PER_BATCH):
        count = min(LAYERS_PER_BATCH, first + cases - start)
        made = random_layers_bench(core.config, cases=count, first=start, seed=seed, size=size)
        cycles = run_bench(made, sim=sim, seed=seed).measurements["cycles"]
        print_line(f"layers {start} to {start + count - 1}: exact, {cycles} cycles")
