"""A card for every pruned layer: the kept blocks of its weight matrix, and one block close up."""

from html import escape

from crisp_golden.arithmetic.network import Node, QuantizedConv, QuantizedNetwork
from crisp_sw.report.charts.pattern_picture import block_map, block_zoom

PATTERN_NOTE = (
    "Each map is a layer's weight matrix: a row of squares is a block of output channels, columns are kernel "
    "taps and blocks of input channels. Every row keeps equally many blocks. On the right one kept block, "
    "weight by weight: the stronger the colour, the larger the weight; lines separate the groups of M."
)


def pattern_cards(network: QuantizedNetwork) -> str:
    """HTML cards of all layers with a pattern; a sentence if there is none."""
    cards = [_pattern_card(node) for node in network.nodes]
    if not any(cards):
        return "<p>No layer of this network is pruned.</p>"
    return f'{_STRENGTH}<div class="patterns">{"".join(cards)}</div>'


def card_anchor(name: str) -> str:
    """Id of a layer's card in the page."""
    return f"pattern-{name}"


_STRENGTH = (
    '<div class="legend"><span><b class="key-gone"></b>pruned</span>'
    '<span><b class="key-weak"></b>small weight</span>'
    '<span><b class="key-sparse"></b>the largest</span></div>'
)


def _pattern_card(node: Node) -> str:
    layer = node.layer
    if not isinstance(layer, QuantizedConv) or layer.pattern is None:
        return ""
    pattern = layer.pattern
    mask = pattern.block_mask
    kh, kw = layer.kernel
    facts = (
        f"{layer.out_channels} x {layer.in_channels} channels, {kh}x{kw}: {int(mask.sum())} of {mask.size} "
        f"blocks of {pattern.block}x{pattern.block}, {pattern.n}:{pattern.m} inside"
    )
    return (
        f'<div class="card pattern" id="{escape(card_anchor(layer.name))}">'
        f"<h3>{escape(layer.name)}<span>{escape(facts)}</span></h3>"
        f"<div>{block_map(layer, pattern)}</div>{block_zoom(layer, pattern)}</div>"
    )
