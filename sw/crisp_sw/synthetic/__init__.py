"""Integer networks of well-known shapes without a data set: seeded weights, hybrid pattern, int8."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
