"""Small accelerators on which programs are compared: builds take seconds, memories are soon full."""

from crisp_golden.config import CoreConfig, preset

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
}
