"""The page and the JSON Schemas of all documents that the program writes, made from their dataclasses."""

import json
from typing import Any

from crisp_files.documents import Document
from crisp_files.json_schema import document_schema
from crisp_sw.flows.experiment.cells.cell_result import CellResult
from crisp_sw.flows.experiment.results.cell_table import AccuracyTable
from crisp_sw.report.markdown import markdown_text
from crisp_sw.results.core_run import CoreRun
from crisp_sw.results.demo_report import DemoReport
from crisp_sw.results.inspection import Inspection
from crisp_sw.results.network_run import NetworkReport, UnitResult
from crisp_sw.results.program import CompiledProgram
from crisp_sw.results.steps import EvaluateStep, ExportStep, PruneStep, QuantizeStep, TrainStep

DOCUMENTS: dict[type[Document], str] = {
    DemoReport: "`report.json` of `crisp demo`",
    NetworkReport: "`report.json` of `crisp network`",
    UnitResult: "below `results` of `crisp network`: a program that ran",
    CoreRun: "`crisp cosim`, and `rtl.json` of `crisp demo`",
    Inspection: "`inspect.json` of `crisp inspect`",
    CompiledProgram: "`crisp compile --json`",
    TrainStep: "`train.json` of `crisp train`",
    PruneStep: "`prune.json` of `crisp prune`",
    QuantizeStep: "`crisp quantize --json`",
    EvaluateStep: "`evaluate.json` of `crisp evaluate`",
    ExportStep: "`export.json` of `crisp export`",
    CellResult: "below `cells` of `crisp accuracy`: a cell",
    AccuracyTable: "`crisp accuracy --json`",
}
"""Every kind of document, and where it is written."""

_LEAD = """# Result files

Every result is a JSON document that begins with its `schema` and `version`. Files of another version are
refused with both versions; those from before there were versions are read if nothing has changed. The file
`result-schemas.json` beside this page has the same as JSON Schema. Both are written by `crisp write-page`.

*Speedup* is, everywhere, the cycles of the dense twin of a network (the same shapes, no weight zero) over its
own on the same hardware. `speedup_to_dense` of the accuracy experiment compares with the user's fine-tuned
dense network.
"""


def schemas_text() -> str:
    """JSON Schemas of all documents, by name."""
    schemas = {kind.SCHEMA: document_schema(kind) for kind in DOCUMENTS}
    return f"{json.dumps(schemas, indent=1)}\n"


def results_page() -> str:
    """All documents and what they consist of, as Markdown."""
    parts, shared = [_LEAD], {}
    for kind, place in DOCUMENTS.items():
        schema = document_schema(kind)
        shared |= schema.get("$defs", {})
        parts.append(f"## {kind.SCHEMA}, version {kind.VERSION}\n\nWritten to {place}. {_section(schema)}")
    parts.append("## Objects in them\n")
    parts += [f"### {name}\n\n{_section(schema)}" for name, schema in sorted(shared.items())]
    return "\n".join(parts)


def _section(schema: dict[str, Any]) -> str:
    required = set(schema["required"])
    lines = [markdown_text(schema["description"]), "", "| entry | type | meaning |", "| :-- | :-- | :-- |"]
    for name, entry in schema["properties"].items():
        kind = _kind(entry) + ("" if name in required else ", may be absent")
        lines.append(f"| `{name}` | {kind} | {markdown_text(entry.get('description', ''))} |")
    return "\n".join(lines) + "\n"


def _kind(entry: dict[str, Any]) -> str:
    """A type in words."""
    if "const" in entry:
        return f"`{json.dumps(entry['const'])}`"
    if "enum" in entry:
        return " or ".join(f"`{json.dumps(value)}`" for value in entry["enum"])
    if "$ref" in entry:
        name = entry["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in entry:
        return " or ".join(map(_kind, entry["anyOf"]))
    if entry.get("type") == "array":
        inner = entry.get("items") or entry["prefixItems"][0]
        return f"list of {_kind(inner)}"
    if isinstance(entry.get("additionalProperties"), dict):
        return f"object of {_kind(entry['additionalProperties'])} by name"
    return entry.get("type", "any")
