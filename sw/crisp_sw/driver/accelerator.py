"""Runs program images on an accelerator, wherever it is."""

from dataclasses import dataclass

import numpy as np

from crisp_golden.machine.program_image import ProgramImage, TensorInfo
from crisp_spec.error_codes import ErrorCode, ProgramError
from crisp_spec.registers import COUNTERS
from crisp_sw.driver.bus import Bus
from crisp_sw.driver.errors import DriverError
from crisp_sw.driver.identity import check_configuration, identify
from crisp_sw.driver.registers import Registers, check_segment

RESET_POLLS = 10000
"""Reads of the status register within which a soft reset must be over."""

FOREVER = 1 << 40
"""Cycles; longer than any program."""

READ, WRITE = 1, 2
PERMISSIONS = (READ, READ, WRITE, READ | WRITE)
"""What programs may do to their segments: program, input, output and scratch."""


@dataclass(frozen=True)
class _Loaded:
    """An image, and the addresses of its segments."""

    image: ProgramImage
    addresses: tuple[int, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        return len(self.image.contents), *self.image.sizes


class Accelerator:
    """One accelerator, with at most one network on it.

    Parameters
    ----------
    bus : the way to it.

    Attributes
    ----------
    config : its configuration, as its registers say.

    Raises
    ------
    DriverError : there is no accelerator on the bus, or one that this driver does not know.
    """

    def __init__(self, bus: Bus):
        self.bus = bus
        self.registers = Registers(bus)
        self.config = identify(self.registers)
        self._network: _Loaded | None = None

    def load(self, image: ProgramImage) -> None:
        """Bring a network into memory, in place of the one before.

        Raises
        ------
        DriverError : the image was compiled for another configuration, and nothing has changed then; or the
            bus allocates memory where no segment may begin, and no network is loaded then.
        """
        check_configuration(self.config, image.config)
        self.unload()
        sizes = (len(image.contents), *image.sizes)
        network = _Loaded(image, tuple(self.bus.allocate(size) if size else 0 for size in sizes))
        self._network = network
        try:
            for number, (address, size) in enumerate(self.segments()):
                check_segment(number, address, size)
        except DriverError:
            self.unload()
            raise
        self.bus.write_memory(network.addresses[0], np.frombuffer(image.contents, np.uint8))

    def unload(self) -> None:
        """Give back the memory of the network, if there is one."""
        if self._network:
            for address, size in zip(self._network.addresses, self._network.sizes, strict=True):
                if size:
                    self.bus.release(address)
        self._network = None

    def run(self, x: np.ndarray, *, watchdog: int = 0, timeout: int = FOREVER) -> np.ndarray:
        """Run the network on one image.

        Parameters
        ----------
        x : int8[C, H, W].
        watchdog : cycles after which the accelerator itself gives up; 0 for never.
        timeout : cycles to wait for the interrupt.

        Returns
        -------
        int8[K, H, W], the network's output.

        Raises
        ------
        LayerError : ``x`` has another type or shape than the network reads; nothing has been written.
        ProgramError : the accelerator stopped with an error.
        DriverError : no network is loaded, the accelerator is busy or has not ended in time.
        """
        network = self._loaded()
        self._write_tensor(network.image.input, network.image.input_bytes(x))
        self.start(watchdog=watchdog)
        self.wait(timeout)
        return self.read(network.image.output.name)

    def start(self, *, watchdog: int = 0) -> None:
        """Start the loaded network on what is in the input segment.

        Raises
        ------
        DriverError : no network is loaded, or the accelerator is busy.
        """
        network = self._loaded()
        status = self.registers.read("status")
        if status["busy"] or status["resetting"]:
            raise DriverError("the accelerator is busy; wait for it, or reset it")
        for number, (address, size) in enumerate(self.segments()):
            permissions = PERMISSIONS[number]
            self.registers.set_segment(
                number, address, size, read=bool(permissions & READ), write=bool(permissions & WRITE)
            )
        self.registers.write("program_offset", offset=0)
        self.registers.write("program_length", commands=network.image.commands)
        self.registers.write("watchdog", cycles=watchdog)
        self.registers.write("interrupt_status", done=1, error=1)
        self.registers.write("interrupt_enable", done=1, error=1)
        self.registers.write("control", start=1)

    def wait(self, timeout: int = FOREVER) -> None:
        """Sleep until the program has ended.

        Raises
        ------
        ProgramError : the accelerator stopped with an error; the message names the stage.
        DriverError : there was no interrupt in time.
        """
        if not self.bus.wait_interrupt(timeout):
            raise DriverError(f"no interrupt within {timeout} cycles")
        self.registers.write("interrupt_status", done=1, error=1)
        status = self.registers.read("status")
        if status["error"]:
            index = self.registers.value("error_index")
            raise ProgramError(ErrorCode(status["error"]), index, self._stage(index))
        if not status["done"]:
            raise DriverError(f"an interrupt, but the program has not ended: status {status}")

    def read(self, name: str) -> np.ndarray:
        """Return a tensor of the last run as int8[C, H, W]: the input, the output, or one that is kept.

        Raises
        ------
        DriverError : no network is loaded, or it keeps no such tensor in memory.
        """
        network = self._loaded()
        image = network.image
        tensors = {tensor.name: tensor for tensor in (image.input, image.output, *image.kept)}
        if name not in tensors:
            raise DriverError(f"no tensor {name!r} in memory; expected one of {', '.join(tensors)}")
        info = tensors[name]
        address = network.addresses[info.segment] + info.offset
        return info.unpack(self.bus.read_memory(address, info.size(self.config)), self.config)

    def segments(self) -> list[tuple[int, int]]:
        """Return address and size of the program's segments: program, input, output and scratch."""
        network = self._loaded()
        return list(zip(network.addresses, network.sizes, strict=True))

    def counters(self) -> dict[str, int]:
        """Return the counters of the last program by name."""
        return {name: self.registers.value(f"count_{name}") for name, _ in COUNTERS}

    def reset(self) -> None:
        """Stop whatever runs, and forget errors. Memory and the loaded network stay.

        Raises
        ------
        DriverError : the reset does not end; the bus does not answer.
        """
        self.registers.write("control", reset=1)
        for _ in range(RESET_POLLS):
            status = self.registers.read("status")
            if not (status["resetting"] or status["busy"]):
                self.registers.write("interrupt_status", done=1, error=1)
                return
        raise DriverError("the soft reset does not end")

    def _loaded(self) -> _Loaded:
        if self._network is None:
            raise DriverError("no network is loaded")
        return self._network

    def _write_tensor(self, info: TensorInfo, data: np.ndarray) -> None:
        network = self._loaded()
        self.bus.write_memory(network.addresses[info.segment] + info.offset, data)

    def _stage(self, index: int) -> str:
        """Which part of the network the command belongs to."""
        for name, first, end in self._loaded().image.spans:
            if first <= index < end:
                return f"in {name}"
        return ""
