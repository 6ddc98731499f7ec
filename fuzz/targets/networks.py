"""Loaders of integer networks: packed ones, packed weights, ONNX files; and of compiled programs."""

import hashlib
import json
from functools import cache
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import nn

from crisp_golden.arithmetic.network import Pattern, QuantizedNetwork
from crisp_golden.format.hybrid import decode, encode
from crisp_golden.format.hybrid_bytes import from_bytes, to_bytes
from crisp_golden.format.weight_matrix import expand_groups
from crisp_spec.commands import decode_command
from crisp_spec.config import preset
from crisp_sw.compile.compiler import compile_network
from crisp_sw.driver.identity import identify
from crisp_sw.driver.registers import REGISTERS, Registers
from crisp_sw.driver.simulated_bus import SimulatedBus
from crisp_sw.exchange.onnx import export_onnx, import_onnx
from crisp_sw.exchange.onnx.library import onnx_library
from crisp_sw.exchange.onnx.qdq_graph import QdqGraph
from crisp_sw.exchange.packed import load_metadata, load_network, save_network
from crisp_sw.exchange.packed.layout import GRAPH_FILE, TENSOR_FILE
from crisp_sw.programs.disassembly import disassemble, format_lines
from crisp_sw.programs.view import read_program
from crisp_sw.quantize import quantize_model
from crisp_sw.synthetic import LayerSparsity
from crisp_sw.synthetic.masks import hybrid_mask
from fuzz.edits import edited, edited_bytes
from fuzz.formats.containers import HYBRID, PROGRAM_IMAGE, SAFETENSORS
from fuzz.formats.format import Format
from fuzz.formats.protobuf import protobuf
from fuzz.formats.texts import write_json
from fuzz.target import Target, file_with

BETWEEN = b"\0"
"""The two files of a packed network as one input; JSON has no such byte."""

WORD_BYTES = 4


@cache
def _network() -> QuantizedNetwork:
    """Every kind of layer: a pruned convolution, a grouped one, a residual sum, pooling, a classifier."""
    torch.manual_seed(0)
    model = _Residual().eval()
    mask, pattern = hybrid_mask(model.pruned.weight, LayerSparsity(n=1, m=4, block=4, kept_share=0.5))
    with torch.no_grad():
        model.pruned.weight.mul_(mask)
    return quantize_model(model, torch.rand(4, 4, 6, 6), patterns={"pruned": pattern}, classes=("cat", "dog"))


class _Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.pruned = nn.Conv2d(4, 8, 3, padding=1)
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.pool, self.mean = nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.pruned(x))
        x = self.pool(torch.relu(x + self.grouped(x)))
        return self.classifier(torch.flatten(self.mean(x), 1))


def _read_packed_tree(data: bytes) -> dict[str, Any]:
    text, _, tensors = data.partition(BETWEEN)
    graph = json.loads(text)
    graph["tensors"] = dict.fromkeys(graph["tensors"])  # which are written as the tensors then are
    return {"graph": graph, "tensors": SAFETENSORS.read(tensors)}


def _write_packed_tree(tree: Any) -> bytes:
    """With the size and the checksum of the tensors in the graph, unless they are gone."""
    tensors, graph = SAFETENSORS.write(tree["tensors"]), tree["graph"]
    if isinstance(graph, dict) and isinstance(graph.get("tensors"), dict):
        known = {"bytes": len(tensors), "sha256": hashlib.sha256(tensors).hexdigest()}
        graph["tensors"].update({key: value for key, value in known.items() if key in graph["tensors"]})
    return write_json(graph) + BETWEEN + tensors


def _packed_networks() -> SearchStrategy[bytes]:
    with file_with(b"", "nothing") as path:
        folder = path.parent / "network"
        save_network(_network(), folder, {"mean": [0.5]})
        seed = BETWEEN.join((folder / name).read_bytes() for name in (GRAPH_FILE, TENSOR_FILE))
    return edited(Format(_read_packed_tree, _write_packed_tree), [seed])


def _read_packed(data: bytes) -> None:
    graph, _, tensors = data.partition(BETWEEN)
    with file_with(graph, GRAPH_FILE) as path:
        path.with_name(TENSOR_FILE).write_bytes(tensors)
        load_network(path.parent)
        load_metadata(path.parent)


def _hybrids() -> SearchStrategy[bytes]:
    seeds = []
    for shape in ((8, 8, 1, 1), (6, 5, 2, 1)):
        weight = torch.tensor(np.random.default_rng(0).integers(-128, 128, shape), dtype=torch.float32)
        mask, pattern = hybrid_mask(weight, LayerSparsity(n=2, m=4, block=4, kept_share=0.5))
        seeds.append(_hybrid((weight * mask).numpy().astype(np.int8), pattern))
    return edited(HYBRID, seeds)


