"""Quantized networks as ONNX with QuantizeLinear and DequantizeLinear (QDQ), and back."""

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.exporter.write import export_onnx, onnx_model
from crisp_sw.exchange.onnx.importer.read import OnnxNetwork, import_onnx, is_onnx_file

__all__ = ["OnnxModelError", "OnnxNetwork", "export_onnx", "import_onnx", "is_onnx_file", "onnx_model"]
