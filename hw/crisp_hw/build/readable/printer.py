"""Modules printed as Verilog-2001 with their ports in the header."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from crisp_hw.build.readable.modules import (
    Assignment,
    Block,
    Branch,
    Choice,
    Instance,
    Process,
    Signal,
    VerilogModule,
)

LONGEST = 90
"""Characters of a statement that stands behind its condition."""

FIRST = ("clk", "rst")


def print_module(module: VerilogModule, groups: Sequence[Sequence[str]] = ()) -> str:
    """The text of a module.

    Parameters
    ----------
    groups : ports that belong together, in the order in which they are to stand; without them those whose
        names begin alike up to ``__`` belong together.
    """
    lines = [f"module {module.name} ("]
    ordered = [list(FIRST), *groups] if groups else _grouped(module.ports)
    present = [[port for port in group if port in module.ports] for group in ordered]
    present = [group for group in present if group]
    for group in present:
        lines += [f"  {_port(module.signals[port])}," for port in group]
        lines.append("")
    lines[-2:] = [lines[-2].removesuffix(","), ");"] if present else [");"]
    declared = [_declaration(signal) for signal in module.signals.values() if not signal.direction]
    lines += [f"  {line}" for declaration in declared for line in declaration]
    for item in module.items:
        lines += [f"  {line}" for line in _item(item)]
    return "\n".join([*lines, "endmodule", ""])


def _grouped(ports: Sequence[str]) -> list[list[str]]:
    """Clock and reset first, then what belongs to one interface together."""
    others = [port for port in ports if port not in FIRST]
    places = {prefix: number for number, prefix in reversed(list(enumerate(map(_prefix, others))))}
    ordered = sorted(others, key=lambda port: places[_prefix(port)])
    return [list(FIRST), *[list(group) for _, group in groupby(ordered, key=_prefix)]]


def _prefix(port: str) -> str:
    return port.partition("__")[0] if "__" in port else ""


def _port(signal: Signal) -> str:
    kind = "reg " if signal.kind == "reg" else ""
    return f"{signal.direction} {kind}{_shape(signal)}"


def _shape(signal: Signal) -> str:
    initial = f" = {signal.initial}" if signal.initial else ""
    return f"{'signed ' if signal.signed else ''}{signal.range}{signal.name}{signal.depth}{initial}"


def _declaration(signal: Signal) -> list[str]:
    return [*signal.attributes, f"{signal.kind} {_shape(signal)};"]


def _item(item: Assignment | Process | Instance) -> list[str]:
    match item:
        case Assignment(target=target, value=value):
            return _assignment(target, value)
        case Process(event=event, block=block):
            if single := _single(block):
                return [f"always @({event}) {single}"]
            inside = [f"  {line}" for statement in block for line in _statement(statement)]
            return [f"always @({event}) begin", *inside, "end"]
        case Instance(lines=[first, *rest]):
            return [first, *[f"  {line}" for line in rest[:-1]], rest[-1]]
    raise ValueError(f"unknown item {item!r}")


def _assignment(target: str, value: str) -> list[str]:
    """An assignment, each choice of many in a line of its own."""
    chosen = _alternatives(value)
    if len(chosen) < 3:
        return [f"assign {target} = {value};"]
    return [f"assign {target} =", *[f"  {text} :" for text in chosen[:-1]], f"  {chosen[-1]};"]


def _alternatives(value: str) -> list[str]:
    """The parts of a chain of choices: every condition with its value, and the last value."""
    parts, depth, start = [], 0, 0
    for number, letter in enumerate(value):
        if letter in "({[":
            depth += 1
        elif letter in ")}]":
            depth -= 1
        elif depth == 0 and value.startswith(" : ", number):
            parts.append(value[start:number])
            start = number + 3
    return [*parts, value[start:]]


def _statement(statement: Assignment | Choice) -> list[str]:
    if isinstance(statement, Assignment):
        return [f"{statement.target} <= {statement.value};"]
    return list(_cases(statement) if statement.subject else _conditions(statement))


def _conditions(choice: Choice) -> Iterator[str]:
    single = [_single(branch.block) for branch in choice.branches]
    # An `if` without brackets would take the `else` that follows it.
    if all(single) and not any(line.startswith("if ") for line in single[:-1]):
        for number, (branch, line) in enumerate(zip(choice.branches, single, strict=True)):
            yield f"{_head(branch, number)} {line}"
        return
    for number, branch in enumerate(choice.branches):
        yield f"{'end ' if number else ''}{_head(branch, number)} begin"
        yield from _inside(branch.block)
    yield "end"


def _head(branch: Branch, number: int) -> str:
    condition = f"if ({branch.when})" if branch.when else ""
    return f"else {condition}".strip() if number else condition


def _single(block: Block) -> str:
    """A block in one line; empty if it needs several."""
    lines = [line for statement in block for line in _statement(statement)]
    return "begin end" if not lines else lines[0] if len(lines) == 1 and len(lines[0]) < LONGEST else ""


def _cases(choice: Choice) -> Iterator[str]:
    if choice.full:
        yield "(* full_case = 32'd1 *)"
    yield f"casez ({choice.subject})"
    for branch in choice.branches:
        label = branch.when or "default"
        if single := _single(branch.block):
            yield f"  {label}: {single}"
        else:
            yield f"  {label}: begin"
            yield from (f"  {line}" for line in _inside(branch.block))
            yield "  end"
    if not choice.full and choice.branches[-1].when:
        yield "  default: ;"
    yield "endcase"


def _inside(block: Block) -> Iterator[str]:
    return (f"  {line}" for statement in block for line in _statement(statement))
