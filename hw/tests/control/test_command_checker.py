"""Command checker: illegal exactly where golden finds a violation."""

from random import Random

import pytest

from crisp_hw.control.command_checker import CommandChecker
from crisp_spec.commands import COMMAND_BYTES, FORMATS, Command, Opcode, decode_command
from crisp_spec.config import CoreConfig
from crisp_spec.legality import Order, Range, checks, violation
from hw.tests.accelerator_host import execute
from hw.tests.engines.tensors import CONFIGS, random_tensor
from hw.tests.simulate import simulate


def rtl_illegal(config: CoreConfig, commands: list[bytes]) -> list[bool]:
    checker, seen = CommandChecker(config), []

    async def bench(ctx):
        for data in commands:
            ctx.set(checker.command, int.from_bytes(data, "little"))
            await ctx.tick().repeat(checker.latency)
            seen.append(bool(ctx.get(checker.illegal)))

    simulate(checker, bench)
    return seen


def golden_illegal(config: CoreConfig, data: bytes) -> bool:
    command = decode_command(data)
    return command is None or violation(config, command) is not None


def legal_command(config: CoreConfig, rng: Random) -> Command:
    opcode = rng.choice(list(Opcode))
    if opcode is Opcode.EXECUTE:
        return execute(config)
    if opcode not in (Opcode.LOAD, Opcode.STORE):
        return Command(opcode, {})
    names = {field.name for field in FORMATS[opcode]}
    tensor = random_tensor(config, rng, phased=False)
    return Command(opcode, {name: value for name, value in tensor.items() if name in names})


def near_limits(config: CoreConfig, opcode: Opcode, rng: Random) -> dict[str, int]:
    """Values at and beyond the limits of one check, with its conditions met or not."""
    check = rng.choice(checks(config, opcode))
    values = {condition.field: rng.choice([condition.low, 0]) for condition in check.when}
    limits = {field.name: field.limits for field in FORMATS[opcode]}
    if isinstance(check, Range):
        values[check.field] = rng.choice([check.low, check.high]) + rng.randint(-1, 1)
    else:
        assert isinstance(check, Order)
        names = (*check.small, *check.large)
        values |= {name: rng.randint(0, 40) for name in rng.sample(names, rng.randint(1, len(names)))}
    return {name: min(max(value, limits[name][0]), limits[name][1]) for name, value in values.items()}


def random_command(config: CoreConfig, rng: Random) -> bytes:
    command = legal_command(config, rng)
    values = dict(command.fields)
    if checks(config, command.opcode) and rng.random() < 0.8:
        values |= near_limits(config, command.opcode, rng)
    data = Command(command.opcode, values).encode()
    if rng.random() < 0.1:
        word = int.from_bytes(data, "little") ^ 1 << rng.randrange(8 * COMMAND_BYTES)
        data = word.to_bytes(COMMAND_BYTES, "little")
    return data


@pytest.mark.parametrize("name", CONFIGS)
def test_the_checker_agrees_with_golden(name):
    config, rng = CONFIGS[name], Random(name)
    commands = [random_command(config, rng) for _ in range(600)]
    expected = [golden_illegal(config, data) for data in commands]
    assert 80 < sum(expected) < 450  # both kinds are there
    assert rtl_illegal(config, commands) == expected
