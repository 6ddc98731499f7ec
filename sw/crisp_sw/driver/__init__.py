"""The host's side of the accelerator: one API for simulators and boards.

``Accelerator`` runs program images over a ``Bus``, which is all that distinguishes one place where the
registers are from another. ``SimulatedBus`` has golden's simulator behind it.
"""
