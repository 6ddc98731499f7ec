"""From ONNX graphs to integer networks, compared layer by layer with what the file computes."""
