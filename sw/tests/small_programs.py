"""A small sparse network, and programs of it: what tests of compiled programs share."""

from functools import cache

import numpy as np

from crisp_golden.config import preset
from crisp_golden.inference import run_network
from crisp_golden.network import QuantizedNetwork
from crisp_golden.program.image import ProgramImage
from crisp_sw.compile.compiler import compile_network
from crisp_sw.networks import LayerSparsity, NetworkSettings, SparsityRules, build_network, example_input

CONFIG = preset("small")


@cache
def small_network() -> QuantizedNetwork:
    """ResNet-18 with an eighth of the channels, for images of 32 x 32, half of the blocks at 1:4."""
    rules = SparsityRules(default=LayerSparsity(n=1, m=4, block=16, blocks=0.5))
    settings = NetworkSettings(model="resnet18", image_size=32, num_classes=10, width=0.125, rules=rules)
    return build_network(settings)


@cache
def small_tensors() -> dict[str, np.ndarray]:
    """Every tensor of the integer model for one image, int8[1, C, H, W] by name."""
    return run_network(small_network(), example_input(small_network()))


@cache
def small_program(*, fuse: bool = True, keep: bool = False) -> ProgramImage:
    """The network as a program for the preset `small`."""
    return compile_network(CONFIG, small_network(), fuse=fuse, keep=keep)
