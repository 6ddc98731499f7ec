"""Errors of ONNX models, going out and coming in."""

from crisp_spec.errors import CrispError


class OnnxModelError(CrispError):
    """A network cannot be said in QDQ ONNX, or an ONNX model in the integer arithmetic of the core."""
