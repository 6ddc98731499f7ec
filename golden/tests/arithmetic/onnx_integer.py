"""ONNX Runtime's integer operators: an implementation of exact accumulators that is not ours.

Values and weights go in as uint8, shifted by 128 together with their zero points: only the uint8 x uint8
kernels are exact on every processor, those for int8 weights may saturate 16-bit sums of two products.
A test that asks for it skips where it is not installed.
"""

import numpy as np
import pytest

from crisp_golden.arithmetic.network import QuantizedConv

ZERO = np.array(128, np.uint8)


def conv_integer(layer: QuantizedConv, x: np.ndarray) -> np.ndarray:
    """int32 result of ConvInteger: ``sum(weight * (x - x_zero_point))``, without bias."""
    ph, pw = layer.padding
    return _run(
        "ConvInteger",
        [_as_uint8(x), _as_uint8(layer.weight), np.array(layer.x_zero_point + 128, np.uint8), ZERO],
        strides=[layer.stride] * 2,
        pads=[ph, pw, ph, pw],
        group=layer.groups,
    )


def matmul_integer(x: np.ndarray, weight: np.ndarray, x_zero_point: int) -> np.ndarray:
    """int32 result of MatMulInteger: ``(x - x_zero_point) @ weight``."""
    zero_point = np.array(x_zero_point + 128, np.uint8)
    return _run("MatMulInteger", [_as_uint8(x), _as_uint8(weight), zero_point, ZERO])


def _as_uint8(values: np.ndarray) -> np.ndarray:
    return (values.astype(np.int16) + 128).astype(np.uint8)


def _run(operator: str, inputs: list[np.ndarray], **attributes) -> np.ndarray:
    onnx = pytest.importorskip("onnx", reason="compares with ONNX Runtime, which golden does without")
    onnxruntime = pytest.importorskip("onnxruntime", reason="compares with it; golden does without")
    helper, types = onnx.helper, onnx.TensorProto
    names = ["x", "w", "x_zero_point", "w_zero_point"]
    node = helper.make_node(operator, names, ["y"], **attributes)
    infos = [
        helper.make_tensor_value_info(name, types.UINT8, value.shape)
        for name, value in zip(names, inputs, strict=True)
    ]
    output = helper.make_tensor_value_info("y", types.INT32, None)
    graph = helper.make_graph([node], operator, infos, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, dict(zip(names, inputs, strict=True)))[0])
