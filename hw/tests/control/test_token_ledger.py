"""Token ledger: misuse exactly where golden's count finds it."""

from random import Random

from crisp_golden.machine.simulator import Tokens
from crisp_hw.control.token_ledger import TokenLedger
from crisp_spec.commands import ENGINES, FORMATS, TOKEN_LIMIT, Command, Opcode
from crisp_spec.fields import WORD_BITS, word_offsets
from hw.tests.simulate import simulate


def rtl_misuse(commands: list[Command]) -> list[bool]:
    """For each command; those that misuse tokens are not passed."""
    ledger, seen = TokenLedger(), []

    async def bench(ctx):
        for command in commands:
            ctx.set(ledger.head, int.from_bytes(command.encode()[: WORD_BITS // 8], "little"))
            await ctx.tick().repeat(2)
            seen.append(bool(ctx.get(ledger.misuse)))
            ctx.set(ledger.passed, not seen[-1])
            await ctx.tick()
            ctx.set(ledger.passed, 0)

    simulate(ledger, bench)
    return seen


def golden_misuse(commands: list[Command]) -> list[bool]:
    tokens = Tokens()
    return [tokens.pass_command(command) is not None for command in commands]


def random_flags(rng: Random, opcode: Opcode, chance: float) -> Command:
    names = [field.name for field in FORMATS[opcode] if field.name.startswith(("wait_", "signal_"))]
    return Command(opcode, {name: int(rng.random() < chance) for name in names})


def test_random_flags():
    rng = Random(1)
    commands = [random_flags(rng, rng.choice(list(ENGINES)), 0.4) for _ in range(600)]
    expected = golden_misuse(commands)
    assert 20 < sum(expected) < 580
    assert rtl_misuse(commands) == expected


def test_too_many_tokens():
    surplus = [Command(Opcode.LOAD_SYNC, {"signal_execute": 1})] * (TOKEN_LIMIT + 1)
    takes = [Command(Opcode.EXECUTE_SYNC, {"wait_load": 1})] * (TOKEN_LIMIT + 1)
    expected = [*[False] * TOKEN_LIMIT, True] * 2
    assert golden_misuse([*surplus, *takes]) == expected
    assert rtl_misuse([*surplus, *takes]) == expected


def test_commands_without_flags_never_misuse():
    assert rtl_misuse([Command(Opcode.END, {})] * 2) == [False, False]


def test_opcode_and_tokens_are_in_the_first_word_of_every_command():
    for fields in FORMATS.values():
        offsets = word_offsets(fields)
        names = [name for name in offsets if name.startswith(("opcode", "wait_", "signal_"))]
        assert max(offsets[name] for name in names) < WORD_BITS
