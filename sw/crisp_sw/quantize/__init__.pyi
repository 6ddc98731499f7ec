from .affine import Affine
from .lowering.lowering import lower
from .lowering.torch_layers import UnsupportedModelError
from .post_training import calibrate, quantize_model
from .ranges import Observer
from .settings import CalibrationError, QuantizeSettings

__all__ = [
    "Affine",
    "CalibrationError",
    "Observer",
    "QuantizeSettings",
    "UnsupportedModelError",
    "calibrate",
    "lower",
    "quantize_model",
]
