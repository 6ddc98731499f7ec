"""Packed jobs, executed by the core's model from their memory images, equal the layer's specification."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_golden.arithmetic.convolution import run_conv
from crisp_golden.arithmetic.network import MaxPool, Pattern, QuantizedConv
from crisp_golden.arithmetic.pooling import run_max_pool
from crisp_golden.machine.chip import Chip
from crisp_golden.machine.core_model import CoreModel
from crisp_golden.pack.jobs import Job, pack_layer, slot_cycles
from crisp_golden.stimuli.random_conv import random_int8
from crisp_golden.stimuli.shaped_layers import ConvShape, random_layer
from crisp_golden.stimuli.small_cores import CORES, small_core
from crisp_spec.commands import ALIGNMENT, Memory
from crisp_spec.config import CoreConfig, preset
from crisp_spec.errors import CapacityError, LayerError, PatternError
from golden.tests.strategies import conv_shapes, image_sizes


def execute_job(job: Job, x: np.ndarray, residual: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """int8[channels, rows, Wout] of one job, run on memories full of random words."""
    chip, band, tensors = Chip(job.config, rng), job.band, job.tensors
    for memory, image in job.images.items():
        chip.fill(memory, 0, image)
    tensors.x.write(chip.smem, x, *band.input_rows(), job.config)
    if tensors.residual is not None and residual is not None:
        tensors.residual.write(chip.smem, residual, band.first_row, band.last_row, job.config)
    before = chip.smem.copy()
    windows = CoreModel(chip, job.fields).run()
    assert windows.tolist() == job.windows.tolist()
    first, last = job.out_channels
    rows = band.first_row, band.last_row
    y = tensors.y.read(chip.smem, last, *rows, band.out_width, job.config)
    # Nothing but the output has changed.
    padded = tensors.y.planes * job.config.word_channels
    old = tensors.y.read(before, padded, *rows, band.out_width, job.config)
    new = tensors.y.read(chip.smem, padded, *rows, band.out_width, job.config)
    whole = np.concatenate([old[:first], new[first : -(-last // job.config.rows) * job.config.rows]])
    whole = np.concatenate([whole, old[len(whole) :]])
    image = np.zeros((padded, band.last_row, band.out_width), np.int8)
    image[:, band.first_row :] = whole
    tensors.y.write(before, image, *rows, job.config)
    np.testing.assert_array_equal(chip.smem, before, "words beside the output changed")
    return y[first:]


def execute_layer(
    config: CoreConfig,
    layer: QuantizedConv | MaxPool,
    x: np.ndarray,
    residual: np.ndarray | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """int8[K, Hout, Wout] from the packed jobs."""
    jobs = pack_layer(config, layer, *x.shape[1:], channels=len(x))
    band = jobs[0].band
    shape = band.kernel.out_size(*x.shape[1:])
    y = np.zeros((jobs[0].work.out_channels, *shape), np.int8)
    for job in jobs:
        y[slice(*job.out_channels), job.band.first_row : job.band.last_row] = execute_job(
            job, x, residual, rng
        )
    return y


def assert_packing_exact(config: CoreConfig, shape: ConvShape, size: tuple[int, int], seed: int) -> list[Job]:
    """Execute a random layer and demand the specification's bits; return its jobs."""
    rng = np.random.default_rng(seed)
    layer = random_layer(rng, shape)
    x = random_int8(rng, layer.in_channels, *size)
    residual = random_int8(rng, layer.out_channels, *layer.out_size(*size)) if shape.residual else None
    expected = run_conv(layer, x[None], None if residual is None else residual[None])[0]
    np.testing.assert_array_equal(execute_layer(config, layer, x, residual, rng), expected)
    return pack_layer(config, layer, *size)


@pytest.mark.parametrize("core", CORES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data(), seed=st.integers(0, 1 << 32))
def test_jobs_compute_the_layer(core: str, data: st.DataObject, seed: int):
    config = CORES[core]
    shape = data.draw(conv_shapes(m=config.m))
    assert_packing_exact(config, shape, data.draw(image_sizes(shape)), seed)


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 1, 0)])
def test_jobs_compute_max_pooling(core: str, kernel: int, stride: int, padding: int):
    rng = np.random.default_rng(kernel + stride)
    layer = MaxPool(name="pool", kernel=kernel, stride=stride, padding=padding)
    x = random_int8(rng, 19, 9, 8)
    y = execute_layer(CORES[core], layer, x, None, rng)
    np.testing.assert_array_equal(y, run_max_pool(layer, x[None])[0])


