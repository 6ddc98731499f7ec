"""Shapes of all tensors of an integer network."""

from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.network import MaxPool, QuantizedNetwork


def tensor_shapes(network: QuantizedNetwork) -> dict[str, tuple[int, int, int]]:
    """(C, H, W) of the input and of every node's tensor, by name."""
    shapes = {INPUT: network.input_shape}
    for node in network.nodes:
        channels, height, width = shapes[node.inputs[0]]
        layer = node.layer
        if isinstance(layer, MaxPool):
            grown = 2 * layer.padding - layer.kernel
            height, width = ((size + grown) // layer.stride + 1 for size in (height, width))
            shapes[node.name] = channels, height, width
        else:
            shapes[node.name] = layer.out_channels, *layer.out_size(height, width)
    return shapes
