"""Small accelerators on which programs are compared, one for every width of the bus."""

from crisp_spec.config import CoreConfig, preset

CONFIGS = {
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
