"""Whole networks as programs: compiled, run on golden's simulator and on the RTL, compared layer by layer."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
