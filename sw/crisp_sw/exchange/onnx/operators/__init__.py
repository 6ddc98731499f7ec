"""What each ONNX operator becomes in an integer network."""
