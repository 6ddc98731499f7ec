"""What came out of a cell: the JSON file that a sweep keeps of it."""

from dataclasses import dataclass
from typing import Any

from crisp_files.documents import Document
from crisp_files.json_values import known
from crisp_sw.flows.experiment.cells.cell import Cell


@dataclass(frozen=True, kw_only=True)
class CellResult(Document, schema="crisp-cell", version=1):
    """A cell's accuracy and costs; of one whose target cannot be reached, the reason alone.

    Attributes
    ----------
    cell : what was asked for.
    error : why its target cannot be reached.
    class_names : of the user.
    validation_images : that it was judged by.
    accuracy_before : of a dense cell, before fine-tuning.
    accuracy : of the float model.
    sparsity : share of the prunable weights that is gone.
    weights, nonzero_weights : of all Conv2d and Linear layers.
    macs, nonzero_macs : multiplications for one image, and those whose weight is not zero.
    model_sparsity : share of all Conv2d and Linear weights that is zero.
    not_quantized : why there is no integer network.
    accuracy_int8 : of the integer network.
    bytes_dense, bytes_packed : of its weights.
    cycles : predicted, layer by layer.
    cycles_dense : of the same layers without zeros.
    does_not_fit : why there are no cycles.
    seconds : that it took; None if it was interrupted.
    settings : of the pruner.
    depends_on : all that the result depends on.
    """

    cell: Cell
    error: str | None = known()
    class_names: tuple[str, ...] | None = known()
    validation_images: int | None = known()
    accuracy_before: float | None = known()
    accuracy: float | None = known()
    sparsity: float | None = known()
    weights: int | None = known()
    nonzero_weights: int | None = known()
    macs: int | None = known()
    nonzero_macs: int | None = known()
    model_sparsity: float | None = known()
    not_quantized: str | None = known()
    accuracy_int8: float | None = known()
    bytes_dense: int | None = known()
    bytes_packed: int | None = known()
    cycles: int | None = known()
    cycles_dense: int | None = known()
    does_not_fit: str | None = known()
    seconds: float | None = known()
    settings: dict[str, Any] | None = known()
    depends_on: dict[str, Any] | None = known()


@dataclass(frozen=True, kw_only=True)
class RtlCheck:
    """Images of a cell's user on the RTL.

    Attributes
    ----------
    cell : its name.
    images : that ran.
    status : 0 if every layer of every image was bit-exact and took the predicted cycles, else 1.
    """

    cell: str
    images: int
    status: int
