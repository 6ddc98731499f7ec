"""Tensors of ONNX files: their values, and damage of every kind."""

from typing import Any

import numpy as np
import pytest
from onnx import SparseTensorProto, TensorProto, helper, numpy_helper

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.file.budget import FLOOR, ImportBudget
from crisp_sw.exchange.onnx.file.tensors import STORAGE, read_sparse_tensor, read_tensor

RANGES = {"FLOAT": (-3, 4), "BOOL": (0, 2), "INT2": (-2, 2), "UINT2": (0, 4), "INT4": (-8, 8)}


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("shape", [(), (5,), (3, 1, 5), (0, 3)])
@pytest.mark.parametrize("name", STORAGE)
def test_values_of_every_type(name: str, shape: tuple[int, ...], raw: bool):
    values = np.random.default_rng(1).integers(*RANGES.get(name, (0, 16)), shape)
    typed = helper.make_tensor("t", getattr(TensorProto, name), shape, values.ravel())
    if raw:
        array = numpy_helper.to_array(typed)
        typed = numpy_helper.from_array(array, "t")
    found = read_tensor(typed)
    assert found.dtype.name == {"FLOAT": "float32"}.get(name, name.lower())
    assert np.array_equal(found.astype(np.int64), values)


def tensor(kind: int = TensorProto.INT8, dims: Any = (4,), **fields) -> TensorProto:
    made = TensorProto(name="t", data_type=kind, dims=dims)
    for name, values in fields.items():
        if name == "raw_data":
            made.raw_data = values
        else:
            getattr(made, name).extend(values)
    return made


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (tensor(raw_data=b"abc"), r"has 3 bytes for the shape \(4,\); expected 4"),
        (tensor(int32_data=[1, 2, 3]), r"has 3 entries for the shape \(4,\); expected 4"),
        (tensor(TensorProto.INT4, [5], int32_data=[1, 2]), "has 2 entries .*; expected 3"),
        (tensor(TensorProto.INT4, [5], raw_data=b"ab"), "has 2 bytes .*; expected 3"),
        (tensor(dims=[-1], raw_data=b"a"), r"has the shape \(-1,\); expected at most 8 axes of 0 or more"),
        (tensor(dims=[2**32, 2**32], raw_data=b"a"), "expected at most 8 axes of 0 or more"),
        (tensor(dims=[0, 2**62, 2**62]), "expected at most 8 axes of 0 or more"),
        (tensor(dims=[2**40], raw_data=b"a"), "has 1 bytes .*; expected 1099511627776"),
        (tensor(dims=[1] * 9, raw_data=b"a"), "has 9 axes; expected at most 8"),
        (tensor(), "has 0 bytes"),
        (tensor(int64_data=[1, 2, 3, 4]), "of the type INT8 has values in int64_data; expected raw_data or"),
        (tensor(raw_data=b"abcd", int32_data=[1] * 4), "has values in int32_data and raw_data"),
        (tensor(int32_data=[1, 2, 3, 128]), "of the type INT8 has the value 128; expected -128 to 127"),
        (tensor(TensorProto.UINT8, int32_data=[1, 2, 3, -1]), "has the value -1; expected 0 to 255"),
        (tensor(TensorProto.BOOL, int32_data=[0, 1, 2, 0]), "has the value 2; expected 0 to 1"),
        (tensor(TensorProto.INT4, int32_data=[256, 1]), "has the value 256; expected 0 to 255"),
        (tensor(TensorProto.FLOAT8E5M2, raw_data=b"abcd"), "has the type FLOAT8E5M2; expected FLOAT, INT64"),
        (tensor(TensorProto.STRING, string_data=[b""] * 4), "has the type STRING; expected FLOAT, INT64"),
        (tensor(99, raw_data=b"abcd"), "has the type number 99; expected FLOAT, INT64"),
    ],
)
def test_damaged_tensors(damaged: TensorProto, message: str):
    with pytest.raises(OnnxModelError, match=f"^the tensor 't' .*{message}"):
        read_tensor(damaged)


def test_small_types_of_an_old_package(monkeypatch):
    """It gives int8 for int4, whose limits are others."""
    monkeypatch.setattr(numpy_helper, "to_array", lambda tensor: np.zeros(4, np.int8))
    with pytest.raises(OnnxModelError, match="'t' has the type INT4; expected a newer package onnx"):
        read_tensor(tensor(TensorProto.INT4, int32_data=[0, 0]))


def sparse(values: list[int], places: Any, shape: Any) -> SparseTensorProto:
    made = SparseTensorProto(dims=shape)
    made.values.CopyFrom(numpy_helper.from_array(np.array(values, np.int8), "t"))
    made.indices.CopyFrom(numpy_helper.from_array(np.asarray(places), "t/places"))
    return made


@pytest.mark.parametrize("places", [[1, 5], [[0, 1], [1, 2]]])
def test_sparse_values(places: list):
    found = read_sparse_tensor(sparse([7, -7], np.array(places, np.int64), [2, 3]), ImportBudget(0))
    assert found.dtype == np.int8
    assert found.tolist() == [[0, 7, 0], [0, 0, -7]]


def test_a_sparse_tensor_of_zeros():
    found = read_sparse_tensor(sparse([], np.zeros(0, np.int64), [2, 3]), ImportBudget(0))
    assert found.tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("places", "shape", "message"),
    [
        ([1, 6], [2, 3], r"indices that do not ascend inside of the shape \(2, 3\)"),
        ([-1, 1], [2, 3], "indices that do not ascend"),
        ([1, 1], [2, 3], "indices that do not ascend"),
        ([2, 1], [2, 3], "indices that do not ascend"),
        ([0], [2, 3], r"values of shape \(2,\) and int64 indices of shape \(1,\)"),
        ([[0, 1]], [2, 3], r"expected \[n\], and int64 \[n\] or \[n, 2\]"),
        ([[0, 1], [0, 3]], [2, 3], r"indices outside of the shape \(2, 3\)"),
        ([[0, 1], [0, 2**62]], [2, 3], "indices outside of the shape"),
        ([0, 1], [-2, 3], r"has the shape \(-2, 3\)"),
        ([0, 1], [2**40, 3], "takes the import beyond"),
        ([0, 1], [FLOOR + 1], "takes the import beyond 67108864 bytes of memory"),
    ],
)
def test_damaged_sparse_tensors(places: list, shape: list, message: str):
    with pytest.raises(OnnxModelError, match=f"the sparse tensor 't' .*{message}"):
        read_sparse_tensor(sparse([7, -7], np.array(places, np.int64), shape), ImportBudget(0))


def test_places_must_be_int64():
    with pytest.raises(OnnxModelError, match="and int32 indices of shape"):
        read_sparse_tensor(sparse([7], np.array([0], np.int32), [2]), ImportBudget(0))
