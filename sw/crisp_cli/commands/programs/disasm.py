"""``crisp disasm``: what is in a program image."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from crisp_cli.options import AsJson
from crisp_cli.terminal import emit, results
from crisp_golden.machine.program_image import ImageError
from crisp_sw.programs.disassembly import Line, disassemble, format_lines
from crisp_sw.programs.view import SEGMENT_NAMES, ProgramView, read_program
from crisp_sw.report.numbers import size


def disasm(
    image: Annotated[Path, typer.Argument(help="Program image, written by crisp compile.")],
    stage: Annotated[
        str | None, typer.Option("--stage", "-s", help="Only the commands that work for this layer.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the commands of a program, one line each.

    A line has the command's number, its engine, its tokens, and what it does. `<load` takes a token that the
    load engine has put down, so the command starts when that earlier command has ended; `>store` puts one
    down for the store engine. Places in the activation memory (SMEM) are in rows; a ring of few rows holds
    the part of a tensor that is in use. Addresses are a segment of external memory and an offset.

    Examples:

    - `crisp disasm program.crisp`
    - `crisp disasm program.crisp --stage layer1.0.conv2 --json`
    """
    view = read_program(image)
    if stage is not None and stage not in view.stages:
        raise ImageError(f"{image}: no layer {stage!r}; expected one of {', '.join(view.stages)}")
    lines = [line for line in disassemble(view) if stage in (None, line.stage)]
    document = {
        "image": str(image),
        "config": asdict(view.image.config),
        "commands": view.image.commands,
        "tensors": [asdict(tensor) for tensor in view.tensors],
        "lines": [line.to_json() for line in lines],
    }
    emit(document, as_json, lambda: _show(image, view, lines))


def _show(path: Path, view: ProgramView, lines: list[Line]) -> None:
    image, config = view.image, view.image.config
    results.print(
        f"{path}: {image.commands:,} commands, {size(len(image.contents))} with all parameters, for "
        f"{config.rows} rows, {config.cols} columns, {config.lanes} lanes, M = {config.m}, "
        f"words of {config.word_channels} channels",
    )
    for tensor in view.tensors:
        results.print(
            f"  {tensor.name}: {tensor.channels} x {tensor.height} x {tensor.width} at "
            f"{SEGMENT_NAMES[tensor.segment]}+{tensor.offset:#x}",
        )
    for text in format_lines(lines):
        results.print(text)
