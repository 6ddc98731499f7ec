"""Packed networks on disk, as small as the pruned network and checked when they are read."""

from crisp_sw.exchange.packed.layout import GRAPH_FILE, TENSOR_FILE, NetworkFileError
from crisp_sw.exchange.packed.load import load_metadata, load_network
from crisp_sw.exchange.packed.save import is_network, save_network

__all__ = [
    "GRAPH_FILE",
    "TENSOR_FILE",
    "NetworkFileError",
    "is_network",
    "load_metadata",
    "load_network",
    "save_network",
]
