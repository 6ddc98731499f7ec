"""Small files ask for little memory and little time."""

import numpy as np
import pytest
from onnx import helper, numpy_helper

from crisp_sw.exchange.onnx import OnnxModelError, import_onnx
from crisp_sw.exchange.onnx.file import budget
from crisp_sw.exchange.onnx.file.budget import BYTES_PER_BYTE, FLOOR, MOST_OPERATIONS, ImportBudget
from crisp_sw.exchange.onnx.qdq_graph import QdqGraph

MIB = 1 << 20


def test_memory_is_bounded_by_the_file():
    limits = ImportBudget(1000)
    limits.take_memory(FLOOR, "one")
    limits.take_memory(1000 * BYTES_PER_BYTE, "two")
    with pytest.raises(OnnxModelError, match=r"^three takes the import beyond 67140864 bytes of memory"):
        limits.take_memory(1, "three")


def test_operations_are_bounded():
    limits = ImportBudget(1000)
    limits.take_operations(MOST_OPERATIONS, "one")
    with pytest.raises(OnnxModelError, match=r"^two takes .* beyond 1099511627776 operations"):
        limits.take_operations(1, "two")


def large_image(g: QdqGraph) -> None:
    g.shape = ("N", 4, 1 << 20, 1 << 20)
    g.finish(g.node("GlobalAveragePool", g.qdq("image")))


def image_that_grows(g: QdqGraph) -> None:
    x = g.qdq(g.conv(g.qdq("image"), pads=[1 << 40] * 4))
    g.finish(g.node("GlobalAveragePool", x))


def image_that_grows_for_a_few_pixels(g: QdqGraph) -> None:
    g.finish(g.conv(g.qdq("image"), pads=[1 << 20] * 4, strides=[1 << 20] * 2))


def image_that_grows_a_little(g: QdqGraph) -> None:
    x = g.qdq(g.conv(g.qdq("image"), pads=[1 << 10] * 4))
    g.finish(g.node("GlobalAveragePool", x))


def sparse_weight(g: QdqGraph) -> None:
    values, places = (numpy_helper.from_array(np.ones(1, kind), "w") for kind in (np.int8, np.int64))
    g.sparse.append(helper.make_sparse_tensor(values, places, [1 << 40, 4, 3, 3]))
    g.finish(g.conv(g.qdq("image"), g.node("DequantizeLinear", "w", g.constant(0.1))))


def the_same_weight_again(g: QdqGraph) -> None:
    levels, x = g.constant(np.ones((4, 4, 300, 300)), np.int8), g.qdq("image")
    for _ in range(400):
        x = g.qdq(g.conv(x, g.node("DequantizeLinear", levels, g.constant(0.1)), pads=[150] * 4))
    g.finish(g.conv(x))


def large_kernel(g: QdqGraph) -> None:
    levels = g.constant(np.ones((1, 4, 999, 999)), np.int8)
    weight = g.node("DequantizeLinear", levels, g.constant(0.1))
    g.finish(g.conv(g.qdq("image"), weight, pads=[999] * 4))


def large_window(g: QdqGraph) -> None:
    x = g.node("MaxPool", g.qdq("image"), kernel_shape=[999, 999], pads=[998] * 4)
    g.finish(g.conv(x, pads=[999] * 4))


def doubled_constants(g: QdqGraph) -> None:
    x = g.constant([1, 2], np.int64)
    for _ in range(40):
        x = g.node("Concat", x, x, axis=0)
    g.finish(g.node("Reshape", g.qdq("image"), x))


def gathered_constants(g: QdqGraph) -> None:
    x = g.constant(np.zeros((1, 500)), np.int64)
    for _ in range(9):
        x = g.node("Gather", x, g.constant(np.zeros(500), np.int64), axis=0)
    g.finish(g.node("Reshape", g.qdq("image"), x))


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (large_image, r"input 'image' of \(C, H, W\) = \(4, 1048576, 1048576\) takes the import beyond"),
        (image_that_grows, "Conv '.*' reads 4 x .* values with its padding; expected at most 134217728"),
        (image_that_grows_for_a_few_pixels, "reads 4 x 2097158 x 2097158 values with its padding"),
        (image_that_grows_a_little, "GlobalAveragePool '.*' takes the import beyond"),
        (sparse_weight, "the sparse tensor 'w' takes the import beyond"),
        (the_same_weight_again, "takes the import beyond"),
        (large_kernel, "Conv '.*' takes the comparison with the file's own results beyond"),
        (large_window, "MaxPool '.*' takes the comparison with the file's own results beyond"),
        (doubled_constants, "Concat '.*' of constants makes no sense: 2048 numbers; expected at most 1024"),
        (gathered_constants, "Gather '.*' of constants makes no sense: 250500 numbers; expected at most"),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_small_files_that_would_take_much(form, message: str, tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "FLOOR", 4 * MIB)
    monkeypatch.setattr(budget, "MOST_OPERATIONS", 1 << 36)
    graph = QdqGraph()
    form(graph)
    with pytest.raises(OnnxModelError, match=message):
        import_onnx(graph.save(tmp_path / "net.onnx"))
