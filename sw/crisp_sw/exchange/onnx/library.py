"""The package onnx, which is an optional dependency: only those who read or write such files need it."""

import importlib
from types import ModuleType

from crisp_sw.exchange.onnx.errors import OnnxModelError


def onnx_library() -> ModuleType:
    """The module ``onnx``, with its submodules ``checker``, ``defs``, ``helper`` and ``numpy_helper``.

    Raises
    ------
    OnnxModelError : it is not installed.
    """
    try:
        for name in ("onnx.checker", "onnx.defs", "onnx.helper", "onnx.numpy_helper"):
            importlib.import_module(name)
        return importlib.import_module("onnx")
    except ImportError as error:
        raise OnnxModelError(
            "ONNX files need the package onnx, which is not installed; expected crisp-stc[onnx]"
        ) from error
