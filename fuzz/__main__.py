"""``python -m fuzz``: look for inputs with which a loader misbehaves, for as long as is wanted.

The exit status is 0 if there was none, 1 if there was one, and 2 for a target that there is not.
"""

import argparse
import sys
from pathlib import Path

from fuzz.session import Session
from fuzz.targets import TARGETS

OUTPUT = Path("build/fuzz")


def main(arguments: list[str] | None = None) -> int:
    """Fuzz the chosen targets; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzz", description="Fuzz what reads things from outside."
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="; ".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, all targets together")
    parser.add_argument("--seed", type=int, default=0, help="of the first round; each round has the next one")
    parser.add_argument("--out", type=Path, default=OUTPUT, help="where findings go")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no target {unknown[0]!r}; expected one of {', '.join(TARGETS)}")
    if not 0 < options.minutes < float("inf"):
        parser.error(f"--minutes must be above 0, not {options.minutes:g}")
    targets = [TARGETS[name] for name in options.targets or TARGETS]
    session = Session(targets, seconds=60 * options.minutes, seed=options.seed, out=options.out)
    session.run()
    return 1 if session.findings else 0


if __name__ == "__main__":
    sys.exit(main())
