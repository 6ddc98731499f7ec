"""Small convolutional networks for 28x28 and 32x32 images, in plain torch modules."""

from crisp_sw.models.registry import MODELS, build_model

__all__ = ["MODELS", "build_model"]
