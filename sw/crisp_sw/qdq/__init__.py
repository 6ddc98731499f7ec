"""Quantized networks as ONNX with QuantizeLinear and DequantizeLinear (QDQ), and back."""

from crisp_sw.qdq.errors import OnnxModelError
from crisp_sw.qdq.read import OnnxNetwork, import_onnx, is_onnx_file
from crisp_sw.qdq.write import export_onnx, onnx_model

__all__ = ["OnnxModelError", "OnnxNetwork", "export_onnx", "import_onnx", "is_onnx_file", "onnx_model"]
