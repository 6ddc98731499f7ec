"""The first validation images of a cell's user on the RTL, layer by layer, against golden."""

from collections.abc import Callable
from pathlib import Path

from safetensors.numpy import save as serialise

from crisp_files.atomic_files import write_bytes
from crisp_golden.arithmetic.inference import quantize_input
from crisp_sw.exchange.packed import load_network
from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.flows.experiment.cells.cell_result import RtlCheck
from crisp_sw.flows.experiment.cells.user import User
from crisp_sw.flows.steps import normalised
from crisp_sw.results.core_run import CoreRun
from crisp_sw.results.layers import rtl_failures

RunOnRtl = Callable[[Path, Path, Path], CoreRun]
"""Takes a packed network, its inputs and a file for the result, which it writes and returns."""


def check_on_rtl(cell: str, network: Path, user: User, images: int, run_on_rtl: RunOnRtl) -> RtlCheck:
    """Run the first ``images`` validation images through the simulated hardware.

    They are the first in the data set's order that belong to the user, and come from every class in turn.

    Parameters
    ----------
    cell : name of the cell.
    network : directory of the packed network; inputs and result are written into its parent.
    run_on_rtl : runs every layer on the RTL, see `RunOnRtl`.

    Raises
    ------
    ExperimentError : the network is not there.
    """
    if not network.is_dir():
        raise ExperimentError(
            f"{network}: no such network; expected one that a CRISP cell of the sweep wrote"
        )
    chosen = user.test.images[_in_turn(user.test.labels.tolist(), images)]
    inputs = network.with_name(f"{network.name}.inputs.safetensors")
    result = network.with_name(f"{network.name}.rtl.json")
    x = quantize_input(load_network(network), normalised(chosen, user.info.normalization))
    write_bytes(inputs, serialise({"images": x}))
    result.unlink(missing_ok=True)
    layers = run_on_rtl(network, inputs, result).layers
    return RtlCheck(cell=cell, images=len(chosen), status=int(bool(rtl_failures(layers))))


def _in_turn(labels: list[int], count: int) -> list[int]:
    """Indices of the first image of every class, then the second of every class, and so on."""
    seen: dict[int, int] = {}
    ranked = []
    for index, label in enumerate(labels):
        ranked.append((seen.get(label, 0), label, index))
        seen[label] = seen.get(label, 0) + 1
    return [index for _, _, index in sorted(ranked)[:count]]
