"""Runs of one program on one platform, compared with the integer model and remembered."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from crisp_files.documents import DocumentError, read_document, write_document
from crisp_files.json_files import JsonFileError
from crisp_golden.machine.program_image import ProgramImage
from crisp_spec.errors import CrispError
from crisp_sw.driver.accelerator import Accelerator
from crisp_sw.driver.bus import Bus
from crisp_sw.flows.program_run.platforms import Platform, ProgressBus
from crisp_sw.results.network_run import UnitResult


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A program with an image to run it on.

    Attributes
    ----------
    name : for people.
    x : int8[C, H, W].
    expected : int8[C, H, W] by name; those that the program stores are compared.
    predicted : cycles.
    """

    name: str
    image: ProgramImage
    x: np.ndarray
    expected: Mapping[str, np.ndarray]
    predicted: int

    @property
    def compared(self) -> list[str]:
        """Names of the tensors that the program stores, in the order of the layers."""
        stored = {tensor.name for tensor in (*self.image.kept, self.image.output)}
        return [name for name in self.expected if name in stored]


@dataclass(frozen=True)
class UnitRunner:
    """Runs units, unless a result of the same content is below ``directory``."""

    directory: Path

    def known(self, unit: Unit, platform: Platform) -> UnitResult | None:
        """The result of a run before this one."""
        try:
            return read_document(UnitResult, self._path(unit, platform))
        except (JsonFileError, DocumentError):
            return None

    def run(self, unit: Unit, platform: Platform, report: Callable[[int], None]) -> UnitResult:
        """Run a unit; keep the result if it is right.

        Parameters
        ----------
        report : called now and then with the cycles simulated so far.
        """
        differing, counters, seconds, error = {}, {}, 0.0, ""
        try:
            accelerator = Accelerator(cast("Bus", ProgressBus(platform.connect(), report)))
            accelerator.load(unit.image)
            started = time.perf_counter()
            accelerator.run(unit.x)
            seconds = time.perf_counter() - started
            counters = accelerator.counters()
            for name in unit.compared:
                differing[name] = int(np.count_nonzero(accelerator.read(name) != unit.expected[name]))
        except CrispError as failure:
            error = str(failure)
        result = UnitResult(
            unit=unit.name,
            platform=platform.name,
            predicted=unit.predicted,
            differing=differing,
            counters=counters,
            seconds=seconds,
            error=error,
        )
        if result.bit_exact:
            write_document(self._path(unit, platform), result)
        return result

    def _path(self, unit: Unit, platform: Platform) -> Path:
        digest = hashlib.sha256(unit.image.to_bytes())
        digest.update(unit.x.tobytes() + f"{platform.name} {platform.identity} {unit.predicted}".encode())
        for name, tensor in unit.expected.items():
            digest.update(name.encode() + tensor.tobytes())
        return self.directory / f"{platform.name}-{digest.hexdigest()[:24]}.json"
