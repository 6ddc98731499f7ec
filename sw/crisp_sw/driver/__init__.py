"""The host's side of the accelerator: one API for simulators and boards.

``Accelerator`` runs program images over a ``Bus``, which is all that distinguishes one place where the
registers are from another. ``SimulatedBus`` has golden's simulator behind it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
