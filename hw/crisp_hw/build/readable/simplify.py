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
from itertools import pairwise
from typing import Any

from crisp_hw.build.readable.expressions import (
    UNARY,
    WORDS,
    is_closed,
    joined,
    outer_operators,
    part_of,
    polished,
    width_of,
)
from crisp_hw.build.readable.modules import (
    IDENTIFIER,
    NAME,
    TEMPORARY,
    Assignment,
    Block,
    Branch,
    Choice,
    Instance,
    Process,
    Signal,
    VerilogModule,
    choices,
    statements,
)

LONGEST = 100
"""Characters up to which an expression may grow by taking in others."""

_PART = re.compile(rf"(?<![\w$'.])({NAME})\[(\d+)(?::(\d+))?\]")
_CONNECTION = re.compile(r"\.(\w+)\((\$\d+)\),?")


def simplify(module: VerilogModule) -> None:
    """Rewrite a module in place.

    Raises
    ------
    ValueError : there is something that yosys has not written so far.
    """
    _merge_registers(module)
    _Choices(module).assign()
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
            if not _PART.fullmatch(assignment.target) and "[" in assignment.target:
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
        for name in _targets(item) if isinstance(item, Process) else _assigned(item):
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
    return isinstance(item, Process) and not item.event and _targets(item) == (name,)


def _assigned(item: Assignment | Instance) -> tuple[str, ...]:
    """Names of all that an assignment outside of a process drives."""
    return _targets(Process("", [item])) if isinstance(item, Assignment) else ()


def _targets(process: Process) -> tuple[str, ...]:
    """Names of all that a process drives."""
    targets = " ".join(statement.target for statement in statements(process.block))
    return tuple(dict.fromkeys(IDENTIFIER.findall(targets)))


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


class _Choices:
    """Writes processes without a clock as assignments, which need no event at the start of time."""

    def __init__(self, module: VerilogModule):
        self.module = module
        self._next = 1 + max((int(name[1:]) for name in module.signals if name[0] == "$"), default=0)
        self._conditions: dict[tuple[str, int], str] = {}
        self._items: list[Any] = []

    def assign(self) -> None:
        """Replace all processes without a clock."""
        for item in self.module.items:
            if isinstance(item, Process) and not item.event:
                for target in _targets(item):
                    self._assign_target(target, item.block)
            else:
                self._items.append(item)
        self.module.items = self._items

    def _assign_target(self, target: str, block: Block) -> None:
        signal = self.module.signals[target]
        signal.kind = "wire"
        driven = [
            (low, high + 1)
            for statement in statements(block)
            for name, high, low in _slices(statement.target, self.module.signals)
            if name == target
        ]
        for low, end in pairwise(sorted({bound for bounds in driven for bound in bounds})):
            if not any(first <= low and end <= last for first, last in driven):
                continue  # another process drives these bits
            whole = end - low == signal.width
            bits = target if whole else f"{target}[{low}]" if end - low == 1 else f"{target}[{end - 1}:{low}]"
            value = self._chosen(block, target, end - 1, low, "")
            if not value:
                raise ValueError(f"{bits} has no value of its own in {self.module.name}")
            self._items.append(Assignment(bits, value))

    def _chosen(self, block: Block, target: str, high: int, low: int, before: str) -> str:
        """What a block makes of bits of a target that are worth ``before``, as a name or a constant."""
        value = before
        for statement in block:
            if isinstance(statement, Assignment):
                value = self._assigned(statement, target, high, low) or value
                continue
            cases = [
                (
                    self._condition(statement.subject, branch.when),
                    self._chosen(branch.block, target, high, low, value),
                )
                for branch in statement.branches
            ]
            rest = cases.pop()[1] if statement.full or not cases[-1][0] else value
            if statement.subject:  # only one pattern fits: which comes first does not matter
                cases = [case for case in cases if case[1] != rest]
            for condition, chosen in reversed(cases):
                if chosen != rest:
                    rest = self._wire(_choice(condition, chosen, rest), high - low + 1)
            value = rest
        return value

    def _assigned(self, statement: Assignment, target: str, high: int, low: int) -> str:
        """What an assignment gives to bits of a target; empty if it does not concern them."""
        signals = self.module.signals
        parts = _slices(statement.target, signals)
        start = sum(first - last + 1 for _, first, last in parts)
        for name, first, last in parts:
            start -= first - last + 1
            if name == target and last <= low and high <= first:
                return part_of(statement.value, start + high - last, start + low - last, signals)
        return ""

    def _condition(self, subject: str, when: str) -> str:
        """A name for what takes a branch; empty for the last one."""
        if not subject or not when:
            return when
        if "?" in when or ", " in when:
            raise ValueError(f"pattern {when} in {self.module.name} stands for several values")
        key = subject, int(when.partition("'h")[2], 16)
        if key not in self._conditions:
            self._conditions[key] = self._wire(f"{subject} == {when}", 1)
        return self._conditions[key]

    def _wire(self, expression: str, width: int) -> str:
        name = f"${self._next}"
        self._next += 1
        self.module.signals[name] = Signal(name, width)
        self._items.append(Assignment(name, expression))
        return name


def _choice(condition: str, chosen: str, rest: str) -> str:
    """``condition ? chosen : rest``, as a product or a sum where one of them is a bit that is known."""
    match chosen, rest:
        case "1'h1", "1'h0":
            return condition
        case "1'h1", _:
            return f"{condition} | {rest}"
        case _, "1'h0":
            return f"{condition} & {chosen}"
    return f"{condition} ? {chosen} : {rest}"


def _slices(target: str, signals: dict[str, Signal]) -> list[tuple[str, int, int]]:
    """Names and bits that a statement drives, the highest first."""
    result = []
    for part in joined(target) if target.startswith("{") else [target]:
        if found := _PART.fullmatch(part):
            result.append((found[1], int(found[2]), int(found[3] or found[2])))
        else:
            result.append((part, signals[part].width - 1, 0))
    return result


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
            if signal.is_field and not signal.signed and (found := _PART.fullmatch(item.value)):
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
            place.text = _PART.sub(named, place.text)


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
    targets = _assigned(item) if isinstance(item, Assignment) else _targets(item)
    return all(name in unread for name in targets)


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
            for target in _targets(item):
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
