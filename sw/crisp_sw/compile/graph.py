"""The network as the compiler sees it: stages that make tensors out of tensors."""

from dataclasses import dataclass, field
from functools import cached_property

from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_golden.pack.workload import Workload, layer_workload
from crisp_spec.config import CoreConfig
from crisp_spec.errors import LayerError


@dataclass(frozen=True, eq=False)
class Stage:
    """One layer at its place in the network.

    Attributes
    ----------
    x, residual : names of the tensors it reads; it makes the tensor of its own name.
    height, width : of its input.
    """

    number: int
    work: Workload
    x: str
    residual: str | None
    height: int
    width: int

    @property
    def name(self) -> str:
        """Name of the layer and of its output."""
        return self.work.name

    @cached_property
    def out_size(self) -> tuple[int, int]:
        """Rows and columns of the output."""
        return self.work.kernel.out_size(self.height, self.width)

    @property
    def pointwise(self) -> bool:
        """Whether every output pixel depends on the input pixel at its own place alone."""
        kernel = self.work.kernel
        return kernel.size == (1, 1) and kernel.stride == 1 and kernel.padding == (0, 0)

    def input_rows(self, first: int, last: int) -> tuple[int, int]:
        """Input rows (half-open) that the output rows ``first`` to ``last - 1`` read."""
        return self.work.kernel.input_rows(first, last, self.height)


@dataclass(eq=False)
class Tensor:
    """An activation tensor.

    Attributes
    ----------
    producer : number of the stage that makes it; -1 for the network's input.
    readers : stages that read it as input; adders : stages that add it as residual.
    """

    name: str
    channels: int
    height: int
    width: int
    producer: int
    readers: list[Stage] = field(default_factory=list)
    adders: list[Stage] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width

    def planes(self, config: CoreConfig) -> int:
        """Planes of the tensor."""
        return -(-self.channels // config.word_channels)

    def words(self, config: CoreConfig) -> int:
        """Words in the whole tensor."""
        return self.planes(config) * self.height * self.width

    @property
    def last_use(self) -> int:
        """Number of the last stage that reads it; its producer if nobody does."""
        return max((stage.number for stage in (*self.readers, *self.adders)), default=self.producer)


@dataclass(eq=False)
class Graph:
    """Stages in topological order, and all tensors by name.

    Attributes
    ----------
    keep : whether every tensor is wanted in external memory.
    """

    config: CoreConfig
    stages: list[Stage]
    tensors: dict[str, Tensor]
    keep: bool = False

    @property
    def result(self) -> Tensor:
        """The network's output."""
        return self.tensors[self.stages[-1].name]

    def crossing(self, cut: int) -> list[Tensor]:
        """Tensors that stages before ``cut`` make (or the network's input) and later ones read."""
        return [tensor for tensor in self.tensors.values() if tensor.producer < cut <= tensor.last_use]


def build_graph(config: CoreConfig, network: QuantizedNetwork, *, keep: bool = False) -> Graph:
    """Turn a network into stages.

    Raises
    ------
    LayerError, PatternError, CapacityError : a layer is not legal, or cannot run on this configuration.
    """
    channels, height, width = network.input_shape
    tensors = {INPUT: Tensor(INPUT, channels, height, width, -1)}
    stages = []
    for number, node in enumerate(network.nodes):
        x, *residual = (tensors[name] for name in node.inputs)
        work = layer_workload(config, node.layer, x.channels)
        if work.in_channels != x.channels:
            raise LayerError(f"{node.name}: reads {x.channels} channels, expected {work.in_channels}")
        stage = Stage(
            number=number,
            work=work,
            x=x.name,
            residual=residual[0].name if residual else None,
            height=x.height,
            width=x.width,
        )
        rows, columns = stage.out_size
        if rows < 1 or columns < 1:
            raise LayerError(f"{node.name}: the kernel does not fit an input of {x.height} x {x.width}")
        made = Tensor(node.name, work.out_channels, rows, columns, number)
        x.readers.append(stage)
        for addend in residual:
            if addend.shape != made.shape:
                raise LayerError(
                    f"{node.name}: adds {addend.name} of shape {addend.shape}, expected {made.shape}"
                )
            addend.adders.append(stage)
        stages.append(stage)
        tensors[node.name] = made
    for stage in stages[:-1]:
        if tensors[stage.name].last_use == stage.number:
            raise LayerError(f"{stage.name}: no layer reads its output, and it is not the network's result")
    return Graph(config, stages, tensors, keep)
