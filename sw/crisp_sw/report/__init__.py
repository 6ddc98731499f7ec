"""The figures of a run as JSON, and as a self-contained page with charts and pictures of the sparsity."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
