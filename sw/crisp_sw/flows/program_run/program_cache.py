"""Compiled programs by content: the same network, configuration and code are compiled once."""

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from crisp_files.atomic_files import write_bytes
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_golden.machine.program_image import ImageError, ProgramImage, read_image
from crisp_spec.config import CoreConfig
from crisp_sw.compile.compiler import compile_network
from crisp_sw.flows.program_run.platforms import source_hash


@dataclass(frozen=True)
class ProgramCache:
    """Compiles, and remembers the results below ``directory``."""

    directory: Path
    config: CoreConfig

    def compile(self, network: QuantizedNetwork, *, fuse: bool = True, keep: bool = False) -> ProgramImage:
        """As `crisp_sw.compile.compiler.compile_network`."""
        parts = (str(self.config), str((fuse, keep)), source_hash(), network_digest(network))
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
        path = self.directory / f"{key}.crisp"
        try:
            return read_image(path)
        except (ImageError, OSError):
            image = compile_network(self.config, network, fuse=fuse, keep=keep)
        write_bytes(path, image.to_bytes())
        return image


def network_digest(network: QuantizedNetwork) -> str:
    """Changes with everything in a network that a program depends on."""
    digest = hashlib.sha256(str(network.input_shape).encode())

    def add(value: object) -> None:
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
        elif hasattr(value, "__dataclass_fields__"):
            for field in fields(value):  # pyright: ignore[reportArgumentType]
                digest.update(field.name.encode() + b"\0")
                add(getattr(value, field.name))
        else:
            digest.update(repr(value).encode() + b"\0")

    for node in network.nodes:
        add(node)
    add(network.classes)
    return digest.hexdigest()
