"""``crisp random-programs``: many random programs on the RTL of the accelerator, compared with golden."""

from collections import Counter

from crisp_cli.core_option import TINY, Core
from crisp_cli.options import Cases, FirstCase, Seed
from crisp_cli.rtl.requirements import require_rtl
from crisp_cli.terminal import print_line

PROGRAMS_PER_LINE = 50


def random_programs(core: Core = TINY, cases: Cases = 1000, first: FirstCase = 0, seed: Seed = 1) -> None:
    """Run many random programs on golden's simulator and on the RTL; compare the whole memory after each.

    Compiled random networks, garbage, and command programs that are legal, lie at the end of the address
    space, have too small a segment, are spoiled or meet a failing bus; a line says how far each batch came.

    Examples:

    - `crisp random-programs --preset small`
    - `crisp random-programs --config my_core.toml --cases 100`
    """
    require_rtl()
    from crisp_cli.program_pairs.cases import ProgramCases

    pairs = ProgramCases(core.config, seed=seed)
    for start in range(first, first + cases, PROGRAMS_PER_LINE):
        numbers = range(start, min(start + PROGRAMS_PER_LINE, first + cases))
        for kind in pairs.kinds:
            ended = [pairs.run(kind, number) for number in numbers]
            ends = Counter(result.end for result in ended)
            counts = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
            cycles = sum(result.cycles for result in ended)
            print_line(f"{kind} {numbers[0]} to {numbers[-1]}: {counts}; {cycles:,} cycles")
