"""Verilog of yosys rewritten so that people can read it: the same logic with fewer and better names.

Yosys writes every operation into a wire of its own, and every register as two processes with a wire between
them. Here a register becomes one process, what is only chosen an assignment with conditions, a wire that one
reader has a part of the reader, and a part of a struct is called by its name. What is left without a name is
called after what drives it. No step changes what any signal is worth, nor the width in which it is computed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crisp_hw.build.readable.expressions import (
    UNARY,
    WORDS,
    is_closed,
    outer_operators,
    part_of,
    polished,
    width_of,
)
from crisp_hw.build.readable.modules import (
    IDENTIFIER,
    PART,
    TEMPORARY,
    Assignment,
    Block,
    Branch,
    Choice,
    Instance,
    Process,
    VerilogModule,
    choices,
    statements,
    targets,
)
from crisp_hw.build.readable.unclocked import UnclockedProcesses

LONGEST = 100
"""Characters up to which an expression may grow by taking in others."""

_CONNECTION = re.compile(r"\.(\w+)\((\$\d+)\),?")


def simplify(module: VerilogModule) -> None:
    """Rewrite a module in place.

    Raises
    ------
    ValueError : there is something that yosys has not written so far.
    """
    _merge_registers(module)
    UnclockedProcesses(module).assign()
    _join_port_names(module)
    _name_registers(module)
    _use_field_names(module)
    _inline(module)
    _drop_unread(module)
    _name_temporaries(module)


@dataclass
class _Place:
    """Where an expression stands: an attribute of something, or an item of a list."""

    holder: Any
    key: Any

    @property
    def text(self) -> str:
        """The expression."""
        return self.holder[self.key] if isinstance(self.holder, list) else getattr(self.holder, self.key)

    @text.setter
    def text(self, text: str) -> None:
        if isinstance(self.holder, list):
            self.holder[self.key] = text
        else:
            setattr(self.holder, self.key, text)


def _places(module: VerilogModule) -> Iterator[_Place]:
    """All places with names that are read; those of what an instance drives are among them."""
    for item in module.items:
        if isinstance(item, Instance):
            yield from (_Place(item.lines, number) for number in range(1, len(item.lines)))
            continue
        block: Block = [item] if isinstance(item, Assignment) else item.block
        for assignment in statements(block):
            yield _Place(assignment, "value")
            if not PART.fullmatch(assignment.target) and "[" in assignment.target:
                yield _Place(assignment, "target")  # the address of a memory
        for choice in choices(block):
            yield _Place(choice, "subject")
            yield from (_Place(branch, "when") for branch in choice.branches)


def _reads(module: VerilogModule) -> Counter[str]:
    """How often each name is read."""
    return Counter(name for place in _places(module) for name in IDENTIFIER.findall(place.text))


def _merge_registers(module: VerilogModule) -> None:
    """Let a clocked process compute itself what others, each some bits, compute for it alone."""
    readers = _reads(module)
    sources: dict[str, list[Any]] = defaultdict(list)
    for item in module.items:
        for name in targets(item) if isinstance(item, Process) else _assigned(item):
            sources[name].append(item)
    merged: set[int] = set()
    for process in module.items:
        match process:
            case Process(event=str(event), block=[Assignment(target=register, value=value)]) if event:
                found = sources[value]
                alone = all(_computes(item, value) for item in found)
                if found and alone and TEMPORARY.match(value) and readers[value] == 1:
                    blocks = [_retargeted(item.block, value, register) for item in found]
                    process.block = [statement for block in blocks for statement in block]
                    merged |= {id(item) for item in found}
                    del module.signals[value]
    module.items = [item for item in module.items if id(item) not in merged]


def _computes(item: Any, name: str) -> bool:
    """Whether an item is a process without a clock that drives nothing but bits of ``name``."""
    return isinstance(item, Process) and not item.event and targets(item) == (name,)


def _assigned(item: Assignment | Instance) -> tuple[str, ...]:
    """Names of all that an assignment outside of a process drives."""
    return targets(Process("", [item])) if isinstance(item, Assignment) else ()


def _retargeted(block: Block, old: str, new: str, *, outermost: bool = True) -> Block:
    """Statements that write ``new`` instead of ``old``, without a first one by which it would not change."""
    result: Block = []
    for statement in block:
        if isinstance(statement, Choice):
            branches = [
                Branch(branch.when, _retargeted(branch.block, old, new, outermost=False))
                for branch in statement.branches
            ]
            if _is_needless(statement):
                branches = [branch for branch in branches if branch.block]
            if branches:
                result.append(Choice(statement.subject, branches, statement.full))
        else:
            target = re.sub(rf"{re.escape(old)}(?!\d)", lambda _: new, statement.target)
            if result or not outermost or target != statement.value:
                result.append(Assignment(target, statement.value))
    return result


def _is_needless(choice: Choice) -> bool:
    """Whether empty branches can go: among patterns of which only one fits, and which need not fit."""
    return bool(choice.subject) and not choice.full and all(branch.when for branch in choice.branches)


def _join_port_names(module: VerilogModule) -> None:
    """Call what is only another name of a port, but for underscores, by the port's name."""
    renamed: dict[str, str] = {}
    kept = []
    for item in module.items:
        match item:
            case Assignment(target=target, value=value) if (
                target in module.signals and value in module.signals
            ):
                for port, other in ((target, value), (value, target)):
                    signals = module.signals[port], module.signals[other]
                    if (
                        signals[0].direction
                        and not signals[1].direction
                        and port.replace("_", "") == other.replace("_", "")
                        and signals[0].width == signals[1].width
                    ):
                        renamed[other] = port
                        break
                else:
                    kept.append(item)
            case _:
                kept.append(item)
    module.items = kept
    for other, port in renamed.items():
        signal = module.signals.pop(other)
        if signal.kind == "reg":
            module.signals[port].kind, module.signals[port].initial = "reg", signal.initial
    _rename(module, renamed)


