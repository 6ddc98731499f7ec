"""What a flow starts from: a model, the data that it was trained on, and the classes of a user."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
