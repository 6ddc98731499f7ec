"""What a network answers, as classes."""

import numpy as np

from crisp_golden.arithmetic.inference import quantize_input, run_network
from crisp_golden.arithmetic.network import QuantizedNetwork


def predicted_classes(network: QuantizedNetwork, images: np.ndarray) -> np.ndarray:
    """The index of the largest output for each of float images [B, C, H, W], the lowest among equals."""
    (scores,) = run_network(network, quantize_input(network, images), keep_all=False).values()
    return scores.reshape(len(images), -1).argmax(axis=1)
