"""What can go wrong between a host and the accelerator, besides errors of programs."""

from crisp_spec.errors import CrispError


class DriverError(CrispError):
    """The device is not what the driver expects, does not answer, or was not told what it needs first."""
