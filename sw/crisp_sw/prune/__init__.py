"""The CRISP pruner: class-aware hybrid sparsity, blocks and N:M, for models of Conv2d and Linear layers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