def _name_registers(module: VerilogModule) -> None:
    """Call a register without a name, which only one wire reads, by the name of that wire."""
    readers, renamed = _reads(module), {}
    for item in module.items:
        match item:
            case Assignment(target=target, value=value) if (
                value in module.signals and target in module.signals
            ):
                register, wire = module.signals[value], module.signals[target]
                if (
                    TEMPORARY.match(value)
                    and register.kind == "reg"
                    and readers[value] == 1
                    and not wire.direction
                ):
                    renamed[value] = target
    module.items = [
        item for item in module.items if not (isinstance(item, Assignment) and item.value in renamed)
    ]
    for value, target in renamed.items():
        module.signals[target].kind, module.signals[target].initial = "reg", module.signals.pop(value).initial
    _rename(module, renamed)


def _use_field_names(module: VerilogModule) -> None:
    """Call the parts of structs by their names where they are read, instead of by their bits."""
    fields: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for item in module.items:
        if isinstance(item, Assignment) and item.target in module.signals:
            signal = module.signals[item.target]
            if signal.is_field and not signal.signed and (found := PART.fullmatch(item.value)):
                fields[found[1]].append((int(found[2]), int(found[3] or found[2]), item.target))

    def named(found: re.Match[str]) -> str:
        high, low = int(found[2]), int(found[3] or found[2])
        around = [field for field in fields.get(found[1], ()) if field[1] <= low and high <= field[0]]
        if not around:
            return found[0]
        first, last, name = min(around, key=lambda field: field[0] - field[1])
        return (
            part_of(name, high - last, low - last, module.signals) if (first, last) != (high, low) else name
        )

    definitions = {name for group in fields.values() for *_, name in group}
    for place in _places(module):
        is_definition = isinstance(place.holder, Assignment) and place.holder.target in definitions
        if not isinstance(place.holder, list) and not is_definition:
            place.text = PART.sub(named, place.text)


def _inline(module: VerilogModule) -> None:
    """Write wires that have no name and one reader where they are read, if it means the same there."""
    for place in _places(module):
        if not isinstance(place.holder, list) and place.key == "value":
            place.text = polished(place.text, module.signals)
    drivers = {item.target: item for item in module.items if isinstance(item, Assignment)}
    closed = {
        name: is_closed(item.value, module.signals[name].width, module.signals)
        for name, item in drivers.items()
        if name in module.signals
    }
    readers: dict[str, list[_Place]] = defaultdict(list)
    for place in _places(module):
        for name in IDENTIFIER.findall(place.text):
            if TEMPORARY.match(name):
                readers[name].append(place)
    gone: dict[int, _Place] = {}
    for name, places in readers.items():
        if len(places) != 1 or name not in drivers:
            continue
        place, driver = places[0], drivers[name]
        while id(place.holder) in gone:
            place = gone[id(place.holder)]
        if text := _taken_in(module, name, driver.value, place, is_closed=closed[name]):
            place.text = text
            gone[id(driver)] = place
            del module.signals[name]
    module.items = [item for item in module.items if id(item) not in gone]