TIGHT = CoreConfig(
    rows=2,
    cols=2,
    lanes=2,
    m=4,
    tile_depth=4,
    smem_words=64,
    weight_words=64,
    index_words=16,
    channel_words=8,
)


@pytest.mark.parametrize(
    ("shape", "bands", "ranges"),
    [
        # 49 input and 49 output words exceed 64, 28 + 28 do not; 3 tiles of 1 window fit all lists.
        pytest.param(ConvShape(kernel=(1, 1), padding=(0, 0)), 2, 1, id="bands"),
        # 10 row tiles; 8 channel words hold 4 tiles of 2 channels.
        pytest.param(ConvShape(kernel=(1, 1), padding=(0, 0), outputs_per_group=20), 4, 3, id="channels"),
        # 9 windows of 4 weight words per tile, so one tile per job.
        pytest.param(ConvShape(channels_per_group=3, outputs_per_group=15), 4, 8, id="weights"),
        # 15 windows of 2 weight words per tile, and 16 index words.
        pytest.param(
            ConvShape(kernel=(5, 3), stride=2, channels_per_group=2, outputs_per_group=3, n=1),
            2,
            2,
            id="index",
        ),
        pytest.param(
            ConvShape(channels_per_group=3, outputs_per_group=9, residual=True), 7, 5, id="residual"
        ),
        # 3 windows of 4 weight words per tile; later ranges find their residual in a grid with gaps.
        pytest.param(
            ConvShape(
                kernel=(1, 3), padding=(0, 0), channels_per_group=3, outputs_per_group=20, residual=True
            ),
            7,
            3,
            id="residual with gaps",
        ),
        pytest.param(
            ConvShape(groups=8, channels_per_group=1, outputs_per_group=1, residual=True),
            4,
            4,
            id="depthwise",
        ),
    ],
)
def test_small_memories_split_a_layer_into_bands_and_ranges(shape: ConvShape, bands: int, ranges: int):
    jobs = assert_packing_exact(TIGHT, shape, (7, 7), seed=1)
    assert len({job.band.first_row for job in jobs}) == bands
    assert len({job.tiles for job in jobs}) == ranges
    assert len(jobs) == bands * ranges


def test_tight_and_roomy_memories_give_the_same_output():
    rng = np.random.default_rng(5)
    layer = random_layer(rng, ConvShape(channels_per_group=7, outputs_per_group=9, n=3))
    x = random_int8(rng, layer.in_channels, 6, 6)
    tight = CoreConfig(**{**vars(CORES["m4"]), "smem_words": 128, "weight_words": 128, "index_words": 16})
    assert len(pack_layer(tight, layer, 6, 6)) > 1
    assert len(pack_layer(CORES["m4"], layer, 6, 6)) == 1
    np.testing.assert_array_equal(
        execute_layer(tight, layer, x, None, rng), execute_layer(CORES["m4"], layer, x, None, rng)
    )


