"""Small cores, one for every group size, on which tests run what they draw."""

from crisp_spec.config import CoreConfig, preset


def small_core(rows: int, cols: int, lanes: int, m: int, **fields: int) -> CoreConfig:
    """A core with 2048-word memories."""
    return CoreConfig(
        rows=rows, cols=cols, lanes=lanes, m=m, **{"smem_words": 2048, "weight_words": 2048} | fields
    )


CORES = {
    "dense": small_core(4, 2, 8, 1, load_rows=2, tile_depth=4),
    "m2": small_core(4, 4, 4, 2, tile_depth=2, drain_cols=2),
    "m4": small_core(2, 2, 2, 4, tile_depth=4),
    "m8": small_core(8, 8, 1, 8, load_rows=4, tile_depth=8, drain_cols=4),
}
"""Small cores, one for every group size, that all random layers fit."""

_WRAPPING = {"weight_words": 128, "index_words": 64, "channel_words": 64, "tap_words": 16, "tile_depth": 4}
WRAPPING = {
    "m2": CoreConfig(rows=2, cols=4, lanes=4, m=2, smem_words=512, drain_cols=2, **_WRAPPING),
    "m4": CoreConfig(rows=16, cols=4, lanes=4, m=4, load_rows=4, smem_words=512, drain_cols=4, **_WRAPPING),
    "m8": CoreConfig(
        rows=4, cols=8, lanes=2, m=8, load_rows=2, smem_words=1024, drain_cols=4, bus_bits=128, **_WRAPPING
    ),
    "dense": CoreConfig(rows=4, cols=4, lanes=8, m=1, load_rows=2, smem_words=512, **_WRAPPING),
}
"""Small cores whose tables wrap soon, one for every group size; they drain one, two or four columns at
once."""

BUS_WIDTHS = {
    "tiny": preset("tiny"),
    "wide": CoreConfig(
        rows=4,
        cols=4,
        lanes=4,
        load_rows=2,
        tile_depth=8,
        smem_words=2048,
        weight_words=2048,
        drain_cols=2,
        bus_bits=128,
    ),
    "bus256": CoreConfig(
        rows=2,
        cols=4,
        lanes=4,
        m=8,
        tile_depth=8,
        smem_words=1024,
        weight_words=1024,
        drain_cols=2,
        bus_bits=256,
    ),
}
"""Small cores, one for every width of the bus, on which whole programs run."""
