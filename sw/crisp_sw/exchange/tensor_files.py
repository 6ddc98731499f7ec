"""Files of tensors in safetensors' format that are there completely or not at all."""

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from crisp_files.atomic_files import new_file

_OS_ERROR = re.compile(r"\(os error (\d+)\)")
"""How messages of safetensors end where the operating system refused something."""


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors by way of a temporary name; makes the directory.

    Who may read the file is up to the umask, as of any other file: safetensors by itself lets only the owner.

    Raises
    ------
    OutputFileError : the file cannot be written.
    """
    with new_file(path) as temporary:
        temporary.touch()
        mode = temporary.stat().st_mode
        try:
            save_file(separate(tensors), temporary, metadata=dict(metadata))
        except SafetensorError as error:
            number = _OS_ERROR.search(str(error))
            code = int(number[1]) if number else errno.EIO
            reason = os.strerror(code) if number else str(error)
            raise OSError(code, reason, str(temporary)) from error
        temporary.chmod(mode)


def separate(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, contiguous, with a copy of each that shares memory with an earlier one: tied weights.

    safetensors refuses tensors that share memory.
    """
    found: dict[str, Tensor] = {}
    memories: set[int] = set()
    for name, value in tensors.items():
        value = value.detach().contiguous()
        memory = value.untyped_storage().data_ptr()
        found[name] = value.clone() if memory in memories else value
        memories.add(memory)
    return found
