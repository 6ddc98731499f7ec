"""The device that networks run on: the processor, or an accelerator that PyTorch knows."""

import torch

from crisp_spec.errors import CrispError


class DeviceError(CrispError):
    """There is no such device here."""


def find_device(name: str) -> torch.device:
    """The device of a name such as "cpu", "cuda" or "cuda:1", after a first computation on it.

    Raises
    ------
    DeviceError : PyTorch has no such device, or it does not answer; lists those that are there.
    """
    try:
        device = torch.device(name)
        if device.type == "cpu" and name != "cpu":
            raise RuntimeError("there is one processor")  # PyTorch takes any number for it
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        there = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
        raise DeviceError(f"no device {name!r} here; expected one of {', '.join(there)}") from error
    return device
