from .build import build_network, quantize_sparse
from .cache import cached_network, network_key
from .images import example_input, random_images
from .rules_file import read_rules
from .settings import NetworkSettings
from .sparsity_rules import LayerSparsity, SparsityRules

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
    "read_rules",
]
