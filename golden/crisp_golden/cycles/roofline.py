"""Lower bounds for the cycles of a network: what no schedule of its groups on this configuration can beat.

Two things bound a group of layers that are executed together. The array has one slot for each of the N
weights of every kept window and each column group, so for every layer it needs

    compute = sum over row tiles of kept windows * N * ceil(P / cols)

cycles, the row tiles being ceil(K / rows). And the bus moves one beat per cycle in each direction: tensors
from outside and parameters are read at least once, tensors for others are written at least once. Hence

    bound of a group = max(sum of compute, beats read, beats written)
    bound of a network = sum over its groups

Layer by layer, every layer is a group and every tensor passes through external memory; fused, what stays
within a group or on the chip between two groups costs no beats. The sum assumes that groups do not overlap.
``NetworkBound.overlapped``, the larger of all compute and all beats of one direction, holds even if they do.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.input_mapping import InputMapping
from crisp_golden.arithmetic.network import Node, QuantizedConv, QuantizedNetwork
from crisp_golden.cycles.core_cycles import ideal_cycles
from crisp_golden.pack.workload import Workload, layer_workload
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.memories import word_bits

LIMITS = ("compute", "read", "write")


@dataclass(frozen=True, kw_only=True)
class LayerNeeds:
    """What one layer needs, whoever its neighbours are.

    Attributes
    ----------
    inputs : names of the tensors it reads; it makes the tensor of its own name.
    compute : slots of the array.
    parameters : beats of weights, indices and channels.
    output : beats of its output.
    n : slots per group of M; kept, windows : windows that the array visits over all row tiles, and all.
    channels, reduction, pixels : K, R = taps * C / groups (taps alone for pooling), P.
    """

    name: str
    inputs: tuple[str, ...]
    compute: int
    parameters: int
    output: int
    n: int
    kept: int
    windows: int
    channels: int
    reduction: int
    pixels: int


@dataclass(frozen=True)
class NetworkNeeds:
    """What the layers of a network need, in order.

    Attributes
    ----------
    input : beats of the network's input.
    """

    input: int
    layers: tuple[LayerNeeds, ...]


@dataclass(frozen=True, kw_only=True)
class GroupBound:
    """Lower bounds of one group.

    Attributes
    ----------
    compute : cycles of the array; read, write : beats of the bus in each direction.
    """

    layers: tuple[str, ...]
    compute: int
    read: int
    write: int

    @property
    def cycles(self) -> int:
        """The group cannot take less."""
        return max(self.compute, self.read, self.write)

    @property
    def limit(self) -> str:
        """What the bound comes from: ``compute``, ``read`` or ``write``."""
        return max(LIMITS, key=lambda name: getattr(self, name))


@dataclass(frozen=True)
class NetworkBound:
    """Lower bounds of a network that is executed group by group."""

    groups: tuple[GroupBound, ...]

    @property
    def cycles(self) -> int:
        """Sum over the groups."""
        return sum(group.cycles for group in self.groups)

    @property
    def overlapped(self) -> int:
        """Lower bound even if transfers of one group overlap with another's computing."""
        return max(
            sum(getattr(group, name) for group in self.groups) for name in ("compute", "read", "write")
        )


def mapped_network(network: QuantizedNetwork, mapping: InputMapping | None) -> QuantizedNetwork:
    """The network as a program with this input mapping computes it."""
    if mapping is None:
        return network

    def mapped(node: Node) -> Node:
        if INPUT not in node.inputs or not isinstance(node.layer, QuantizedConv):
            return node
        return replace(node, layer=mapping.rewrite(node.layer))

    return replace(network, nodes=tuple(map(mapped, network.nodes)), input_shape=mapping.shape)


def network_needs(config: CoreConfig, network: QuantizedNetwork) -> NetworkNeeds:
    """What every layer of a network needs.

    Raises
    ------
    CrispError : a layer is not legal, or does not fit the configuration.
    """
    shapes = {INPUT: network.input_shape}
    layers = []
    for node in network.nodes:
        needs, shapes[node.name] = _layer_needs(config, node, shapes[node.inputs[0]])
        layers.append(needs)
    return NetworkNeeds(tensor_beats(config, network.input_shape), tuple(layers))


def _layer_needs(
    config: CoreConfig, node: Node, shape: tuple[int, int, int]
) -> tuple[LayerNeeds, tuple[int, int, int]]:
    """A layer's needs and the shape of its output, for an input of ``shape``."""
    channels, height, width = shape
    work = layer_workload(config, node.layer, channels)
    rows, columns = work.kernel.out_size(height, width)
    taps = work.kernel.size[0] * work.kernel.size[1]
    needs = LayerNeeds(
        name=node.name,
        inputs=node.inputs,
        compute=ideal_cycles(config, work, height, width),
        parameters=parameter_beats(config, work),
        output=tensor_beats(config, (work.out_channels, rows, columns)),
        n=work.n,
        kept=int(np.count_nonzero(work.windowed.kept)),
        windows=work.windowed.kept.size,
        channels=work.out_channels,
        reduction=taps * (work.conv.weight.shape[1] if work.conv else 1),
        pixels=rows * columns,
    )
    return needs, (work.out_channels, rows, columns)


def tensor_beats(config: CoreConfig, shape: tuple[int, int, int]) -> int:
    """Beats of a tensor [C, H, W]: whole words."""
    channels, height, width = shape
    return -(-channels // config.word_channels) * height * width * config.word_bits // config.bus_bits


def parameter_beats(config: CoreConfig, work: Workload) -> int:
    """Beats of a layer's weights, group indices, block indices and channels; tap tables excepted."""
    windows = int(work.windows.sum())
    channels = -(-work.out_channels // config.load_rows)
    words = {Memory.BLOCK_INDEX: windows, Memory.CHANNEL: channels}
    if work.windowed.weights is not None:
        words[Memory.WEIGHT] = (1 if work.uniform else windows) * work.n * config.load_beats
        words[Memory.GROUP_INDEX] = 0 if work.dense else words[Memory.WEIGHT]
    if work.residual or work.conv is None:
        words[Memory.RESIDUAL_CHANNEL] = channels
    bits = sum(count * word_bits(config, memory) for memory, count in words.items())
    return -(-bits // config.bus_bits)


def network_bound(
    needs: NetworkNeeds, groups: Sequence[Sequence[str]] | None = None, resident: Collection[str] = ()
) -> NetworkBound:
    """Lower bounds of a network.

    Parameters
    ----------
    groups : names of the layers that are executed together, in order; None for layer by layer.
    resident : tensors that stay on the chip between two groups.
    """
    layers = {layer.name: layer for layer in needs.layers}
    chosen = [[name] for name in layers] if groups is None else groups
    return NetworkBound(tuple(_group_bound(needs, layers, names, set(resident)) for names in chosen))


def _group_bound(
    needs: NetworkNeeds, layers: Mapping[str, LayerNeeds], names: Sequence[str], resident: set[str]
) -> GroupBound:
    members = [layers[name] for name in names]
    read_later = {name for layer in needs.layers if layer.name not in names for name in layer.inputs}
    wanted = (read_later | {needs.layers[-1].name}) - resident
    outside = {name for layer in members for name in layer.inputs} - set(names) - resident
    inputs = sum(needs.input if name == INPUT else layers[name].output for name in outside)
    return GroupBound(
        layers=tuple(names),
        compute=sum(layer.compute for layer in members),
        read=inputs + sum(layer.parameters for layer in members),
        write=sum(layer.output for layer in members if layer.name in wanted),
    )
