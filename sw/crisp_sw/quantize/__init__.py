"""Post-training int8 quantization: from a trained torch model to golden's integer network."""

from crisp_sw.quantize.lowering import lower
from crisp_sw.quantize.post_training import QuantizeSettings, calibrate, quantize_model
from crisp_sw.quantize.ranges import Affine, CalibrationError, Observer
from crisp_sw.quantize.torch_layers import UnsupportedModelError

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
