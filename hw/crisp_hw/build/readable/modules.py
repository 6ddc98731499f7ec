"""The modules of the Verilog that yosys writes, taken apart.

Yosys writes one kind of declaration, assignment, process and instance, one a line, which is all that is
read here: no parser of Verilog. Names become plain identifiers: ``a.b`` is called ``a__b``, ``a$7`` is called
``a`` or, if there is one, ``a_2``, and a name that is a keyword gets a ``_`` at its end. Wires without a name
of their own keep yosys' ``$7`` until they are named after what drives them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from crisp_hw.build.readable.keywords import KEYWORDS

NAME = r"(?:\$\d+|[A-Za-z_]\w*)"
RANGE = r"(?:\[\d+(?::\d+)?\])"
IDENTIFIER = re.compile(r"(?<![\w$'.])" + NAME + r"(?!\w)")
PART = re.compile(rf"(?<![\w$'.])({NAME})\[(\d+)(?::(\d+))?\]")
TEMPORARY = re.compile(r"(\$\d+|_\d+_)\Z")

_START = r"\$auto\$verilog_backend\S*"
_MODULE = re.compile(r"^module (\w+)\((.*?)\);\n(.*?)^endmodule$", flags=re.S | re.M)
_ESCAPED = re.compile(r"\\(\S+) ")
_DECLARATION = re.compile(
    rf"(input|output|wire|reg) (signed )?(?:\[(\d+):0\] )?({NAME})( \[\d+:0\])?(?: = (.*))?;"
)
_NOTE = re.compile(r"\(\* (init|unused_bits) =")
_INSTANCE = re.compile(rf"(\w+) (?:#\(|({NAME}) ?\()")


@dataclass
class Signal:
    """A declared port, wire, register or memory."""

    name: str
    width: int
    kind: str = "wire"
    direction: str = ""
    signed: bool = False
    depth: str = ""
    initial: str = ""
    attributes: list[str] = field(default_factory=list)
    is_field: bool = False

    @property
    def range(self) -> str:
        """Range of the declaration, with a space behind it; empty for one bit."""
        return "" if self.width == 1 else f"[{self.width - 1}:0] "


@dataclass
class Assignment:
    """``target = value``: of wires, or a statement in a process."""

    target: str
    value: str


@dataclass
class Branch:
    """What is done when: a condition or a pattern, empty for ``else`` and ``default``."""

    when: str
    block: "Block"


@dataclass
class Choice:
    """``if`` with its conditions, or ``casez`` with its patterns.

    Attributes
    ----------
    subject : what the patterns are compared with; empty for an ``if``.
    full : whether the patterns are known to cover all values.
    """

    subject: str
    branches: list[Branch]
    full: bool = False


Block = list[Assignment | Choice]


@dataclass
class Process:
    """``always`` with its event; an empty one means whatever is read."""

    event: str
    block: Block


@dataclass
class Instance:
    """A module within the module, or what else stands in it as it is."""

    lines: list[str]


Item = Assignment | Process | Instance


@dataclass
class VerilogModule:
    """One module.

    Attributes
    ----------
    signals : by name, in the order of their declarations.
    """

    name: str
    ports: list[str]
    signals: dict[str, Signal] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)


def read_modules(text: str) -> list[VerilogModule]:
    """Take apart the modules of a text in the order in which they stand there."""
    found = (module.groups() for module in _MODULE.finditer(without_empty_signals(text)))
    return [_read_module(name, ports, body) for name, ports, body in found]


def without_empty_signals(text: str) -> str:
    """The text without ports and wires of no bits, such as the index in a group of one weight."""

    def emptied(found: re.Match[str]) -> str:
        name, ports, body = found.groups()
        empty = set(re.findall(r"\[-1:0\] (\S+?) ?;", body))
        kept = [port for port in _ports(ports) if port not in empty]
        lines = [line for line in body.splitlines(keepends=True) if "[-1:0]" not in line]
        # An escaped name ends with a space.
        listed = ", ".join(f"{port} " if port.startswith("\\") else port for port in kept)
        return f"module {name}({listed});\n{''.join(lines)}endmodule\n"

    return _MODULE.sub(emptied, text)


def with_plain_names(text: str) -> str:
    """The text with the names that its modules have once they are taken apart; temporary ones stay."""

    def renamed(found: re.Match[str]) -> str:
        name, ports, body = found.groups()
        names = _Names(body, _ports(ports))

        def plain(escaped: re.Match[str]) -> str:
            known = names.plain(escaped[1])
            return f"{known} " if known and not TEMPORARY.match(known) else escaped[0]

        return f"module {name}({_ESCAPED.sub(plain, ports)});\n{_ESCAPED.sub(plain, body)}endmodule\n"

    return _MODULE.sub(renamed, text)


def statements(block: Block) -> Iterator[Assignment]:
    """All assignments of a block, those of its branches included."""
    for statement in block:
        if isinstance(statement, Assignment):
            yield statement
        else:
            for branch in statement.branches:
                yield from statements(branch.block)


def choices(block: Block) -> Iterator[Choice]:
    """All choices of a block, those within others included."""
    for statement in block:
        if isinstance(statement, Choice):
            yield statement
            for branch in statement.branches:
                yield from choices(branch.block)


def targets(process: Process) -> tuple[str, ...]:
    """Names of all that a process drives."""
    driven = " ".join(statement.target for statement in statements(process.block))
    return tuple(dict.fromkeys(IDENTIFIER.findall(driven)))


def _read_module(name: str, ports: str, body: str) -> VerilogModule:
    names = _Names(body, _ports(ports))
    plain = _ESCAPED.sub(lambda found: names[found[1]], body)
    module = VerilogModule(name, names.ports)
    lines = _Lines(plain.splitlines())
    attributes: list[str] = []
    while lines:
        line = lines.next()
        if line == "reg  = 0;":
            continue  # what makes yosys' processes run at the start; none of ours needs it
        if line.startswith("(*"):
            attributes.append(line)
        elif declared := _DECLARATION.fullmatch(line):
            _declare(module, declared, [text for text in attributes if not _NOTE.match(text)], names)
            attributes = []
        elif assigned := re.fullmatch(r"assign (.*?) = (.*);", line):
            module.items.append(Assignment(assigned[1], assigned[2]))
        elif event := re.fullmatch(r"always @(?:\((.*)\)|\*)( begin)?", line):
            module.items.append(Process(event[1] or "", _read_process(lines, has_block=bool(event[2]))))
        elif line == "initial begin" or _INSTANCE.match(line):
            module.items.append(Instance(_until(lines, line)))
        elif line:
            raise ValueError(f"unknown line {line!r} in {name}")
    return module


def _ports(text: str) -> list[str]:
    return [port.strip() for port in re.sub(r"\s+,", ",", text + " ").split(",")]


def _declare(module: VerilogModule, declared: re.Match[str], attributes: list[str], names: "_Names") -> None:
    kind, signed, high, name, depth, initial = declared.groups()
    known = module.signals.setdefault(name, Signal(name, int(high or 0) + 1, is_field=name in names.fields))
    if kind in ("input", "output"):
        known.direction = kind
    else:
        known.kind = kind
    known.signed |= bool(signed)
    known.depth, known.initial = depth or known.depth, initial or known.initial
    known.attributes += attributes


class _Names:
    """Plain names of a module's escaped ones.

    Attributes
    ----------
    ports : plain names of the ports.
    fields : plain names of what was a part of a struct.
    """

    def __init__(self, body: str, ports: list[str]):
        self._names: dict[str, str] = {}
        self.fields: set[str] = set()
        used = set(re.findall(r"(?<![\\\w$.'])[A-Za-z_]\w*", _ESCAPED.sub(" ", body)))
        for name in dict.fromkeys(_ESCAPED.findall(body)):
            if re.fullmatch(_START, name):
                self._names[name] = ""
            elif re.fullmatch(r"\$\d+", name):
                self._names[name] = name  # see TEMPORARY
            elif name in KEYWORDS:
                if any(port.strip("\\ ") == name for port in ports):
                    raise ValueError(f"a port is called {name!r}, which is a keyword of Verilog")
                self._names[name] = f"{name}_"
            else:
                base = re.sub(r"\$\d+$", "", name).lstrip("$").replace(".", "__")
                base = re.sub(r"\W+", "_", base).strip("_")
                self._names[name] = plain = _free(base, used)
                used.add(plain)
                if "." in name:
                    self.fields.add(plain)
        self.ports = [self._names.get(port.lstrip("\\"), port.lstrip("\\")) for port in ports if port]

    def __getitem__(self, name: str) -> str:
        return self._names[name]

    def plain(self, name: str) -> str:
        """The plain name of an escaped one; empty if it has none."""
        return self._names.get(name, "")


def _free(base: str, used: set[str]) -> str:
    """``base``, or with the first number that makes it new."""
    number, name = 1, base
    while name in used or name in KEYWORDS:
        number += 1
        name = f"{base}_{number}"
    return name


class _Lines:
    """Lines without their indentation, read one after the other."""

    def __init__(self, lines: list[str]):
        self._lines, self._next = lines, 0

    def __bool__(self) -> bool:
        return self._next < len(self._lines)

    def next(self) -> str:
        self._next += 1
        return self._lines[self._next - 1].strip()

    def peek(self) -> str:
        return self._lines[self._next].strip()


def _read_process(lines: _Lines, *, has_block: bool) -> Block:
    if not has_block:
        return _read_statement(lines)
    block = _read_block(lines)
    lines.next()
    return block


def _read_block(lines: _Lines) -> Block:
    """Statements up to the line that begins with ``end``."""
    block: Block = []
    while not lines.peek().startswith("end"):
        block += _read_statement(lines)
    return block


def _read_statement(lines: _Lines) -> Block:
    line, full = lines.next(), False
    while line.startswith("(*"):
        line, full = lines.next(), full or "full_case" in line
    if line in ("/* empty */;", "if () begin end"):
        return []
    if line == "begin":
        block = _read_block(lines)
        lines.next()
        return block
    if found := re.fullmatch(r"if \((.*)\)( begin)?", line):
        return [_read_if(lines, found[1], bool(found[2]))]
    if found := re.fullmatch(r"casez \((.*)\)", line):
        branches = []
        while (pattern := lines.next()) != "endcase":
            when = pattern.removesuffix(":").replace("default", "")
            branches.append(Branch(when, _read_statement(lines)))
        return [Choice(found[1], branches, full)]
    found = re.fullmatch(r"(.*?) <?= (.*);", line)
    if found is None:
        raise ValueError(f"unknown statement {line!r}")
    return [Assignment(found[1], found[2])]


def _read_if(lines: _Lines, condition: str, has_block: bool) -> Choice:
    if not has_block:
        return Choice("", [Branch(condition, _read_statement(lines))])
    branches = [Branch(condition, _read_block(lines))]
    while (end := lines.next()) != "end":
        when = end.removeprefix("end else").removesuffix("begin").strip()[4:-1]
        branches.append(Branch(when, _read_block(lines)))
    return Choice("", branches)


def _until(lines: _Lines, first: str) -> list[str]:
    """An instance or an initial block, up to its end."""
    result, end = [first], ");" if _INSTANCE.match(first) else "end"
    while result[-1] != end:
        result.append(lines.next())
    return result
