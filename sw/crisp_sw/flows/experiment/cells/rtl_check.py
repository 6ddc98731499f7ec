"""The first validation images of a cell's user on the RTL, layer by layer, against golden."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.numpy import save as serialise

from crisp_files.atomic_files import write_bytes
from crisp_files.json_files import read_json
from crisp_golden.arithmetic.inference import quantize_input
from crisp_sw.exchange.packed import load_network
from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.flows.experiment.cells.user import User
from crisp_sw.flows.steps import normalised

Cosimulation = Callable[[Path, Path, str, Path], int]


def check_on_rtl(
    network: Path, user: User, images: int, preset: str, cosimulate: Cosimulation
) -> dict[str, Any]:
    """Run the first ``images`` validation images through the simulated hardware.

    They are the first in the data set's order that belong to the user, and come from every class in turn.

    Parameters
    ----------
    network : directory of the packed network; inputs and result are written into its parent.
    cosimulate : takes (network, inputs, preset, result file), runs the RTL, returns an exit status.

    Returns
    -------
    What the bench measured, with ``status`` 0 if every layer of every image was bit-exact.

    Raises
    ------
    ExperimentError : the network is not there, or the bench wrote no result.
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
    status = cosimulate(network, inputs, preset, result)
    if not result.is_file():
        raise ExperimentError(
            f"the RTL bench ended with status {status} and wrote no {result}; see its messages"
        )
    return {**read_json(result), "images": len(chosen), "status": status}


def _in_turn(labels: list[int], count: int) -> list[int]:
    """Indices of the first image of every class, then the second of every class, and so on."""
    seen: dict[int, int] = {}
    ranked = []
    for index, label in enumerate(labels):
        ranked.append((seen.get(label, 0), label, index))
        seen[label] = seen.get(label, 0) + 1
    return [index for _, _, index in sorted(ranked)[:count]]
