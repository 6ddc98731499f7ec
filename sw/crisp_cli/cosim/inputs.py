"""The images that go through a network layer by layer, from a file that anybody may have written."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from crisp_files.input_files import read_regular
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_spec.errors import CrispError

MOST_BYTES = 1 << 30


class InputsError(CrispError):
    """The images for a network are absent, damaged, or of another network."""


def read_images(path: Path, network: QuantizedNetwork) -> np.ndarray:
    """Read ``images`` int8[B, C, H, W] from a safetensors file.

    Raises
    ------
    InputsError : the file cannot be read, or does not hold images of the network's input shape.
    """
    try:
        tensors = load(read_regular(path, MOST_BYTES))
    except FileNotFoundError as error:
        raise InputsError(
            f"{path}: no such file; expected safetensors with the network's int8 images"
        ) from error
    except OSError as error:
        raise InputsError(f"{path}: cannot be read ({error.strerror})") from error
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputsError(f"{path}: not a safetensors file ({error})") from error
    images, expected = tensors.get("images"), " x ".join(map(str, network.input_shape))
    if images is None:
        raise InputsError(f"{path}: no tensor `images` in it; expected int8 images of {expected}")
    if images.dtype != np.int8 or images.shape[1:] != tuple(network.input_shape) or not len(images):
        shape = " x ".join(map(str, images.shape))
        raise InputsError(
            f"{path}: `images` is {images.dtype} of {shape}; expected int8, any number of {expected}"
        )
    return images
