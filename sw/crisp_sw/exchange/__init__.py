"""Models and networks as files: checkpoints, pruned models, packed networks, state dicts and ONNX."""