def test_registers_of_a_worked_example():
    """5 x 5 outputs of a 3x3 layer in 13 groups of 2 columns, in 4 tiles of at most 4 groups."""
    layer = random_layer(np.random.default_rng(0), ConvShape(channels_per_group=12, outputs_per_group=6, n=2))
    (job,) = pack_layer(CORES["m4"], layer, 5, 5)
    fields = job.fields
    assert (fields["pixel_tiles"], fields["depth_full"], fields["depth_last"]) == (4, 4, 1)
    assert (fields["n"], fields["load_beats"]) == (2, 4)
    assert (fields["slot_full"], fields["slot_last"]) == (8, 4)
    assert (fields["row_tiles"], fields["channel_blocks"]) == (3, 2)
    assert (fields["pitch"], fields["step_x"], fields["step_y"]) == (5, 2, 0)
    # 25 words of two planes make rings of 13 rows each.
    assert (fields["act_base"], fields["act_plane"], fields["out_base"]) == (0, 13, 26)
    assert job.windows.tolist() == [18, 18, 18]
    # A window has 2 slots of 2 rows and 2 lanes; memories are filled in whole beats.
    assert len(job.images[Memory.WEIGHT]) == -(-3 * 18 * 2 * 2 * 2 // ALIGNMENT) * ALIGNMENT


@pytest.mark.parametrize(
    ("n", "depth", "slot"),
    [(2, 4, 8), (3, 1, 6), (1, 1, 4), (4, 4, 16)],
    ids=["array", "weights", "decoder", "dense"],
)
def test_slot_lasts_as_long_as_its_slowest_engine(n: int, depth: int, slot: int):
    assert CORES["m4"].load_beats == 2
    assert slot_cycles(CORES["m4"], n, depth) == slot


def ones_layer(k: int, channels: int, kernel: tuple[int, int] = (1, 1), **fields) -> QuantizedConv:
    return QuantizedConv(
        name="ones",
        weight=np.ones((k, channels, *kernel), np.int8),
        bias=np.zeros(k, np.int32),
        multiplier=np.ones(k, np.uint16),
        shift=np.ones(k, np.uint8),
        **fields,
    )


@pytest.mark.parametrize(
    ("layer", "size", "message"),
    [
        (ones_layer(2, 8, (12, 11)), (12, 12), "ones: 132 kernel taps exceed the tap table's 128"),
        (ones_layer(2, 8 * 32769), (1, 1), "ones: 32769 windows exceed the 15-bit block index"),
        (
            ones_layer(2, 8 * 600),
            (1, 1),
            "ones: row tile 0 needs 4800 words of the weight memory, which has 4096",
        ),
        (
            ones_layer(9, 8, (3, 1), padding=(1, 0)),
            (5, 500),
            "ones: one output row needs 2500 words of the activation memory, which has 2048",
        ),
    ],
)
def test_a_layer_beyond_the_memories_is_refused_with_both_numbers(
    layer: QuantizedConv, size: tuple[int, int], message: str
):
    with pytest.raises(CapacityError) as caught:
        pack_layer(preset("tiny"), layer, *size)
    assert str(caught.value) == message


def test_index_memory_is_named_when_it_is_the_smaller_limit():
    config = CoreConfig(**{**vars(preset("tiny")), "index_words": 16})
    with pytest.raises(CapacityError) as caught:
        pack_layer(config, ones_layer(2, 8 * 17), 1, 1)
    assert str(caught.value) == "ones: row tile 0 needs 17 words of the block-index memory, which has 16"


@pytest.mark.parametrize(
    ("layer", "size", "message"),
    [
        (
            ones_layer(2, 8, (3, 3)),
            (2, 5),
            "ones: kernel (3, 3) does not fit an input of 2 x 5",
        ),
        (ones_layer(1, 8), (1, 1024), "ones: pixel grid 1 x 1024 exceeds 1023 x 1023"),
        (ones_layer(1, 8), (1024, 1), "ones: pixel grid 1024 x 1 exceeds 1023 x 1023"),
        # In several bands, none of which has so many rows.
        (ones_layer(1, 8), (1100, 8), "ones: pixel grid 1100 x 8 exceeds 1023 x 1023"),
    ],
)
def test_an_illegal_geometry_is_refused(layer: QuantizedConv, size: tuple[int, int], message: str):
    with pytest.raises(LayerError) as caught:
        pack_layer(preset("small"), layer, *size)
    assert str(caught.value) == message


def test_weights_outside_the_kept_blocks_are_refused_rather_than_dropped():
    mask = np.array([[True, False]])
    layer = ones_layer(4, 8, pattern=Pattern(n=4, m=4, block=4, block_mask=mask))
    with pytest.raises(PatternError) as caught:
        pack_layer(preset("tiny"), layer, 1, 1)
    expected = "output channel 0, tap 0, input channel 4: expected zero, block (0, 1) is pruned"
    assert str(caught.value) == f"ones: {expected}"


def test_an_illegal_layer_is_refused():
    layer = QuantizedConv(**{**vars(ones_layer(2, 8)), "shift": np.zeros(2, np.uint8)})
    with pytest.raises(LayerError, match=r"^ones: shift of channel 0 must be from 1 to 48, not 0$"):
        pack_layer(preset("tiny"), layer, 1, 1)


def test_more_row_tiles_than_a_job_can_count_become_two_jobs():
    config = small_core(
        2, 2, 2, 4, smem_words=1 << 13, weight_words=1 << 14, index_words=1 << 14, channel_words=1 << 14
    )
    jobs = pack_layer(config, ones_layer(2 * 4096, 1), 1, 1)
    assert [job.fields["row_tiles"] for job in jobs] == [4095, 1]


def test_the_largest_pixel_grids_are_exact():
    config = CoreConfig(**{**vars(CORES["m4"]), "cols": 64, "tile_depth": 4})
    shape = ConvShape(kernel=(1, 1), padding=(0, 0), channels_per_group=3, outputs_per_group=2)
    for size in ((1023, 1), (1, 1023), (1023, 2)):
        assert_packing_exact(config, shape, size, seed=2)
