"""A whole ONNX file: its versions are known, all that it says is of a kind that is read, and it is legal."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crisp_files.input_files import read_regular
from crisp_files.printable import printable
from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.file.budget import ImportBudget
from crisp_sw.exchange.onnx.file.external_data import read_external_data
from crisp_sw.exchange.onnx.file.schema import NEWEST_OPSET, OLDEST_OPSET
from crisp_sw.exchange.onnx.file.tensors import make_dense
from crisp_sw.exchange.onnx.library import onnx_library

MOST_BYTES = 2**31 - 1
"""Of a protobuf message."""

OLDEST_IR, NEWEST_IR = 3, 14
"""Versions of the file format: from the first with opset_import to the newest that has been gone through."""

ONNX_DOMAIN = "ai.onnx"
"""Of ONNX's own operators, which mostly is not written."""

NOTES = {"doc_string", "metadata_props"}  # say nothing about what is computed
READ_FIELDS = {
    "ModelProto": {
        *("ir_version", "opset_import", "graph", "producer_name", "producer_version", "domain"),
        "model_version",
    },
    # value_info repeats what follows from inputs, constants and operators.
    "GraphProto": {"node", "name", "initializer", "sparse_initializer", "input", "output", "value_info"},
    "NodeProto": {"input", "output", "name", "op_type", "domain", "attribute"},
    "AttributeProto": {
        *("name", "type", "f", "i", "s", "t", "g", "sparse_tensor", "tp", "floats", "ints", "strings"),
        *("tensors", "graphs", "sparse_tensors", "type_protos"),
    },
    "TensorProto": {
        *("dims", "data_type", "name", "raw_data", "float_data", "int32_data", "int64_data", "string_data"),
        *("double_data", "uint64_data", "external_data", "data_location"),
    },
    "SparseTensorProto": {"values", "indices", "dims"},
}


def load_model(path: Path) -> tuple[Any, int, ImportBudget]:
    """A model as ``onnx.ModelProto`` with all values inside, none of them sparse; its opset and its budget.

    Raises
    ------
    OnnxModelError : the file is absent, no regular file, damaged, of an unknown version, not legal, or says
        something that is not read.
    """
    onnx = onnx_library()
    data = _read(path)
    try:
        model = onnx.ModelProto.FromString(data)
    except Exception as error:  # protobuf has types of its own, which change with its implementation
        raise OnnxModelError(f"not a legal ONNX model ({_reason(error)})") from error
    _check_text(model)
    for item in (*model.opset_import, *model.graph.node):
        if item.domain == ONNX_DOMAIN:
            item.domain = ""
    opset = _check_versions(model)
    _check_fields(model, "the model")
    for message, where in _parts(model.graph):
        _check_fields(message, where)
    external = read_external_data(_tensors(model.graph), path.parent, MOST_BYTES - len(data))
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # of many types
        raise OnnxModelError(f"not a legal ONNX model ({_reason(error)})") from error
    budget = ImportBudget(len(data) + external)
    make_dense(model.graph, budget)
    return model, opset, budget


def node_label(node: Any) -> str:
    """How messages call a node; of names of operators, which anybody may have written, only plain ones."""
    operator = node.op_type if node.op_type.isidentifier() else repr(node.op_type)
    return f"{operator} {node.name or next(iter(node.output), '')!r}"


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, MOST_BYTES)
    except OSError as error:
        raise OnnxModelError(f"cannot be read ({error.strerror}); expected an ONNX model") from error


def _reason(error: Exception) -> str:
    """What the checker or protobuf says, on one line, without the context that it repeats."""
    words = str(error).partition("==> Context")[0].split()
    return printable(" ".join(words))[:300]


def _check_versions(model: Any) -> int:
    """The opset of ONNX's own operators; it and the file format are known to the installed package, too."""
    onnx = onnx_library()
    newest_ir = min(NEWEST_IR, onnx.IR_VERSION)
    newest_opset = min(NEWEST_OPSET, onnx.defs.onnx_opset_version())
    if not OLDEST_IR <= model.ir_version <= newest_ir:
        raise OnnxModelError(
            f"not a legal ONNX model, or one of another time (ir_version {model.ir_version}); "
            f"expected {OLDEST_IR} to {newest_ir} with onnx {onnx.__version__}"
        )
    imported = Counter(item.domain or ONNX_DOMAIN for item in model.opset_import)
    twice = [domain for domain, count in imported.items() if count > 1]
    if twice:
        raise OnnxModelError(f"imports {imported[twice[0]]} opsets of the domain {twice[0]!r}; expected one")
    opset = next((item.version for item in model.opset_import if not item.domain), None)
    if opset is None:
        raise OnnxModelError("imports no opset of ONNX's own operators")
    if not OLDEST_OPSET <= opset <= newest_opset:
        raise OnnxModelError(
            f"opset {opset}; expected {OLDEST_OPSET} to {newest_opset} with onnx {onnx.__version__}"
        )
    return opset


def _parts(graph: Any) -> Iterator[tuple[Any, str]]:
    """Everything of a graph whose fields are checked, and what messages call it."""
    yield graph, "the graph"
    for node in graph.node:
        label = node_label(node)
        yield node, label
        for attribute in node.attribute:
            yield attribute, f"{label} in {attribute.name!r}"
            if attribute.HasField("sparse_tensor"):
                yield attribute.sparse_tensor, f"{label} in {attribute.name!r}"
    for sparse in graph.sparse_initializer:
        yield sparse, f"the sparse tensor {sparse.values.name!r}"
    for tensor in _tensors(graph):
        yield tensor, f"the tensor {tensor.name!r}"


def _tensors(graph: Any) -> Iterator[Any]:
    """Every tensor whose values may be read."""
    yield from graph.initializer
    sparse = [*graph.sparse_initializer]
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            if attribute.HasField("sparse_tensor"):
                sparse.append(attribute.sparse_tensor)
    for tensor in sparse:
        yield tensor.values
        yield tensor.indices


def _check_text(message: Any) -> None:
    """Check that all texts of a message and of those inside are UTF-8; protobuf gives others as bytes."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING:
            texts = [value] if isinstance(value, str | bytes) else value
            wrong = [text for text in texts if isinstance(text, bytes)]
            if wrong:
                where = f"{field.name} {wrong[0][:40]!r} of a {message.DESCRIPTOR.name}"
                raise OnnxModelError(f"not a legal ONNX model ({where} is no UTF-8 text)")
        elif field.message_type is not None:
            for inner in [value] if hasattr(value, "DESCRIPTOR") else value:
                _check_text(inner)


def _check_fields(message: Any, where: str) -> None:
    """Check that a message has no fields but those that are read, and those that are notes."""
    from google.protobuf.unknown_fields import UnknownFieldSet  # comes with onnx, which is optional

    known = READ_FIELDS[message.DESCRIPTOR.name] | NOTES
    unread = [field.name for field, _ in message.ListFields() if field.name not in known]
    unread += [f"a field {field.field_number} unknown to ONNX" for field in UnknownFieldSet(message)]
    if unread:
        raise OnnxModelError(f"{where} has {unread[0]}, which is not read; expected a model without it")
