"""Post-training int8 quantization: from a trained torch model to golden's integer network."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
