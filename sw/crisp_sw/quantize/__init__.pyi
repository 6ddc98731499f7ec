from .lowering import lower
from .post_training import calibrate, quantize_model
from .ranges import Affine, Observer
from .settings import CalibrationError, QuantizeSettings
from .torch_layers import UnsupportedModelError

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
