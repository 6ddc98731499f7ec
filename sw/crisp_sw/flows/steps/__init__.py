"""The steps from a trained network to a packed one, as the command line and the demo take them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
