"""Whole ONNX files: versions, and everything that a file may say beyond its graph."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from crisp_sw.exchange.onnx import OnnxModelError, import_onnx
from crisp_sw.exchange.onnx.file.model import NEWEST_IR, READ_FIELDS
from crisp_sw.exchange.onnx.qdq_graph import QdqGraph


def model() -> onnx.ModelProto:
    graph = QdqGraph()
    graph.finish(graph.conv(graph.qdq("image")))
    return graph.model()


def imported(made: onnx.ModelProto, folder: Path) -> int:
    (folder / "net.onnx").write_bytes(made.SerializeToString())
    return len(import_onnx(folder / "net.onnx").network.nodes)


def test_all_versions_of_the_file_format_have_been_gone_through():
    assert onnx.IR_VERSION <= NEWEST_IR


def test_an_older_package_knows_older_opsets(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx.defs, "onnx_opset_version", lambda: 16)
    with pytest.raises(OnnxModelError, match=rf"opset 17; expected 13 to 16 with onnx {onnx.__version__}"):
        imported(model(), tmp_path)


def test_fields_that_are_read_are_those_of_onnx():
    for name, fields in READ_FIELDS.items():
        assert fields <= {field.name for field in getattr(onnx, name).DESCRIPTOR.fields}


def opset(version: int, domain: str = "") -> Callable[[onnx.ModelProto], None]:
    def change(made: onnx.ModelProto) -> None:
        made.opset_import[0].CopyFrom(helper.make_opsetid(domain, version))

    return change


def two_opsets(made: onnx.ModelProto) -> None:
    made.opset_import.append(helper.make_opsetid("ai.onnx", 17))


def no_opset(made: onnx.ModelProto) -> None:
    del made.opset_import[:]


def file_format(version: int) -> Callable[[onnx.ModelProto], None]:
    def change(made: onnx.ModelProto) -> None:
        made.ir_version = version

    return change


def function(made: onnx.ModelProto) -> None:
    body = [helper.make_node("Relu", ["x"], ["y"])]
    made.functions.append(helper.make_function("", "Conv", ["x"], ["y"], body, made.opset_import))


def training(made: onnx.ModelProto) -> None:
    made.training_info.add()


def annotation(made: onnx.ModelProto) -> None:
    made.graph.quantization_annotation.add(tensor_name="image")


def overload(made: onnx.ModelProto) -> None:
    made.graph.node[0].overload = "other"


def reference(made: onnx.ModelProto) -> None:
    made.graph.node[3].attribute[0].ref_attr_name = "pads"


def segment(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].segment.begin = 0


def unknown_field(made: onnx.ModelProto) -> None:
    made.graph.node[0].MergeFromString(b"\xaa\x06\x01a")  # field 101


def two_constants(made: onnx.ModelProto) -> None:
    made.graph.initializer.append(made.graph.initializer[0])


def dense_and_sparse(made: onnx.ModelProto) -> None:
    places = numpy_helper.from_array(np.array([0]))
    values = numpy_helper.from_array(np.array([1], np.float32), made.graph.initializer[0].name)
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [1]))


def same_attribute_twice(made: onnx.ModelProto) -> None:
    made.graph.node[3].attribute.append(made.graph.node[3].attribute[0])


def damaged_attribute(made: onnx.ModelProto) -> None:
    attribute = made.graph.node[3].attribute[0]
    attribute.type = onnx.AttributeProto.INT


def no_output(made: onnx.ModelProto) -> None:
    del made.graph.output[:]


def image_of_bytes(made: onnx.ModelProto) -> None:
    made.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


def image_of_unknown_type(made: onnx.ModelProto) -> None:
    made.graph.input[0].type.tensor_type.elem_type = 99


def negative_batch(made: onnx.ModelProto) -> None:
    made.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -2


def two_images(made: onnx.ModelProto) -> None:
    made.graph.input.append(made.graph.input[0])
    made.graph.input[1].name = "mask"


def foreign_operator(made: onnx.ModelProto) -> None:
    made.opset_import.append(helper.make_opsetid("com.example", 1))
    made.graph.node[0].domain = "com.example"


def unprintable_operator(made: onnx.ModelProto) -> None:
    made.opset_import.append(helper.make_opsetid("com.example", 1))
    made.graph.node[0].domain, made.graph.node[0].op_type = "com.example", "\x1b[2J\n"


REFUSED: dict[str, tuple[Callable[[onnx.ModelProto], None], str]] = {
    "opset of the future": (opset(9999), "opset 9999; expected 13 to 28"),
    "next opset": (opset(29), "opset 29; expected 13 to 28"),
    "old opset": (opset(12), "opset 12; expected 13 to 28"),
    "negative opset": (opset(-1), "opset -1; expected 13 to 28"),
    "opset of others": (opset(17, "com.example"), "imports no opset of ONNX's own operators"),
    "no opset": (no_opset, "imports no opset of ONNX's own operators"),
    "two opsets": (two_opsets, "imports 2 opsets of the domain 'ai.onnx'; expected one"),
    "file of the future": (file_format(9999), r"not a legal ONNX model.*ir_version 9999\); expected 3 to 14"),
    "negative version": (file_format(-1), r"ir_version -1\); expected 3 to 14"),
    "function": (function, "the model has functions, which is not read; expected a model without it"),
    "training": (training, "the model has training_info, which is not read"),
    "annotation": (annotation, "the graph has quantization_annotation, which is not read"),
    "overload": (overload, "QuantizeLinear 'quantizelinear0' has overload, which is not read"),
    "reference": (reference, "Conv 'conv3' in 'pads' has ref_attr_name, which is not read"),
    "segment": (segment, "the tensor 'constant0' has segment, which is not read"),
    "unknown field": (unknown_field, "'quantizelinear0' has a field 101 unknown to ONNX, which is not read"),
    "two constants": (two_constants, "constant0"),
    "dense and sparse": (dense_and_sparse, "constant0"),
    "same attribute twice": (same_attribute_twice, "pads"),
    "damaged attribute": (damaged_attribute, "pads"),
    "no output": (no_output, "0 outputs; expected one|output"),
    "image of bytes": (image_of_bytes, "input 'image' has the type UINT8; expected FLOAT"),
    "image of unknown type": (
        image_of_unknown_type,
        "input 'image' has the type 99; expected",
    ),
    "negative batch": (negative_batch, r"input 'image' must be an image \[N, C, H, W\]"),
    "two images": (two_images, "inputs image, mask; expected one image"),
    "foreign operator": (foreign_operator, "is of the domain 'com.example'; expected operators of ONNX"),
    "unprintable operator": (unprintable_operator, r"'\\x1b\[2J\\n' 'quantizelinear0' is of the domain"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_name(case: str, tmp_path):
    change, message = REFUSED[case]
    made = model()
    change(made)
    with pytest.raises(OnnxModelError, match=message) as caught:
        imported(made, tmp_path)
    assert str(caught.value).startswith(str(tmp_path / "net.onnx"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [b"quantizelinear0", b"DequantizeLinear", b"constant0", b"pads", b"image"])
def test_texts_that_are_no_utf_8(text: bytes, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(model().SerializeToString().replace(text, b"\xff" * len(text)))
    with pytest.raises(OnnxModelError, match=r"not a legal ONNX model \(\w+ b'.xff.* is no UTF-8 text\)"):
        import_onnx(path)


def test_notes_say_nothing_about_the_network(tmp_path):
    made = model()
    made.doc_string = made.graph.doc_string = made.graph.node[0].doc_string = "words"
    made.producer_name, made.producer_version, made.domain, made.model_version = "p", "1", "d", 7
    for message in (made, made.graph, made.graph.node[0], made.graph.initializer[0], made.graph.input[0]):
        message.metadata_props.add(key="any", value="thing")
    made.opset_import.append(helper.make_opsetid("com.example", 3))
    assert imported(made, tmp_path) == 1


def test_the_name_of_the_domain_may_be_written_out(tmp_path):
    made = model()
    made.opset_import[0].domain = "ai.onnx"
    for node in made.graph.node:
        node.domain = "ai.onnx"
    assert imported(made, tmp_path) == 1


def test_constants_that_are_inputs_too(tmp_path):
    """The form of old files, in which a caller may replace them."""
    made = model()
    made.graph.input.append(helper.make_tensor_value_info("constant0", TensorProto.FLOAT, []))
    assert imported(made, tmp_path) == 1


def test_constants_that_nobody_reads_may_be_of_any_type(tmp_path):
    made = model()
    made.graph.initializer.add(name="unread", data_type=TensorProto.STRING, dims=[1], string_data=[b"text"])
    assert imported(made, tmp_path) == 1


def test_further_outputs_that_nobody_reads(tmp_path):
    graph = QdqGraph()
    dropped = graph.node("Dropout", graph.qdq("image"))
    graph.nodes[-1].output.append("mask")
    graph.finish(graph.conv(dropped))
    assert imported(graph.model(), tmp_path) == 1


def test_further_outputs_that_are_read(tmp_path):
    graph = QdqGraph()
    pooled = graph.node("MaxPool", graph.qdq("image"), kernel_shape=[2, 2])
    graph.nodes[-1].output.append("places")
    graph.finish(graph.conv(graph.node("Reshape", pooled, graph.node("Shape", "places"))))
    with pytest.raises(OnnxModelError, match=r"Shape '.*' reads 'places', a second output of its node"):
        imported(graph.model(), tmp_path)


def test_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    (tmp_path / "folder.onnx").mkdir()
    for name, what in (("pipe", "a named pipe"), ("folder", "a directory")):
        with pytest.raises(
            OnnxModelError, match=rf"{name}.onnx: cannot be read \({what}; expected a regular"
        ):
            import_onnx(tmp_path / f"{name}.onnx")
