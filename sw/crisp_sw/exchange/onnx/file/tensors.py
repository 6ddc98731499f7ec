"""Tensors of an ONNX file as NumPy arrays: shapes must fit their data, and the file bounds the memory.

A tensor keeps its values as raw bytes, in a typed field, or, if it is sparse, as those that are not 0 with
their places. The functions of the package onnx reshape and convert what they find, so that every number is
checked here first.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.file.budget import ImportBudget
from crisp_sw.exchange.onnx.library import onnx_library

# Type: bits of an element in raw bytes, and the field for those who do not use them.
STORAGE = {
    "FLOAT": (32, "float_data"),
    "INT64": (64, "int64_data"),
    "INT32": (32, "int32_data"),
    **{name: (16, "int32_data") for name in ("INT16", "UINT16")},
    **{name: (8, "int32_data") for name in ("INT8", "UINT8", "BOOL")},
    **{name: (4, "int32_data") for name in ("INT4", "UINT4")},
    **{name: (2, "int32_data") for name in ("INT2", "UINT2")},
}
VALUE_FIELDS = {
    *("raw_data", "float_data", "int32_data", "int64_data", "string_data", "double_data", "uint64_data")
}
NUMPY_NAMES = {"FLOAT": "float32"}
MOST_AXES = 8


def read_tensor(tensor: Any) -> np.ndarray:
    """The values of a TensorProto that has them in itself; types of less than a byte are those of ml_dtypes.

    Raises
    ------
    OnnxModelError : the type is none of `STORAGE`, or the values are not as many as the shape says.
    """
    label = f"the tensor {tensor.name!r}"
    name = _type_name(tensor.data_type)
    if name not in STORAGE:
        raise OnnxModelError(f"{label} has the type {name}; expected {', '.join(STORAGE)}")
    _check_storage(label, name, tensor)
    array = onnx_library().numpy_helper.to_array(tensor)
    if array.dtype.name != NUMPY_NAMES.get(name, name.lower()):  # of smaller types, before ml_dtypes had them
        raise OnnxModelError(f"{label} has the type {name}; expected a newer package onnx to read it")
    return array


def read_sparse_tensor(tensor: Any, budget: ImportBudget) -> np.ndarray:
    """The values of a SparseTensorProto, with the zeros between them.

    Raises
    ------
    OnnxModelError : a part is damaged, the places are not ascending ones inside of the shape, or the zeros
        take more memory than the budget allows.
    """
    values = read_tensor(tensor.values)
    places = read_tensor(tensor.indices)
    label = f"the sparse tensor {tensor.values.name!r}"
    shape = _checked_shape(label, tensor.dims)
    if (
        values.ndim != 1
        or places.dtype != np.int64
        or places.shape
        not in (
            (len(values),),
            (len(values), len(shape)),
        )
    ):
        raise OnnxModelError(
            f"{label} has values of shape {values.shape} and {places.dtype} indices of shape {places.shape}; "
            f"expected [n], and int64 [n] or [n, {len(shape)}]"
        )
    budget.take_memory(math.prod(shape) * values.itemsize, label)
    flat = _flat_places(label, places, shape)
    if len(flat) and (flat[0] < 0 or flat[-1] >= math.prod(shape) or (np.diff(flat) <= 0).any()):
        raise OnnxModelError(f"{label} has indices that do not ascend inside of the shape {shape}")
    dense = np.zeros(math.prod(shape), values.dtype)
    dense[flat] = values
    return dense.reshape(shape)


def make_dense(graph: Any, budget: ImportBudget) -> None:
    """Write out the zeros of all sparse constants of a graph, which then has none.

    Raises
    ------
    OnnxModelError : as of `read_sparse_tensor`.
    """
    from_array = onnx_library().numpy_helper.from_array
    for item in graph.sparse_initializer:
        graph.initializer.append(from_array(read_sparse_tensor(item, budget), item.values.name))
    graph.ClearField("sparse_initializer")
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "sparse_value":
                dense = read_sparse_tensor(attribute.sparse_tensor, budget)
                attribute.CopyFrom(onnx_library().helper.make_attribute("value", from_array(dense)))


def _flat_places(label: str, places: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if places.ndim == 1:
        return places
    if (places < 0).any() or (places >= np.array(shape, np.int64)).any():
        raise OnnxModelError(f"{label} has indices outside of the shape {shape}")
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return places @ np.array(strides, np.int64)


def _type_name(number: int) -> str:
    types = onnx_library().TensorProto.DataType
    return types.Name(number) if number in types.values() else f"number {number}"


def _checked_shape(label: str, dims: Sequence[int]) -> tuple[int, ...]:
    shape = tuple(map(int, dims))
    # Also with sizes of 0, NumPy wants the product of the others to be one that an address can hold.
    if len(shape) > MOST_AXES or min(shape, default=0) < 0 or math.prod(max(1, size) for size in shape) >> 48:
        shown = f"{len(shape)} axes" if len(shape) > MOST_AXES else f"the shape {shape}"
        raise OnnxModelError(f"{label} has {shown}; expected at most {MOST_AXES} axes of 0 or more")
    return shape


def _check_storage(label: str, name: str, tensor: Any) -> None:
    """Check that the values lie in one place, are as many as the shape says, and fit the type."""
    bits, field = STORAGE[name]
    shape = _checked_shape(label, tensor.dims)
    filled = sorted(VALUE_FIELDS.intersection(item.name for item, _ in tensor.ListFields()))
    if filled not in ([], ["raw_data"], [field]):
        raise OnnxModelError(
            f"{label} of the type {name} has values in {' and '.join(filled)}; expected raw_data or {field}"
        )
    raw = filled != [field]
    found = len(tensor.raw_data) if raw else len(getattr(tensor, field))
    count = math.prod(shape)
    expected = -(-count * bits // 8) if raw or bits < 8 else count  # small types share an entry's byte
    if found != expected:
        unit = "bytes" if raw else "entries"
        raise OnnxModelError(f"{label} has {found} {unit} for the shape {shape}; expected {expected}")
    if not raw and field == "int32_data":
        _check_entries(label, name, bits, tensor.int32_data)


def _check_entries(label: str, name: str, bits: int, entries: Sequence[int]) -> None:
    """Check that int32 entries, one per value or per byte, fit the type; conversions would cut them off."""
    values = np.asarray(entries, np.int64)
    signed = name.startswith("INT") and bits >= 8
    low = -(2 ** (bits - 1)) if signed else 0
    high = 1 if name == "BOOL" else low + 2 ** max(8, bits) - 1
    wrong = values[(values < low) | (values > high)]
    if len(wrong):
        raise OnnxModelError(f"{label} of the type {name} has the value {wrong[0]}; expected {low} to {high}")
