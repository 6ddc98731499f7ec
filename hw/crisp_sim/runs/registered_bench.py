"""Benches by name: each can be made for any configuration of the core.

Those of a project are listed in a module of its own, as a tuple ``BENCHES``.
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from crisp_sim.devices import device_top, device_verilog
from crisp_sim.errors import ToolError
from crisp_sim.runs.runner import Bench
from crisp_spec.config import CoreConfig


@dataclass(frozen=True, kw_only=True)
class RegisteredBench:
    """A bench that can be made for any configuration of the core.

    Attributes
    ----------
    name : what a user selects it by.
    summary : what it proves, in one line.
    device : a name in ``devices.DEVICES``, or ``module:Class``.
    module : dotted name of the Python module with the cocotb tests.
    tests : number of tests in ``module``.
    parameters : of the tests, besides the configuration and the seed.
    on_icarus : parameters that are different on Icarus, which is a hundred times slower.
    """

    name: str
    summary: str
    device: str
    module: str
    tests: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    on_icarus: Mapping[str, Any] = field(default_factory=dict)

    def bench(self, config: CoreConfig, *, seed: int, sim: str) -> Bench:
        """Return the bench for a configuration, writing the Verilog of its device if need be."""
        slower = self.on_icarus if sim == "icarus" else {}
        return Bench(
            verilog=device_verilog(self.device, config),
            top=device_top(self.device),
            module=self.module,
            tests=self.tests,
            parameters={"config": asdict(config), "seed": seed, **self.parameters, **slower},
        )


LISTED = "BENCHES"
"""What a module calls its list of benches."""


def load_benches(module: str) -> tuple[RegisteredBench, ...]:
    """Import the list of benches of a module.

    Raises
    ------
    ToolError : there is no such module, or no list in it.
    """
    if not all(part.isidentifier() for part in module.split(".")):
        raise ToolError(f"{module!r} is no name of a module; expected one such as cocotb_tests.benches")
    try:
        benches = getattr(importlib.import_module(module), LISTED, None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise ToolError(
            f"no module {module!r} is found; expected one that Python can import, such as those of a "
            "checkout whose folder is in PYTHONPATH"
        ) from error
    if not isinstance(benches, tuple) or not all(isinstance(bench, RegisteredBench) for bench in benches):
        raise ToolError(f"module {module!r} has no benches; expected a tuple {LISTED} of RegisteredBench")
    return benches


def select_benches(benches: Sequence[RegisteredBench], pattern: str | None) -> list[RegisteredBench]:
    """Return the benches whose name contains a match of the regular expression ``pattern``; None is all.

    Raises
    ------
    ToolError : the pattern is no regular expression, or no bench matches; the message lists those there are.
    """
    try:
        selected = [bench for bench in benches if re.search(pattern or "", bench.name)]
    except re.error as error:
        raise ToolError(f"{pattern!r} is not a regular expression: {error}") from None
    if not selected:
        raise ToolError(
            f"no bench matches {pattern!r}; expected one of {', '.join(bench.name for bench in benches)}"
        )
    return selected
