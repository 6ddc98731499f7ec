"""From a quantized network to a program image."""

from crisp_golden.arithmetic.inference import INPUT, check_graph
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.cycles.timeline import program_timeline
from crisp_golden.machine.program_image import ProgramImage, TensorInfo
from crisp_spec.commands import ALIGNMENT, COMMAND_BYTES, Command, Memory, Opcode
from crisp_spec.config import CoreConfig
from crisp_sw.compile.emission import INPUT_SEGMENT, OUTPUT_SEGMENT, PROGRAM, SCRATCH, Emitter, PlannedGroup
from crisp_sw.compile.estimate import Cost
from crisp_sw.compile.graph import Graph, build_graph
from crisp_sw.compile.input_mapping import map_input
from crisp_sw.compile.partition import partition

PAGE = 4096

DISTANCES = ((0, 0), (1, 0), (2, 0), (4, 0), (6, 0), (2, 1), (4, 1))
"""How many executes loads of parameters and of tensors may pass; the fastest program is taken."""


def compile_network(
    config: CoreConfig, network: QuantizedNetwork, *, fuse: bool = True, keep: bool = False
) -> ProgramImage:
    """Compile a network for one image at a time.

    Parameters
    ----------
    fuse : False runs layer by layer through external memory.
    keep : store the output of every layer, to be compared.

    Raises
    ------
    LayerError, PatternError : a layer is not legal, or reads what no layer before it makes.
    CapacityError : a layer does not fit the configuration; the message names it and gives the numbers.
    """
    check_graph(network)
    network, mapping = map_input(config, network)
    graph = build_graph(config, network, keep=keep)
    groups = partition(graph, fuse=fuse)
    tensors, scratch = _external_tensors(graph, [planned for planned, _ in groups])
    emitter = Emitter(config, tensors, scratch)
    for planned, _ in groups:
        emitter.add_group(planned)
    commands, spans = _fastest(emitter)
    contents = b"".join(command.encode() for command in commands)
    contents += bytes(-len(contents) % ALIGNMENT) + emitter.parameters()
    result = tensors[graph.result.name]
    return ProgramImage(
        config=config,
        contents=contents + bytes(-len(contents) % COMMAND_BYTES),
        commands=len(commands),
        sizes=(
            _pages(tensors[INPUT].size(config)),
            _pages(result.size(config)),
            _pages(scratch),
        ),
        mapping=mapping,
        input=tensors[INPUT],
        output=result,
        kept=tuple(info for info in tensors.values() if info.segment == SCRATCH),
        spans=tuple(spans),
        description={
            "groups": [_describe(planned, cost) for planned, cost in groups],
            "classes": list(network.classes),
        },
    )


def _fastest(emitter: Emitter) -> tuple[list[Command], list[tuple[str, int, int]]]:
    """The program with the loads as far ahead as is best, by the cycle model."""
    best = None
    for parameters, tensors in DISTANCES:
        commands, spans = emitter.program(parameters=parameters, tensors=tensors)
        commands = _with_addresses(commands)
        contents = b"".join(command.encode() for command in commands)
        contents += bytes(-len(contents) % ALIGNMENT) + emitter.parameters()
        cycles = program_timeline(emitter.config, commands, contents, MemoryTiming()).total
        if best is None or cycles < best[0]:
            best = cycles, commands, spans
    assert best is not None
    return best[1:]


def _external_tensors(graph: Graph, groups: list[PlannedGroup]) -> tuple[dict[str, TensorInfo], int]:
    """Places in external memory of the input, the result and everything stored; bytes of scratch memory."""
    config, scratch, result = graph.config, 0, {}
    names = [INPUT, *(tensor.name for planned in groups for tensor in planned.group.stored())]
    for name in dict.fromkeys(names):
        tensor = graph.tensors[name]
        segment = SCRATCH
        if tensor is graph.result:
            segment = OUTPUT_SEGMENT
        elif name == INPUT:
            segment = INPUT_SEGMENT
        info = TensorInfo(
            name=name,
            segment=segment,
            offset=scratch if segment == SCRATCH else 0,
            channels=tensor.channels,
            height=tensor.height,
            width=tensor.width,
        )
        if segment == SCRATCH:
            scratch += -(-info.size(config) // PAGE) * PAGE
        result[name] = info
    return result, scratch


def _with_addresses(commands: list[Command]) -> list[Command]:
    """Move the offsets of parameters behind the commands."""
    start = len(commands) * COMMAND_BYTES

    def moved(command: Command) -> Command:
        if command.opcode is Opcode.LOAD and command["memory"] != Memory.SMEM:
            assert command["segment"] == PROGRAM
            return Command(command.opcode, {**command.fields, "offset": command["offset"] + start})
        return command

    return [moved(command) for command in commands]


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE


def _describe(planned: PlannedGroup, cost: Cost) -> dict:
    group = planned.group
    return {
        "stages": [stage.name for stage in group.stages],
        "bands": planned.schedule.bands,
        "prefetch": planned.schedule.prefetch,
        "resident_in": group.resident_in,
        "resident_out": group.resident_out,
        "execute": cost.execute,
        "read": cost.read,
        "write": cost.write,
    }
