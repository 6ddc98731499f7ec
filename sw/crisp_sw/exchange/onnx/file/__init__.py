"""An ONNX file as it is written: complete, bounded, and refused where anything of it would not be read."""
