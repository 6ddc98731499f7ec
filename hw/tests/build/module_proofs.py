"""Proof, module by module, that two texts of Verilog say the same.

Every module of one text is compared with that of the same name in the other, what it instantiates being cut
off: registers and outputs of equal names are equal in every cycle, for all inputs, by yosys' equivalence
passes (SAT, and induction over time where names differ).
"""

import multiprocessing
import os
import re
import tempfile

PASSES = (
    "proc -norom",
    "memory -nomap",
    "opt_clean",
    "{cut}",
    "async2sync",
    "equiv_make gold gate equiv",
    "hierarchy -top equiv",
    "opt_clean equiv",
    "equiv_simple -undef equiv",
    "equiv_induct -undef equiv",
    "equiv_status -assert equiv",
)


def modules_of(text: str) -> dict[str, str]:
    """The modules of a text by name."""
    return {found[1]: found[0] for found in re.finditer(r"^module (\w+).*?^endmodule$", text, re.S | re.M)}


def unequal_modules(gold: str, gate: str, names: list[str]) -> list[str]:
    """Those of ``names`` whose modules in the two texts are not proved equal."""
    golds, gates = modules_of(gold), modules_of(gate)
    return [name for name in names if not _is_equal(name, golds, gates[name])]


def _is_equal(name: str, golds: dict[str, str], gate: str) -> bool:
    """Prove one pair, in a process of its own: yosys ends its process where it finds an error."""
    inside = [other for other in golds if other != name and re.search(rf"^\s+{other} ", golds[name], re.M)]
    text = "\n".join(
        [
            *(_ports_only(golds[other]) for other in inside),
            re.sub(rf"\bmodule {name}\b", "module gold", golds[name]),
            re.sub(rf"\bmodule {name}\b", "module gate", gate),
        ]
    )
    cells = " ".join(f"{side}/t:{other}" for side in ("gold", "gate") for other in inside)
    process = multiprocessing.get_context("fork").Process(
        target=_prove, args=(text, f"expose -evert {cells}" if inside else "")
    )
    process.start()
    process.join()
    return process.exitcode == 0


def _ports_only(module: str) -> str:
    """A module as a black box."""
    head = re.match(r"module \w+\(.*?\);", module, re.S)
    assert head is not None
    ports = re.findall(r"^\s*((?:input|output) [^;=]*?)(?: = [^;]*)?;", module, re.M)
    return "\n".join(["(* blackbox *)", head[0], *(f"{port};" for port in ports), "endmodule"])


def _prove(text: str, cut: str) -> None:
    from pyosys import libyosys as yosys

    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    design = yosys.Design()
    with tempfile.NamedTemporaryFile("w", suffix=".v") as file:
        file.write(text)
        file.flush()
        yosys.run_pass(f"read_verilog {file.name}", design)
    for command in PASSES:
        if line := command.format(cut=cut):
            yosys.run_pass(line, design)
