"""What is legal passes, and every declared limit is one."""

import pytest

from crisp_spec.commands import FORMATS, Command, Opcode
from crisp_spec.config import PRESETS, CoreConfig
from crisp_spec.legality import Order, Range, checks, violation

LOAD = {
    "planes": 1,
    "rows": 2,
    "width": 3,
    "pitch": 3,
    "base": 1,
    "plane": 4,
    "ring": 4,
    "start": 2,
    "beats": 1,
}
EXECUTE = {
    "n": 2,
    "row_tiles": 1,
    "pixel_tiles": 1,
    "channel_blocks": 1,
    "depth_full": 2,
    "depth_last": 1,
    "slot_full": 64,
    "slot_last": 64,
    "pitch": 3,
    "out_width": 3,
    "out_height": 3,
    "out_pitch": 2,
    "act_ring": 4,
    "out_ring": 4,
    "res_ring": 4,
}


def legal(config: CoreConfig, opcode: Opcode, **change: int) -> Command:
    """A legal command, with changes."""
    values: dict[str, int] = {}
    if opcode is Opcode.LOAD:
        values = LOAD
    elif opcode is Opcode.STORE:
        values = {name: value for name, value in LOAD.items() if name != "beats"}
    elif opcode is Opcode.EXECUTE:
        values = {**EXECUTE, "load_beats": 2 * config.load_beats}
    return Command(opcode, {**values, **change})


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("opcode", Opcode)
def test_legal_commands_pass(preset: str, opcode: Opcode):
    assert violation(PRESETS[preset], legal(PRESETS[preset], opcode)) is None


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("opcode", Opcode)
def test_every_limit_of_every_range_is_enforced(preset: str, opcode: Opcode):
    config = PRESETS[preset]
    limits = {field.name: field.limits for field in FORMATS[opcode]}
    for check in checks(config, opcode):
        if not isinstance(check, Range):
            continue
        conditions = {condition.field: condition.low for condition in check.when}
        for value in (check.low - 1, check.high + 1):
            low, high = limits[check.field]
            if low <= value <= high:
                command = legal(config, opcode, **{check.field: value, **conditions})
                assert violation(config, command) is not None, (check, value)


@pytest.mark.parametrize(
    ("opcode", "change", "message"),
    [
        (Opcode.LOAD, {"rows": 0}, "`rows` must be from 1 to 1023, not 0"),
        (Opcode.LOAD, {"memory": 7}, "`memory` must be from 0 to 6, not 7"),
        (Opcode.LOAD, {"memory": 1, "rows": 0}, None),
        (Opcode.LOAD, {"memory": 1, "beats": 0}, "`beats` must be from 1 to 1048575, not 0"),
        (Opcode.LOAD, {"beats": 0}, None),
        (Opcode.STORE, {"start": 8}, "`start` must be below `ring * 2`, not 8 and 8"),
        (Opcode.STORE, {"pitch": 9}, "`pitch` must be at most `ring * 2`, not 9 and 8"),
        (Opcode.EXECUTE, {"n": 5}, "`n` must be from 1 to 4, not 5"),
        (Opcode.EXECUTE, {"dense": 1}, "`n` must be from 4 to 4, not 2"),
        (Opcode.EXECUTE, {"max_pool": 1}, "`n` must be from 1 to 1, not 2"),
        (Opcode.EXECUTE, {"max_pool": 1, "n": 1, "load_beats": 0}, None),
        (Opcode.EXECUTE, {"load_beats": 3}, "`n * 2` must be at most `load_beats`, not 4 and 3"),
        (Opcode.EXECUTE, {"load_beats": 5}, "`load_beats` must be at most `n * 2`, not 5 and 4"),
        (Opcode.EXECUTE, {"depth_full": 17}, "`depth_full` must be from 1 to 16, not 17"),
        (
            Opcode.EXECUTE,
            {"depth_full": 16, "slot_full": 31},
            "`n * depth_full` must be at most `slot_full`, not 32 and 31",
        ),
        (Opcode.EXECUTE, {"slot_last": 3}, "`slot_last` must be from 4 to 4095, not 3"),
        (Opcode.EXECUTE, {"out_width": 4}, "`out_width` must be at most `pitch`, not 4 and 3"),
        (Opcode.EXECUTE, {"res_ring": 0}, None),
        (Opcode.EXECUTE, {"res_ring": 0, "residual": 1}, "`res_ring` must be from 1 to 1024, not 0"),
        (Opcode.EXECUTE, {"out_pitch": 0}, None),
        (Opcode.EXECUTE, {"out_pitch": 0, "out_phased": 1}, "`out_pitch` must be from 1 to 1023, not 0"),
    ],
)
def test_messages(opcode: Opcode, change: dict[str, int], message: str | None):
    config = PRESETS["tiny"]
    assert violation(config, legal(config, opcode, **change)) == message


def test_orders_name_fields_of_their_format():
    for config in PRESETS.values():
        for opcode, fields in FORMATS.items():
            names = {field.name for field in fields}
            for check in checks(config, opcode):
                used = (*check.small, *check.large) if isinstance(check, Order) else (check.field,)
                assert names.issuperset((*used, *(condition.field for condition in check.when)))
