"""Integer networks of well-known shapes without a data set: seeded weights, hybrid pattern, int8."""

from crisp_sw.networks.build import build_network, quantize_sparse
from crisp_sw.networks.cache import cached_network, network_key
from crisp_sw.networks.images import example_input, random_images
from crisp_sw.networks.rules import LayerSparsity, SparsityRules
from crisp_sw.networks.rules_file import read_overrides
from crisp_sw.networks.settings import NetworkSettings

__all__ = [
    "LayerSparsity",
    "NetworkSettings",
    "SparsityRules",
    "build_network",
    "cached_network",
    "example_input",
    "network_key",
    "quantize_sparse",
    "random_images",
    "read_overrides",
]
