"""A small sparse network, and programs of it: what tests of compiled programs share."""

from functools import cache

import numpy as np
import torch
from torch import nn

from crisp_golden.arithmetic.inference import run_network
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_golden.machine.program_image import ProgramImage
from crisp_spec.config import preset
from crisp_sw.compile.compiler import compile_network
from crisp_sw.quantize import quantize_model
from crisp_sw.synthetic import LayerSparsity, NetworkSettings, SparsityRules, build_network, example_input
from crisp_sw.synthetic.masks import hybrid_mask

CONFIG = preset("small")


@cache
def small_network() -> QuantizedNetwork:
    """ResNet-18 with an eighth of the channels, for images of 32 x 32, half of the blocks at 1:4."""
    rules = SparsityRules(default=LayerSparsity(n=1, m=4, block=16, kept_share=0.5))
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


@cache
def wide_network() -> QuantizedNetwork:
    """A layer of 512 channels with one block of 1:4 in each row, whose dense form is too large for `tiny`."""
    torch.manual_seed(0)
    conv = nn.Conv2d(512, 16, 3, padding=1)
    mask, pattern = hybrid_mask(conv.weight, LayerSparsity(n=1, m=4, block=16, kept_share=1 / 288))
    with torch.no_grad():
        conv.weight.mul_(mask)
    model = nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    return quantize_model(model, torch.rand(2, 512, 4, 4), patterns={"0": pattern})
