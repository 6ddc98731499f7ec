"""Processes without a clock as assignments: what each of their targets is worth, in which case."""

from itertools import pairwise
from typing import Any

from crisp_hw.build.readable.expressions import joined, part_of
from crisp_hw.build.readable.modules import (
    PART,
    Assignment,
    Block,
    Process,
    Signal,
    VerilogModule,
    statements,
    targets,
)


class UnclockedProcesses:
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
                for target in targets(item):
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
        if found := PART.fullmatch(part):
            result.append((found[1], int(found[2]), int(found[3] or found[2])))
        else:
            result.append((part, signals[part].width - 1, 0))
    return result
