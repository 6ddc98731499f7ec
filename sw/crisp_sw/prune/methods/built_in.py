"""The methods that come with the package: importing them registers them."""

from crisp_sw.prune.methods import channels, dense, hybrid, reference_compat, unstructured
from crisp_sw.prune.run import masked_run

__all__ = ["channels", "dense", "hybrid", "masked_run", "reference_compat", "unstructured"]
