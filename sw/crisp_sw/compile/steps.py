"""Steps of the core: what one EXECUTE command after the other computes for a band of a stage."""

from collections.abc import Iterator
from dataclasses import dataclass

from crisp_golden.pack.geometry import Band, Kernel
from crisp_golden.pack.jobs import Tensors, tile_ranges
from crisp_golden.pack.placement import PHASES, TensorPlace
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError
from crisp_sw.compile.graph import Stage
from crisp_sw.compile.layout import Copy, Layout

SHARES = (3, 2, 1)
"""Jobs take at most one of so many parts of a parameter memory: the next one's can be loaded meanwhile.

Where a row tile alone takes more, the next smaller number is tried.
"""

POINTWISE = Kernel(size=(1, 1), stride=1, padding=(0, 0))


@dataclass(frozen=True)
class Step:
    """A band of a stage for a range of its row tiles.

    Attributes
    ----------
    tensors : places of input, output and residual, or of one phase of each.
    """

    stage: Stage
    band: Band
    tiles: tuple[int, int]
    tensors: Tensors


def tile_shares(config: CoreConfig, stage: Stage) -> list[tuple[int, int]]:
    """Ranges of row tiles whose parameters are loaded together.

    Raises
    ------
    CapacityError : the parameters of one row tile exceed a memory.
    """
    *divided, whole = SHARES
    for share in divided:
        try:
            return tile_ranges(config, stage.work, share)
        except CapacityError:
            continue
    return tile_ranges(config, stage.work, whole)


def bands_of(stage: Stage, layout: Layout, first: int, last: int) -> Iterator[tuple[int | None, Band]]:
    """Yield (phase or None, band) of everything that computes the output rows ``first`` to ``last - 1``."""
    pitch = layout.grid_pitch(stage)
    if stage.name not in layout.by_phase:
        yield (
            None,
            Band(
                kernel=stage.work.kernel,
                height=stage.height,
                width=stage.width,
                first_row=first,
                last_row=last,
                pitch=pitch,
            ),
        )
        return
    for phase, (py, px) in enumerate(PHASES):
        low, high = -(-(first - py) // 2), -(-(last - py) // 2)
        height, width = -(-(stage.height - py) // 2), -(-(stage.width - px) // 2)
        if low < high and width > 0:
            yield (
                phase,
                Band(
                    kernel=POINTWISE,
                    height=height,
                    width=width,
                    first_row=low,
                    last_row=high,
                    pitch=pitch,
                ),
            )


def steps_of(
    config: CoreConfig,
    stage: Stage,
    layout: Layout,
    places: dict[Copy, TensorPlace],
    first: int,
    last: int,
) -> Iterator[Step]:
    """Yield the steps that compute the output rows ``first`` to ``last - 1`` of a stage."""
    residual = layout.residual(stage)
    whole = Tensors(
        x=places[layout.input(stage)],
        y=places[layout.output(stage)],
        residual=places[residual] if residual else None,
    )
    bands = list(bands_of(stage, layout, first, last))
    for tiles in tile_shares(config, stage):
        for phase, band in bands:
            yield Step(stage, band, tiles, whole if phase is None else _phase(whole, phase))


def _phase(tensors: Tensors, number: int) -> Tensors:
    return Tensors(
        x=tensors.x.phase(number),
        y=tensors.y.phase(number),
        residual=tensors.residual.phase(number) if tensors.residual else None,
    )
