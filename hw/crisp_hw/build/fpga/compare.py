"""What sparsity support costs: a core beside a dense array of the same size."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from crisp_hw.build.fpga.report import LABELS, Resource, SynthesisReport
from crisp_spec.config import CoreConfig


def dense_equivalent(config: CoreConfig) -> CoreConfig:
    """A dense array with as many multipliers and as much activation memory as ``config``.

    M = 1 leaves no activation multiplexers, no group indices and no weight slots but one. Words are M
    times narrower, so there are M times as many, and the bus is no wider than they are. Everything else is
    the same, the block-index decoder too.

    Raises
    ------
    ConfigError : ``config`` has more rows than lanes, which a word of a dense array cannot take.
    """
    bus_bits = min(config.bus_bits, config.word_bits // config.m)
    return replace(config, m=1, smem_words=config.smem_words * config.m, bus_bits=bus_bits)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A core and a dense array of equal size on the same board; the latter is packed, but not placed."""

    sparse: SynthesisReport
    dense: dict[str, Resource]

    def overhead_percent(self, resource: str) -> float | None:
        """How much more the sparse core takes, in percent of what the dense one does; None if that is 0."""
        sparse, dense = self.sparse.resources[resource].used, self.dense[resource].used
        return round(100 * (sparse - dense) / dense, 2) if dense else None

    def as_json(self) -> dict[str, Any]:
        """Both counts and the overhead of each resource."""
        rows = {
            name: {
                "sparse": resource.used,
                "dense": self.dense[name].used,
                "overhead_percent": self.overhead_percent(name),
            }
            for name, resource in self.sparse.resources.items()
        }
        return {"board": self.sparse.board, "resources": rows}

    def as_table(self) -> Table:
        """The comparison for a terminal."""
        table = Table(title=f"cost of sparsity support on {self.sparse.board}", title_justify="left")
        table.add_column("resource")
        for column in ("sparse", "dense", "overhead"):
            table.add_column(column, justify="right")
        for name, resource in self.sparse.resources.items():
            percent = self.overhead_percent(name)
            overhead = "" if percent is None else f"{percent:+.1f}%"
            table.add_row(LABELS[name], f"{resource.used}", f"{self.dense[name].used}", overhead)
        return table

    def write(self, path: Path) -> None:
        """Write :meth:`as_json` to ``path`` under a temporary name, then rename."""
        temporary = path.with_name(f".{path.name}")
        temporary.write_text(json.dumps(self.as_json(), indent=2) + "\n", encoding="utf-8")
        os.replace(temporary, path)
