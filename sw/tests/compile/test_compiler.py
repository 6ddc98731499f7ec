"""Compiled networks, run by golden's simulator, give golden's tensors, whatever the size of the memories."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crisp_golden.arithmetic.inference import run_network
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_golden.machine.chip import Chip
from crisp_golden.machine.program_image import ImageError, ProgramImage
from crisp_golden.machine.simulator import ProgramSimulator, Segment
from crisp_golden.stimuli.random_networks import random_network
from crisp_spec.commands import COMMAND_BYTES, Opcode, decode_command
from crisp_spec.config import CoreConfig, preset
from crisp_spec.errors import CapacityError, LayerError
from crisp_sw.compile.compiler import compile_network

ROOT = Path(__file__).parents[3]
TINY = preset("tiny")
CONFIGS = {
    "tiny": TINY,
    "small smem": replace(TINY, smem_words=512),
    "smaller smem": replace(TINY, smem_words=256, cols=4, drain_cols=2),
    "small parameters": replace(TINY, smem_words=512, weight_words=512, channel_words=64, index_words=128),
    "edge": preset("edge"),
}


def run_program(image: ProgramImage, x: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """All tensors that a program stores, from memories full of random bytes."""
    config = image.config
    segments = [Segment(np.frombuffer(image.contents, np.uint8).copy())]
    segments += [Segment(rng.integers(0, 256, size, np.uint8), writable=True) for size in image.sizes]
    data = image.input_bytes(x)
    segments[image.input.segment].data[: len(data)] = data
    ProgramSimulator(config, segments, Chip(config, rng)).run(0, image.commands)
    return {
        info.name: info.unpack(
            segments[info.segment].data[info.offset : info.offset + info.size(config)], config
        )
        for info in (*image.kept, image.output)
    }


def compiled(config: CoreConfig, network: QuantizedNetwork, **options: bool) -> ProgramImage | None:
    """The program; None if the network does not fit."""
    try:
        return compile_network(config, network, **options)
    except CapacityError:
        return None


@pytest.mark.parametrize("options", [{}, {"keep": True}, {"fuse": False}], ids=["fused", "keep", "unfused"])
@pytest.mark.parametrize("name", CONFIGS)
def test_programs_compute_their_networks(name: str, options: dict[str, bool]):
    ran = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        network = random_network(seed)
        image = compiled(CONFIGS[name], network, **options)
        if image is None:
            continue
        x = rng.integers(-128, 128, network.input_shape).astype(np.int8)
        expected = run_network(network, x[None])
        for tensor, value in run_program(image, x, rng).items():
            np.testing.assert_array_equal(value, expected[tensor][0], f"seed {seed}, tensor {tensor}")
        ran += 1
        if options.get("keep"):
            names = {info.name for info in (*image.kept, image.output)}
            assert names == {node.name for node in network.nodes}
    assert ran >= 6, f"only {ran} networks fit"


def test_fusion_saves_traffic():
    """Of the tensors that layer-by-layer execution stores, fused groups keep most on the chip."""
    fused = compile_network(preset("edge"), random_network(3))
    apart = compile_network(preset("edge"), random_network(3), fuse=False)
    assert len(fused.kept) < len(apart.kept) == len(random_network(3).nodes) - 1


def test_the_same_network_gives_the_same_bytes():
    first, second = (compile_network(TINY, random_network(5)).to_bytes() for _ in range(2))
    assert first == second


def test_a_network_that_does_not_fit_is_refused_with_numbers():
    config = replace(TINY, smem_words=8, weight_words=16, index_words=16, channel_words=4)
    with pytest.raises(CapacityError) as caught:
        compile_network(config, random_network(0))
    assert str(caught.value) == (
        "0_conv_of_input: even one output row at a time needs 42 rows of the activation memory, which has 4"
    )


def test_a_layer_that_nobody_reads_is_refused():
    network = random_network(1)
    first = network.nodes[0]
    unread = replace(first, layer=replace(first.layer, name="unread"))
    with pytest.raises(
        LayerError, match=r"^unread: no layer reads its output, and it is not the network's result$"
    ):
        compile_network(TINY, replace(network, nodes=(unread, *network.nodes)))


@pytest.fixture(scope="module")
def image() -> ProgramImage:
    return compile_network(TINY, random_network(1))


def test_an_image_survives_its_file(image: ProgramImage):
    assert ProgramImage.from_bytes(image.to_bytes()) == image


@pytest.mark.parametrize("place", [8, 70, 2000, -1])
def test_an_altered_image_is_refused(image: ProgramImage, place: int):
    data = bytearray(image.to_bytes())
    data[place] ^= 1
    with pytest.raises(ImageError):
        ProgramImage.from_bytes(bytes(data))


@pytest.mark.parametrize("length", [0, 10, 64, -1])
def test_a_truncated_image_is_refused(image: ProgramImage, length: int):
    with pytest.raises(ImageError, match=r"^program image has \d+ bytes, expected"):
        ProgramImage.from_bytes(image.to_bytes()[:length])


def test_programs_are_commands_with_one_end(image: ProgramImage):
    program = image.program
    commands = [
        decode_command(program[first : first + COMMAND_BYTES])
        for first in range(0, len(program), COMMAND_BYTES)
    ]
    assert all(commands)
    ends = [command is not None and command.opcode is Opcode.END for command in commands]
    assert ends == [False] * (len(commands) - 1) + [True]
    for name, first, last in image.spans:
        inside = [command.opcode for command in commands[first:last] if command]
        assert Opcode.EXECUTE in inside, name


COMPILE = """
import hashlib
from crisp_spec.config import preset
from crisp_sw.compile.compiler import compile_network
from crisp_golden.stimuli.random_networks import random_network
images = [compile_network(preset("tiny"), random_network(seed)).contents for seed in range(12)]
print(hashlib.sha256(b"".join(images)).hexdigest())
"""


def test_equal_networks_give_equal_programs_in_every_process():
    """Sets of strings are walked in another order in every process; no command may come from such a walk."""
    digests = [
        subprocess.run(
            [sys.executable, "-c", COMPILE],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert len(digests[0]) == 65
    assert len(set(digests)) == 1
