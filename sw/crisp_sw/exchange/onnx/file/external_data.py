"""Values of tensors that lie in files beside the model: read from its own folder, and from nowhere else."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crisp_files.input_files import open_regular
from crisp_sw.exchange.onnx.errors import OnnxModelError

KEYS = ("location", "offset", "length")


def read_external_data(tensors: Iterable[Any], folder: Path, most: int) -> int:
    """Put the values of all tensors that lie in other files into the tensors themselves.

    Parameters
    ----------
    folder : that of the model; the files must lie in it or below, also behind symbolic links.
    most : bytes that all values together may have.

    Returns
    -------
    Bytes that were read. No part of a file is read for two tensors.

    Raises
    ------
    OnnxModelError : a file is absent, elsewhere, no regular file or too short, or what the tensors say about
        it makes no sense.
    """
    total, sizes = 0, {}
    for tensor in tensors:
        if not tensor.data_location:
            if tensor.external_data:
                raise OnnxModelError(f"the tensor {tensor.name!r} has external data, but does not say so")
            continue
        if tensor.raw_data:
            raise OnnxModelError(f"the tensor {tensor.name!r} has both values and external data")
        path, offset, length = _place(tensor, folder)
        try:
            with open_regular(path) as file:
                sizes[path] = os.fstat(file.fileno()).st_size
                if length is None:
                    length = max(0, sizes[path] - offset)
                if offset + length > sizes[path]:
                    raise OnnxModelError(
                        f"the tensor {tensor.name!r} needs bytes {offset} to {offset + length} of "
                        f"{path.name!r}, which has {sizes[path]}"
                    )
                total += length
                if total > min(most, sum(sizes.values())):
                    raise OnnxModelError(
                        f"external data of {total} bytes; expected at most {most}, and no byte used twice"
                    )
                file.seek(offset)
                tensor.raw_data = file.read(length)
        except OSError as error:
            raise OnnxModelError(
                f"the data of the tensor {tensor.name!r}, {path}, cannot be read ({error.strerror})"
            ) from error
        tensor.ClearField("data_location")
        tensor.ClearField("external_data")
    return total


def _place(tensor: Any, folder: Path) -> tuple[Path, int, int | None]:
    """File, offset and length of a tensor's values; without a length, to the end."""
    label = f"the tensor {tensor.name!r}"
    notes = {entry.key: entry.value for entry in tensor.external_data}
    if len(notes) < len(tensor.external_data) or not notes.keys() <= set(KEYS) or "location" not in notes:
        keys = ", ".join(repr(entry.key) for entry in tensor.external_data) or "nothing"
        raise OnnxModelError(
            f"{label} says {keys} about its external data; expected location, offset and length"
        )
    numbers = [notes.get(key, "0") for key in KEYS[1:]]
    if not all(text.isascii() and text.isdigit() and len(text) < 16 for text in numbers):
        raise OnnxModelError(f"{label} has external data at {numbers}; expected an offset and a length")
    location = notes["location"]
    inside = folder.resolve()
    path = inside / location
    if not location or "\0" in location or not path.resolve().is_relative_to(inside):
        raise OnnxModelError(
            f"{label} has external data in {location!r}; expected a file in the folder of the model"
        )
    return path, int(numbers[0]), int(numbers[1]) if "length" in notes else None
