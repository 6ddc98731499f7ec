"""Built networks by content: the same settings and the same code build a network once."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from crisp_files.input_files import open_regular
from crisp_files.output_lock import locked_output
from crisp_files.source_files import sources_hash
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.packed import NetworkFileError, load_network, save_network
from crisp_sw.synthetic.build import build_network
from crisp_sw.synthetic.settings import DEFAULT_CACHE, NetworkSettings


def cached_network(settings: NetworkSettings, *, cache: str | Path = DEFAULT_CACHE) -> QuantizedNetwork:
    """The network of ``settings``, from ``cache`` if it is there, else built and put there.

    Whoever asks for the same one meanwhile waits for it.

    Raises
    ------
    CrispError : as `crisp_sw.synthetic.build_network`.
    """
    directory = Path(cache) / network_key(settings)
    with locked_output(directory, wait=True):
        if directory.is_dir():
            try:
                return load_network(directory)
            except NetworkFileError:
                pass  # of another version of the format, or damaged: build it anew
        network = build_network(settings)
        save_network(network, directory, {"settings": settings.to_json()})
        return network


def network_key(settings: NetworkSettings) -> str:
    """The model's name and 16 hexadecimal digits, which change with anything the network depends on."""
    content = settings.to_json()
    if settings.weights is not None:
        content["weights"] = _file_hash(settings.weights)
    parts = (
        json.dumps(content, sort_keys=True),
        sources_hash("crisp_sw.synthetic.build"),
        torch.__version__,
        np.__version__,
    )
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return f"{settings.model.lower().replace('_', '-')}-{digest}"


def _file_hash(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
