"""ONNX Runtime as the judge of exported models: an implementation that is not ours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx.utils import Extractor

from crisp_sw.exchange.onnx.exporter.write import IMAGE, LOGITS


def run_model(model: onnx.ModelProto, images: np.ndarray, *, fused: bool) -> np.ndarray:
    """Logits float32[N, K] of images float32[N, C, H, W].

    ``fused`` lets the runtime turn QDQ nodes into integer kernels, of the exact kind; otherwise every node
    runs as it is written, in float32.
    """
    return _run(model, {IMAGE: images}, [LOGITS], fused)[0]


def run_layer(
    model: onnx.ModelProto, inputs: dict[str, np.ndarray], output: str, *, fused: bool
) -> np.ndarray:
    """int8 output of one layer, from the int8 tensors that it reads."""
    inferred = onnx.shape_inference.infer_shapes(model)
    part = Extractor(inferred).extract_model(list(inputs), [output])
    ranks = {item.name: len(item.type.tensor_type.shape.dim) for item in part.graph.input}
    shaped = {name: x.reshape(x.shape[: ranks[name]]) for name, x in inputs.items()}
    return _run(part, shaped, [output], fused)[0]


def run_model_as_written(path: Path, images: np.ndarray) -> np.ndarray:
    """float32[N, K * H * W], the result of a file with one input, ``image``, every node in float32."""
    return _run(onnx.load(path), {"image": images}, [], fused=False)[0].reshape(len(images), -1)


def _run(
    model: onnx.ModelProto, inputs: dict[str, np.ndarray], outputs: Sequence[str], fused: bool
) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if fused else level.ORT_DISABLE_ALL
    options.add_session_config_entry("session.x64quantprecision", "1")
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    return [np.asarray(value) for value in session.run(list(outputs) or None, inputs)]
