"""From integer networks to ONNX models with QuantizeLinear and DequantizeLinear."""