def _taken_in(module: VerilogModule, name: str, value: str, place: _Place, *, is_closed: bool) -> str:
    """The text of a place with an expression in the place of its name; empty if it must stay."""
    text = place.text
    at = re.search(rf"{re.escape(name)}(?!\w)", text)
    if at is None or text[at.end() :].startswith("["):
        return ""
    if text == name:
        if isinstance(place.holder, Assignment):
            target = place.holder.target
            found = width_of(target, module.signals) if not target.startswith("{") else None
            return value if is_closed or found == module.signals[name].width else ""
        return value if is_closed else ""
    if not is_closed or len(text) - len(name) + len(value) > LONGEST:
        return ""
    operators = set(outer_operators(value))
    if at.start() == 0 and operators in ({"&"}, {"|"}) and operators == set(outer_operators(text)):
        return value + text[at.end() :]  # both go on from the left
    last = at.end() == len(text) and text[: at.start()].endswith(" : ")
    simple = last or re.fullmatch(r"!?[\w$]+(\[[\d:]*\])?|[&|^][\w$]+|\{[^{}]*\}|\d+'h\w+", value)
    if text[: at.start()].endswith(UNARY) and value.startswith(UNARY):
        simple = None  # Icarus takes `!&x` for an error
    simple = simple or (text[at.end() :].startswith(")") and text[: at.start()].endswith("("))
    return text[: at.start()] + (value if simple else f"({value})") + text[at.end() :]


def _drop_unread(module: VerilogModule) -> None:
    """Remove wires that nobody reads, and what only they have read."""
    while True:
        readers = _reads(module)
        unread = {
            name
            for name, signal in module.signals.items()
            if not signal.direction and not signal.depth and not readers[name]
        }
        if not unread:
            return
        module.items = [item for item in module.items if not _is_unread(item, unread)]
        for name in unread:
            del module.signals[name]


def _is_unread(item: Any, unread: set[str]) -> bool:
    if isinstance(item, Instance):
        return False
    driven = _assigned(item) if isinstance(item, Assignment) else targets(item)
    return all(name in unread for name in driven)


def _name_temporaries(module: VerilogModule) -> None:
    """Name the wires and registers that still have only a number."""
    names: dict[str, str] = {}
    instances = [item for item in module.items if isinstance(item, Instance)]
    used = {*module.signals, *(name for item in instances for name in IDENTIFIER.findall(item.lines[0]))}
    driven = {item.target for item in module.items if isinstance(item, Assignment)}
    readers = _reads(module)
    for item in instances:
        instance = item.lines[0].split()[1]
        for line in item.lines:
            if (found := _CONNECTION.fullmatch(line)) and found[2] not in names:
                unused = "unused_" if readers[found[2]] == 1 and found[2] not in driven else ""
                names[found[2]] = _new(f"{unused}{instance}_{found[1]}", used)
    for item in module.items:
        if isinstance(item, Assignment) and TEMPORARY.match(item.target) and item.target not in names:
            names[item.target] = _new(_word(item.value), used)
        elif isinstance(item, Process):
            for target in targets(item):
                if TEMPORARY.match(target) and target not in names:
                    names[target] = _new("read_word", used)
    for name in module.signals:
        if TEMPORARY.match(name) and name not in names:
            names[name] = _new("value", used)
    for name, plain in names.items():
        module.signals[plain] = module.signals.pop(name)
        module.signals[plain].name = plain
    _rename(module, names)


def _word(expression: str) -> str:
    """What the result of an expression is called."""
    if found := re.fullmatch(r"(\w+) == \d+'h(\w+)", expression):
        return f"{found[1]}_is_{int(found[2], 16)}"
    if re.match(r"[&|]\w", expression):
        return "all" if expression[0] == "&" else "any"
    unary = {"~": "inverse", "!": "none", "-": "negative"}.get(expression[0], "value")
    return next((WORDS[operator] for operator in outer_operators(expression)), unary)


def _new(base: str, used: set[str]) -> str:
    """A name that is not used yet."""
    number, name = 1, base
    while name in used:
        number += 1
        name = f"{base}_{number}"
    used.add(name)
    return name


def _rename(module: VerilogModule, names: dict[str, str]) -> None:
    def renamed(text: str) -> str:
        return IDENTIFIER.sub(lambda found: names.get(found[0], found[0]), text)

    for item in module.items:
        if isinstance(item, Instance):
            inside = re.compile(r"(?<=\()(.*)(?=\))")
            item.lines[1:] = [inside.sub(lambda found: renamed(found[1]), line) for line in item.lines[1:]]
            continue
        for assignment in statements([item] if isinstance(item, Assignment) else item.block):
            assignment.target = renamed(assignment.target)
    for place in _places(module):
        if not isinstance(place.holder, list):
            place.text = renamed(place.text)
