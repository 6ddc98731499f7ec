"""What an ONNX file computes by an implementation that is not ours: ONNX Runtime, else onnx's evaluator."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.library import onnx_library
from crisp_sw.exchange.onnx.unique_names import UniqueNames

FIRST_EVALUATED_OPSET = 19  # of DequantizeLinear, in onnx's evaluator


def run_reference(
    model: Any,
    feed: dict[str, np.ndarray],
    tensors: list[str],
    *,
    reshaped: Mapping[str, Sequence[int]] | None = None,
    runtime: bool = True,
) -> dict[str, np.ndarray]:
    """Values of some tensors of a model, every node computed as it is written, in float32.

    Parameters
    ----------
    model : onnx.ModelProto; it is left as it is.
    feed : images by the input's name; how many they are may be another number than the model's.
    reshaped : of `LoweredNetwork`; None if no Reshape node of the model says how many images there are.
    runtime : False passes over ONNX Runtime, which otherwise is taken where it is installed and can run it.

    Raises
    ------
    OnnxModelError : no implementation can run the model.
    """
    onnx = onnx_library()
    watched = type(model)()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors)
    _set_images(watched, feed, reshaped or {})
    values = _by_runtime(watched, feed) if runtime else None
    if values is None:
        values = _by_evaluator(watched, feed)
    return dict(zip(tensors, values, strict=True))


def _set_images(model: Any, feed: dict[str, np.ndarray], reshaped: Mapping[str, Sequence[int]]) -> None:
    """Change a model, which may be for a fixed number of images, to one for as many as are fed."""
    onnx, graph, images = onnx_library(), model.graph, len(next(iter(feed.values())))
    for item in graph.input:
        if item.name in feed:
            item.type.tensor_type.shape.dim[0].dim_value = images
    graph.ClearField("value_info")  # repeats what follows from inputs, constants and operators
    names = UniqueNames()
    for name in (
        *(item.name for item in graph.initializer),
        *(name for node in graph.node for name in node.output),
    ):
        names.of((name,), name)
    for node in graph.node:
        sizes = reshaped.get(node.output[0], ())
        if sizes and sizes[0] > 0:
            node.input[1] = names.of((node.output[0], "shape"))
            shape = np.array([images, *sizes[1:]], np.int64)
            graph.initializer.append(onnx.numpy_helper.from_array(shape, node.input[1]))


def _by_runtime(model: Any, feed: dict[str, np.ndarray]) -> list[np.ndarray] | None:
    """None where ONNX Runtime is not installed or cannot run the model, as its opset may be too new."""
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4  # fatal: what else there is to say is the caller's
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return [np.asarray(value) for value in session.run(None, feed)]
    except Exception:  # it has a type of its own for each reason
        return None


def _by_evaluator(model: Any, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    from onnx.reference import ReferenceEvaluator

    opset = next(item.version for item in model.opset_import if item.domain in ("", "ai.onnx"))
    operators = [_dequantize_linear()] if opset < FIRST_EVALUATED_OPSET else []
    try:
        with np.errstate(all="ignore"):
            values: Any = ReferenceEvaluator(model, new_ops=operators).run(None, feed)
            return values
    except Exception as error:  # whatever an operator raises that is given what it does not expect
        reason = str(error).strip().partition("\n")[0]
        raise OnnxModelError(
            f"the model cannot be run, to compare its results ({reason}); expected shapes and types that fit"
        ) from error


def _dequantize_linear() -> type:
    """The operator as before opset 19, which the evaluator lacks."""
    from onnx.reference.op_run import OpRun

    class DequantizeLinear(OpRun):
        op_domain = ""

        def _run(self, x, scale, zero_point=None, *, axis=1, **_):  # pyright: ignore
            shape = [-1 if i == axis % max(1, x.ndim) else 1 for i in range(x.ndim)]
            scale, zero_point = (
                value.reshape(shape) if value is not None and value.size > 1 else value
                for value in (scale, zero_point)
            )
            levels = x.astype(np.int32) - (0 if zero_point is None else zero_point.astype(np.int32))
            return ((levels * scale).astype(np.float32),)

    return DequantizeLinear
