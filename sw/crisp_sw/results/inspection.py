"""What a network consists of: the ``inspect.json`` of an inspection."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from crisp_files.documents import Document
from crisp_files.json_values import figure
from crisp_sw.programs.memory_use import MemoryUse
from crisp_sw.results.layers import InspectedLayer, InspectedTotals
from crisp_sw.results.speedup import speedup


@dataclass(frozen=True, kw_only=True)
class InspectedProgram:
    """The network as one program on the whole accelerator, predicted.

    Attributes
    ----------
    cycles : for an image.
    traffic : bytes of external memory.
    memory : how full the ``activation`` and the ``weight`` memory are over the run.
    cycles_dense : of the same network without zeros; None where that does not fit the core.
    """

    cycles: int
    traffic: int
    memory: Mapping[str, MemoryUse]
    cycles_dense: int | None

    @figure
    def speedup(self) -> float | None:
        """Cycles of the dense program over those of the sparse one, on the same accelerator."""
        return speedup(self.cycles_dense, self.cycles)


@dataclass(frozen=True, kw_only=True)
class Inspection(Document, schema="crisp-inspect", version=1):
    """Patterns, sizes, multiplications and predicted cycles of a network.

    Attributes
    ----------
    path : of the network, as it was given.
    command : that made it.
    kind : what is there: a packed network, an ONNX file, or a float model, quantized for this.
    preset : of the core.
    clock_mhz : at which cycles are stated as times, too.
    input_shape : channels, height and width of an image.
    classes : names of the outputs; may be empty.
    metadata : what the network says of itself.
    layers : every convolution and linear layer, in order, alone on the core.
    program : None if it was not compiled.
    """

    path: str
    command: str
    kind: Literal["packed", "onnx", "float"]
    preset: str
    clock_mhz: float
    input_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    metadata: Mapping[str, Any]
    layers: tuple[InspectedLayer, ...]
    program: InspectedProgram | None

    @figure
    def totals(self) -> InspectedTotals:
        """Sums over the layers."""
        return InspectedTotals.of(self.layers)
