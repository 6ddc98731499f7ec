"""Networks that cannot be compiled: one error that names the layer and the numbers."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_golden.arithmetic.network import MaxPool, QuantizedConv, QuantizedNetwork, ResidualInput
from crisp_golden.stimuli.random_networks import random_network
from crisp_spec.config import preset
from crisp_spec.errors import CapacityError, CrispError, LayerError
from crisp_sw.compile.compiler import compile_network
from sw.tests.compile.chains import chain, conv

TINY = preset("tiny")
PAIR = chain((8, 12, 12), conv("a", 8, 8), conv("b", 8, 8))
A, B = PAIR.nodes
SUM = ResidualInput(zero_point=0, multiplier=np.ones(8, np.uint16), shift=np.zeros(8, np.uint8))


def refusal(network: QuantizedNetwork, *, smem_words: int = TINY.smem_words, fuse: bool = True) -> str:
    with pytest.raises(CrispError) as caught:
        compile_network(replace(TINY, smem_words=smem_words), network, fuse=fuse)
    return str(caught.value)


@pytest.mark.parametrize("fuse", [True, False])
def test_the_layer_that_does_not_fit_alone_is_named_not_one_that_was_fused_with_it(fuse: bool):
    layers = conv("a", 4, 8), conv("big", 8, 200), conv("c", 200, 8), conv("d", 8, 8)
    assert refusal(chain((4, 12, 12), *layers), smem_words=64, fuse=fuse) == (
        "big: even one output row at a time needs 156 rows of the activation memory, which has 32"
    )


def reason(network: QuantizedNetwork, *, fuse: bool) -> str:
    """Why a network does not fit; empty if it does."""
    try:
        compile_network(replace(TINY, smem_words=64), network, fuse=fuse)
    except CapacityError as error:
        return str(error)
    return ""


def test_fusion_changes_neither_what_fits_nor_the_reason():
    fused, apart = ([reason(random_network(seed), fuse=fuse) for seed in range(12)] for fuse in (True, False))
    assert fused == apart
    assert 0 < fused.count("") < len(fused)


TALL, WIDE = (chain((8, *size), conv("a", 8, 8), conv("b", 8, 8)) for size in ((1100, 4), (4, 1100)))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (TALL, "a: pixel grid 1100 x 4 exceeds 1023 x 1023"),
        (WIDE, "a: even one output row at a time needs 1100 rows of the activation memory, which has 1024"),
        (
            chain((8, 12, 12), conv("a", 8, 8), conv("b", 8, 8, 3, stride=3)),
            "b: stride 3 is not supported by the core, expected 1 or 2",
        ),
        (
            chain((8, 12, 12), MaxPool(name="pool", kernel=3, stride=3)),
            "pool: stride 3 is not supported by the core, expected 1 or 2",
        ),
        (chain((3, 12, 12), conv("a", 4, 8)), "a: reads 3 channels, expected 4"),
        (replace(PAIR, nodes=()), "the network has no nodes, expected at least one"),
        (replace(PAIR, nodes=(A, replace(B, inputs=("c",)))), "b: reads 'c', which no earlier node makes"),
        (replace(PAIR, nodes=(A, replace(B, inputs=("a", "a")))), "b: reads 2 tensors, expected 1"),
        (
            replace(PAIR, nodes=(A, replace(A, inputs=("a",)))),
            "two tensors of the network are named 'a', expected unique names",
        ),
        (
            replace(PAIR, input_shape=(8, 12)),
            "the input's shape is (8, 12), expected three sizes of at least 1",
        ),
    ],
)
def test_what_is_wrong_with_a_network(network: QuantizedNetwork, message: str):
    assert refusal(network) == message


@pytest.mark.parametrize(
    ("middle", "addend", "message"),
    [
        (conv("s", 8, 8, 2, stride=2), "a", "b: adds a of shape (8, 12, 12), expected (8, 6, 6)"),
        (conv("s", 8, 4), "s", "b: adds s of shape (4, 12, 12), expected (8, 12, 12)"),
    ],
)
def test_a_residual_of_another_shape_is_refused(middle: QuantizedConv, addend: str, message: str):
    network = chain((8, 12, 12), conv("a", 8, 8), middle, conv("b", middle.out_channels, 8, residual=SUM))
    *before, last = network.nodes
    adding = replace(last, inputs=("s", addend))
    assert refusal(replace(network, nodes=(*before, adding))) == message


def test_a_first_layer_that_is_rewritten_is_checked_as_it_was():
    """With stride 3 there is no other way than to rewrite it."""
    layer = conv("a", 3, 8, 3, stride=3)
    compile_network(TINY, chain((3, 12, 12), layer))
    wide = replace(layer, weight=layer.weight.astype(np.int16))
    with pytest.raises(LayerError, match=r"^a: weight must be a non-empty int8 array with 4 axes, not int16"):
        compile_network(TINY, chain((3, 12, 12), wide))
