"""The declaration has exactly what ONNX defines in every opset; what it does not accept is refused."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import defs, helper

from crisp_files.folders import in_checkout
from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_sw.exchange.onnx import OnnxModelError, import_onnx
from crisp_sw.exchange.onnx.file.operator_page import operator_page
from crisp_sw.exchange.onnx.file.operator_table import OPERATORS
from crisp_sw.exchange.onnx.file.schema import NEWEST_OPSET, OLDEST_OPSET, Attribute
from crisp_sw.exchange.onnx.operators.operators import HANDLERS
from crisp_sw.exchange.onnx.qdq_graph import QdqGraph

OPSETS = range(OLDEST_OPSET, min(NEWEST_OPSET, defs.onnx_opset_version()) + 1)


def test_all_opsets_of_onnx_have_been_gone_through():
    assert defs.onnx_opset_version() <= NEWEST_OPSET


def test_every_declared_operator_has_a_handler():
    assert HANDLERS.keys() == OPERATORS.keys()


@pytest.mark.parametrize("opset", OPSETS)
def test_attributes_are_those_of_onnx(opset: int):
    for name, operator in OPERATORS.items():
        declared = {item.name: item for item in operator.attributes if item.is_in(opset)}
        defined = defs.get_schema(name, opset).attributes
        assert declared.keys() == defined.keys(), name
        for key, item in declared.items():
            default = defined[key].default_value
            value = helper.get_attribute_value(default) if default.name else None
            value = value.decode() if isinstance(value, bytes) else value
            assert (item.kind, item.default) == (str(defined[key].type).rpartition(".")[2], value), (
                name,
                key,
            )
            assert item.required == defined[key].required, (name, key)


@pytest.mark.parametrize("opset", OPSETS)
def test_inputs_and_outputs_are_those_of_onnx(opset: int):
    options = defs.OpSchema.FormalParameterOption
    for name, operator in OPERATORS.items():
        schema = defs.get_schema(name, opset)
        declared = [
            (item.name, item.optional, item.variadic) for item in operator.inputs if item.is_in(opset)
        ]
        defined = [
            (item.name, item.option == options.Optional, item.option == options.Variadic)
            for item in schema.inputs
        ]
        assert declared == defined, name
        assert list(operator.outputs) == [item.name for item in schema.outputs], name


def test_constants_have_types_that_onnx_allows():
    for name, operator in OPERATORS.items():
        schema = defs.get_schema(name, OPSETS[-1])
        for declared, defined in zip(
            (item for item in operator.inputs if item.is_in(OPSETS[-1])), schema.inputs, strict=True
        ):
            allowed = {kind.removeprefix("tensor(").removesuffix(")") for kind in defined.types}
            allowed = {{"float": "float32"}.get(kind, kind) for kind in allowed}
            assert allowed.issuperset(declared.types), (name, declared.name)


def test_the_page_is_that_of_the_declaration():
    assert in_checkout("docs/onnx-operators.md").read_text(encoding="utf-8") == operator_page()


def _attributes() -> Iterator[Any]:
    for name, operator in OPERATORS.items():
        for item in operator.attributes:
            yield pytest.param(name, item, id=f"{name}.{item.name}")


OTHER_VALUES = {"INT": 99, "FLOAT": 0.5, "STRING": "other", "STRINGS": ["other"]}


@pytest.mark.parametrize(("name", "item"), [p for p in _attributes() if p.values[1].accepts is not None])
def test_values_that_are_not_accepted(name: str, item: Attribute):
    given = {item.name: (item.kind, OTHER_VALUES[item.kind])}
    with pytest.raises(OnnxModelError, match=f"N has {item.name} .*; expected "):
        OPERATORS[name].read_attributes("N", given, item.until)


@pytest.mark.parametrize(("name", "item"), list(_attributes()))
def test_other_types_and_other_opsets(name: str, item: Attribute):
    with pytest.raises(OnnxModelError, match=f"N has {item.name} of the type GRAPH; expected {item.kind}"):
        OPERATORS[name].read_attributes("N", {item.name: ("GRAPH", None)}, item.until)
    for opset in {item.since - 1, item.until + 1}:
        with pytest.raises(OnnxModelError, match=f"N has '{item.name}', which is no attribute"):
            OPERATORS[name].read_attributes("N", {item.name: (item.kind, None)}, opset)


def conv(**attributes) -> Callable[[QdqGraph], str]:
    return lambda g: g.node("Conv", g.qdq("image"), g.weight(), **attributes)


def pool(**attributes) -> Callable[[QdqGraph], str]:
    options = {"kernel_shape": [2, 2], **attributes}
    return lambda g: g.conv(g.qdq(g.node("MaxPool", g.qdq("image"), **options)))


def average(**attributes) -> Callable[[QdqGraph], str]:
    return lambda g: g.node("AveragePool", g.qdq("image"), **{"kernel_shape": [6, 6], **attributes})


def mean(axes: list[int], **attributes) -> Callable[[QdqGraph], str]:
    return lambda g: g.node("ReduceMean", g.qdq("image"), g.constant(axes, np.int64), **attributes)


def old_mean(g: QdqGraph, **attributes) -> str:
    g.opset = 17
    return g.node("ReduceMean", g.qdq("image"), **attributes)


def gemm(shape: tuple[int, int], **attributes) -> Callable[[QdqGraph], str]:
    def build(g: QdqGraph) -> str:
        vector = g.node("Flatten", g.qdq(g.node("GlobalAveragePool", g.qdq("image")), 0.02))
        return g.node("Gemm", vector, g.weight(shape), **attributes)

    return build


def weight_of(make: Callable[[QdqGraph], str]) -> Callable[[QdqGraph], str]:
    """A convolution whose weight is what ``make`` gives."""
    return lambda g: g.conv(g.qdq("image"), make(g))


def scaled(**attributes) -> Callable[[QdqGraph], str]:
    """A weight of four rows and columns, with four scales."""

    def build(g: QdqGraph) -> str:
        levels = g.constant(np.arange(144).reshape(4, 4, 3, 3) % 100, np.int8)
        return g.node("DequantizeLinear", levels, g.constant([0.01, 0.02, 0.03, 0.04]), **attributes)

    return weight_of(build)


def quantized_in_the_graph(**attributes) -> Callable[[QdqGraph], str]:
    def build(g: QdqGraph) -> str:
        values = g.constant(np.linspace(-1, 1, 144).reshape(4, 4, 3, 3))
        scales = g.constant([0.01, 0.02, 0.03, 0.04]), g.constant([0] * 4, np.int8)
        levels = g.node("QuantizeLinear", values, *scales, **attributes)
        return g.node("DequantizeLinear", levels, *scales, axis=0)

    return weight_of(build)


def biased(**attributes) -> Callable[[QdqGraph], str]:
    """A convolution with the bias that a Constant node has."""
    return lambda g: g.node(
        "Conv", g.qdq("image"), g.weight(), g.node("Constant", output="given", **attributes)
    )


def clipped(**attributes) -> Callable[[QdqGraph], str]:
    """A convolution with the upper bound that a Constant node has."""
    return lambda g: g.node(
        "Clip", g.conv(g.qdq("image")), "", g.node("Constant", output="given", **attributes)
    )


def reshaped(shape: Callable[[QdqGraph], str]) -> Callable[[QdqGraph], str]:
    """A reshape to the shape that ``shape`` gives, before a convolution of an image."""
    return lambda g: g.conv(g.node("Reshape", g.qdq("image"), shape(g)))


def cast(to: int, **attributes) -> Callable[[QdqGraph], str]:
    return reshaped(lambda g: g.node("Cast", g.constant([0, 4, 6, 6], np.int32), to=to, **attributes))


def transposed(perm: list[int]) -> Callable[[QdqGraph], str]:
    return weight_of(lambda g: g.node("Transpose", g.weight(), perm=perm))


def tensor(values: Any) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.asarray(values, np.float32))


def sparse(values: list[float], places: list[int]) -> onnx.SparseTensorProto:
    indices = onnx.numpy_helper.from_array(np.array(places))
    return helper.make_sparse_tensor(tensor(values), indices, [4])


def joined(axis: int) -> Callable[[QdqGraph], str]:
    parts = [0, 4], [6, 6]
    return reshaped(lambda g: g.node("Concat", *(g.constant(part, np.int64) for part in parts), axis=axis))


def one_size(value: int) -> Callable[[QdqGraph], str]:
    """A reshape whose first size comes from a number."""

    def build(g: QdqGraph) -> str:
        first = g.node(
            "Unsqueeze", g.node("Constant", output="given", value_int=value), g.constant([0], np.int64)
        )
        return g.node("Concat", first, g.constant([4, 6, 6], np.int64), axis=0)

    return reshaped(build)


def gathered(axis: int) -> Callable[[QdqGraph], str]:
    return reshaped(
        lambda g: g.node("Gather", g.constant([[0, 4, 6, 6]], np.int64), g.constant(0, np.int64), axis=axis)
    )


def filled(value: int) -> Callable[[QdqGraph], str]:
    def build(g: QdqGraph) -> str:
        number = onnx.numpy_helper.from_array(np.array([value]))
        sides = g.node("ConstantOfShape", g.constant([2], np.int64), value=number)
        none = g.constant([0, 0], np.int64)
        return g.conv(g.node("Pad", g.qdq("image"), g.node("Concat", none, sides, none, sides, axis=0)))

    return build


def shape_of(**attributes) -> Callable[[QdqGraph], str]:
    def build(g: QdqGraph) -> str:
        shape = g.node("Shape", "image", **attributes)
        return g.node("Concat", shape, g.constant([6, 6], np.int64), axis=0)

    return reshaped(build)


# What is read in two ways, so that both cannot give the same network.
EFFECTS: dict[str, tuple[Callable[[QdqGraph], str], Callable[[QdqGraph], str]]] = {
    "QuantizeLinear.axis": (quantized_in_the_graph(axis=0), quantized_in_the_graph(axis=1)),
    "DequantizeLinear.axis": (scaled(axis=0), scaled(axis=1)),
    "Conv.dilations": (conv(), conv(dilations=[2, 2])),
    "Conv.group": (conv(), conv(group=2)),
    "Conv.kernel_shape": (conv(kernel_shape=[3, 3]), conv(kernel_shape=[1, 1])),
    "Conv.pads": (conv(), conv(pads=[1, 1, 1, 1])),
    "Conv.strides": (conv(), conv(strides=[2, 2])),
    "Gemm.transB": (gemm((4, 4), transB=1), gemm((4, 4))),
    "MaxPool.dilations": (pool(), pool(dilations=[2, 2])),
    "MaxPool.kernel_shape": (pool(), pool(kernel_shape=[3, 3])),
    "MaxPool.pads": (pool(), pool(pads=[1, 1, 1, 1])),
    "MaxPool.strides": (pool(), pool(strides=[2, 2])),
    "AveragePool.dilations": (average(), average(dilations=[2, 2])),
    "AveragePool.kernel_shape": (average(), average(kernel_shape=[3, 3])),
    "AveragePool.pads": (average(), average(pads=[1, 1, 1, 1])),
    "AveragePool.strides": (average(kernel_shape=[1, 1]), average(kernel_shape=[1, 1], strides=[2, 2])),
    "ReduceMean.axes": (lambda g: old_mean(g, axes=[2, 3]), lambda g: old_mean(g, axes=[1, 2])),
    "ReduceMean.keepdims": (
        lambda g: g.node("Gemm", g.qdq(mean([2, 3], keepdims=0)(g)), g.weight((3, 4)), transB=1),
        lambda g: g.node("Gemm", g.qdq(mean([2, 3], keepdims=1)(g)), g.weight((3, 4)), transB=1),
    ),
    "Shape.start": (shape_of(end=2), shape_of(start=1, end=3)),
    "Shape.end": (shape_of(end=2), shape_of(end=1)),
    "Constant.value": (biased(value=tensor([1, 2, 3, 4])), biased(value=tensor([4, 3, 2, 1]))),
    "Constant.value_float": (clipped(value_float=1.0), clipped(value_float=2.0)),
    "Constant.value_floats": (biased(value_floats=[1.0] * 4), biased(value_floats=[2.0] * 4)),
    "Constant.value_int": (one_size(0), one_size(2)),
    "Constant.value_ints": (
        reshaped(lambda g: g.node("Constant", output="given", value_ints=[0, 4, 6, 6])),
        reshaped(lambda g: g.node("Constant", output="given", value_ints=[0, 6, 4, 6])),
    ),
    "Constant.sparse_value": (
        biased(sparse_value=sparse([1, 2], [0, 2])),
        biased(sparse_value=sparse([1, 2], [1, 2])),
    ),
    "Gather.axis": (gathered(0), gathered(1)),
    "ConstantOfShape.value": (filled(0), filled(1)),
    "Concat.axis": (joined(0), joined(1)),
    "Transpose.perm": (transposed([0, 1, 2, 3]), transposed([0, 1, 3, 2])),
}


def _has_effect(item: Attribute) -> bool:
    return item.accepts is None and not item.reading.startswith("no effect")


def test_all_attributes_with_an_effect_are_tried():
    expected = {f"{name}.{a.name}" for name, op in OPERATORS.items() for a in op.attributes if _has_effect(a)}
    assert expected == EFFECTS.keys()


@pytest.mark.parametrize("what", EFFECTS)
def test_attributes_have_an_effect_or_are_refused(what: str, tmp_path):
    one, other = (_imported(build, tmp_path, opset=21) for build in EFFECTS[what])
    assert isinstance(one, list)
    assert one != other


def _imported(build: Callable[[QdqGraph], str], folder: Path, opset: int) -> list[Any] | str:
    """What is left of a graph: all numbers of its layers, or the error."""
    graph = QdqGraph()
    graph.opset = opset
    graph.finish(build(graph))
    try:
        return _numbers(import_onnx(graph.save(folder / "net.onnx")).network)
    except OnnxModelError as error:
        return str(error)


def _numbers(network: QuantizedNetwork) -> list[Any]:
    found: list[Any] = []
    for node in network.nodes:
        layer = node.layer
        if isinstance(layer, QuantizedConv):
            arrays = (layer.weight, layer.bias, layer.multiplier, layer.shift)
            found += [(array.shape, array.tobytes()) for array in arrays]
            found.append((layer.stride, layer.padding, layer.groups, layer.q_min, layer.q_max))
        else:
            found.append(layer)
    return found


def dropped(**attributes) -> Callable[[QdqGraph], str]:
    return lambda g: g.conv(g.node("Dropout", g.qdq("image"), **attributes))


NO_EFFECT: dict[str, tuple[Callable[[QdqGraph], str], Callable[[QdqGraph], str]]] = {
    "QuantizeLinear.saturate": (quantized_in_the_graph(axis=0), quantized_in_the_graph(axis=0, saturate=0)),
    "MaxPool.storage_order": (pool(), pool(storage_order=1)),
    "AveragePool.ceil_mode": (average(), average(ceil_mode=1)),
    "AveragePool.count_include_pad": (average(), average(count_include_pad=1)),
    "ReduceMean.noop_with_empty_axes": (mean([2, 3]), mean([2, 3], noop_with_empty_axes=1)),
    "Dropout.seed": (dropped(), dropped(seed=1)),
    "Cast.round_mode": (cast(7), cast(7, round_mode="down")),
    "Cast.saturate": (cast(7), cast(7, saturate=0)),
}


def test_all_attributes_without_effect_are_tried():
    expected = {
        f"{name}.{item.name}"
        for name, operator in OPERATORS.items()
        for item in operator.attributes
        if item.reading.startswith("no effect")
    }
    assert expected == NO_EFFECT.keys()


@pytest.mark.parametrize("what", NO_EFFECT)
def test_attributes_without_effect(what: str, tmp_path):
    one, other = (_imported(build, tmp_path, opset=24) for build in NO_EFFECT[what])
    assert isinstance(one, list)
    assert one == other


def test_every_used_input_of_every_node_is_counted():
    operator = OPERATORS["Clip"]
    operator.check_counts("N", ["x", "", "high"], ["y"], 13)
    for inputs, outputs, message in (
        ([], ["y"], "N lacks its input 'input'"),
        ([""], ["y"], "N lacks its input 'input'"),
        (["x", "", "", "more"], ["y"], "N has 4 inputs; expected at most 3"),
        (["x"], ["y", "z"], "N has 2 outputs; expected 1"),
        (["x"], [], "N has no name for its output 'output'"),
    ):
        with pytest.raises(OnnxModelError, match=message):
            operator.check_counts("N", inputs, outputs, 13)
    with pytest.raises(OnnxModelError, match="N has 2 inputs; expected at most 1"):
        OPERATORS["ReduceMean"].check_counts("N", ["x", "axes"], ["y"], 17)


def test_required_attributes():
    with pytest.raises(OnnxModelError, match="N lacks its attribute 'kernel_shape'"):
        OPERATORS["MaxPool"].read_attributes("N", {}, 17)
