"""Two implementations of ONNX give the values of any tensor of a model, or one sentence."""

import numpy as np
import onnx
import pytest

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.importer.reference import run_reference
from crisp_sw.exchange.onnx.qdq_graph import IMAGE_SHAPE, QdqGraph

IMAGES = np.random.default_rng(0).normal(size=(2, *IMAGE_SHAPE)).astype(np.float32)


@pytest.mark.parametrize("runtime", [True, False], ids=["runtime", "evaluator"])
@pytest.mark.parametrize("opset", [13, 18, 19, 21])
def test_values_of_inner_tensors(opset: int, runtime: bool):
    graph = QdqGraph()
    graph.opset = opset
    codes = graph.q("image", 0.05, 3)
    graph.finish(graph.conv(graph.dq(codes, 0.05, 3)))
    model = graph.model()
    before = model.SerializeToString(deterministic=True)
    found = run_reference(model, {"image": IMAGES}, [codes, "result"], runtime=runtime)
    assert list(found) == [codes, "result"]
    assert np.array_equal(found[codes], np.clip(np.rint(IMAGES / np.float32(0.05)) + 3, -128, 127))
    assert found["result"].shape == (2, 4, 6, 6)
    assert model.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("runtime", [True, False], ids=["runtime", "evaluator"])
def test_a_model_that_no_implementation_runs(runtime: bool):
    graph = QdqGraph()
    graph.node("Add", "image", graph.constant(np.ones(5)), output="result")
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "test",
            [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["N", *IMAGE_SHAPE])],
            [onnx.helper.make_tensor_value_info("result", onnx.TensorProto.FLOAT, None)],
            graph.constants,
        ),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
    )
    with pytest.raises(OnnxModelError, match="the model cannot be run, to compare its results") as caught:
        run_reference(model, {"image": IMAGES}, ["result"], runtime=runtime)
    assert "\n" not in str(caught.value)
