"""A card for every pruned layer: the kept blocks of its weight matrix, and one block close up."""

from html import escape

from crisp_golden.network import QuantizedConv, QuantizedNetwork
from crisp_sw.report.pattern_picture import block_map, block_zoom

PATTERN_NOTE = (
    "Each map is a layer's weight matrix: a row of squares is a block of output channels, columns are kernel "
    "taps and blocks of input channels. Every row keeps equally many blocks. On the right one kept block, "
    "weight by weight: darker is larger, lines separate the groups of M."
)


def pattern_cards(network: QuantizedNetwork) -> str:
    """HTML cards of all layers with a pattern; a sentence if there is none."""
    layers = [node.layer for node in network.nodes if isinstance(node.layer, QuantizedConv)]
    cards = [_pattern_card(layer) for layer in layers if layer.pattern is not None]
    return "".join(cards) or "<p>No layer of this network is pruned.</p>"


def _pattern_card(layer: QuantizedConv) -> str:
    pattern = layer.pattern
    if pattern is None:
        return ""
    mask = pattern.block_mask
    kh, kw = layer.kernel
    facts = (
        f"{layer.out_channels} x {layer.in_channels} channels, {kh}x{kw}: {int(mask.sum())} of {mask.size} "
        f"blocks of {pattern.block}x{pattern.block}, {pattern.n}:{pattern.m} inside"
    )
    return (
        f'<div class="card pattern"><h3>{escape(layer.name)}<span>{escape(facts)}</span></h3>'
        f"<div>{block_map(layer, pattern)}</div><div>{block_zoom(layer, pattern)}</div></div>"
    )