def _hybrid(weight: np.ndarray, pattern: Pattern) -> bytes:
    return to_bytes(encode(expand_groups(weight, 1), pattern))


def _read_hybrid(data: bytes) -> None:
    decode(from_bytes(data))


def _onnx_files() -> SearchStrategy[bytes]:
    with file_with(b"", "a.onnx") as path:
        export_onnx(_network(), path, {"mean": [0.5]})
        seeds = [path.read_bytes()]
    for build in (_padded_graph, _reshaped_graph):
        graph = QdqGraph()
        build(graph)
        seeds.append(graph.model().SerializeToString())
    return edited(protobuf(lambda: onnx_library().ModelProto.DESCRIPTOR), seeds)


def _padded_graph(g: QdqGraph) -> None:
    """Padding, clipping, a sum, pooling and unsigned codes, as other tools write them."""
    pads = g.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)
    x = g.qdq("image", 0.02, 140, np.uint8)
    y = g.conv(g.node("Pad", x, pads), pads=[0, 0, 0, 0])
    y = g.qdq(g.node("Clip", y, g.constant(0), g.constant(6)), 0.03, 0, np.uint8)
    total = g.qdq(g.node("Add", x, y), 0.05, 60, np.uint8)
    g.finish(g.node("MaxPool", total, kernel_shape=[3, 3], strides=[2, 2]), 0.05, 60, np.uint8)


def _reshaped_graph(g: QdqGraph) -> None:
    """A classifier behind everything that leaves values as they are."""
    x = g.qdq(g.node("Relu", g.conv(g.qdq("image"), dilations=[1, 1], group=1)), 0.2, -128)
    x = g.qdq(g.node("GlobalAveragePool", g.node("Identity", x)), 0.02, 3)
    x = g.node("Dropout", g.node("Squeeze", x, g.constant([2, 3], np.int64)))
    x = g.node("Flatten", g.node("Reshape", x, g.constant([0, -1], np.int64)))
    bias = g.constant([0.5, 0.25, 0])
    g.finish(g.node("Gemm", x, g.weight((3, 4)), bias, transB=1), 0.9, -5)


def _read_onnx(data: bytes) -> None:
    with file_with(data, "a.onnx") as path:
        import_onnx(path)


def _programs() -> SearchStrategy[bytes]:
    images = [compile_network(preset("tiny"), _network(), keep=keep) for keep in (False, True)]
    return edited(PROGRAM_IMAGE, [image.to_bytes() for image in images])


def _read_program(data: bytes) -> None:
    with file_with(data, "program.crisp") as path:
        lines = disassemble(read_program(path))
        list(format_lines(lines))
        json.dumps([line.to_json() for line in lines])


def _commands() -> SearchStrategy[bytes]:
    image = compile_network(preset("tiny"), _network())
    commands = [image.program[start : start + 64] for start in range(0, len(image.program), 64)]
    return st.one_of(edited_bytes(commands), st.binary(min_size=64, max_size=64))


def _read_command(data: bytes) -> None:
    """A command is none, or that which its fields make again."""
    command = decode_command(data)
    if command is not None and int.from_bytes(command.encode(), "little") != int.from_bytes(data, "little"):
        raise AssertionError(f"{data.hex()} is read as {command}")


class _Bus(SimulatedBus):
    """Registers that read as the words of an input, as far as it goes."""

    def __init__(self, words: bytes):
        super().__init__(preset("tiny"))
        offsets = sorted(register.offset for register in REGISTERS.values())
        values = (words[start : start + WORD_BYTES] for start in range(0, len(words), WORD_BYTES))
        self._words = dict(zip(offsets, values, strict=False))

    def read32(self, offset: int) -> int:
        return int.from_bytes(self._words.get(offset, b""), "little")


def _register_words() -> SearchStrategy[bytes]:
    bus = SimulatedBus(preset("tiny"))
    offsets = sorted(register.offset for register in REGISTERS.values())
    words = (bus.read32(offset) for offset in offsets)
    return edited_bytes([b"".join(word.to_bytes(WORD_BYTES, "little") for word in words)])


def _identify(data: bytes) -> None:
    identify(Registers(_Bus(data)))


TARGETS = (
    Target(name="packed-network", load=_read_packed, inputs=_packed_networks, examples=300),
    Target(name="hybrid", load=_read_hybrid, inputs=_hybrids, examples=500),
    Target(name="onnx", load=_read_onnx, inputs=_onnx_files, examples=300),
    Target(name="program", load=_read_program, inputs=_programs, examples=200),
    Target(name="command", load=_read_command, inputs=_commands, examples=500),
    Target(name="registers", load=_identify, inputs=_register_words, examples=300),
)
