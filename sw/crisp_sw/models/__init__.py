"""Convolutional networks in plain torch modules: small ones for 28x28 images, well-known ones for 224x224."""

from crisp_sw.models.registry import MODELS, build_model

__all__ = ["MODELS", "build_model"]
