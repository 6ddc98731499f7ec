"""The page and the schemas of results are those of the code, and real results have them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from crisp_files.documents import Document, document_json
from crisp_files.json_schema import document_schema
from crisp_sw.flows.inspection import inspect_layers, inspect_program
from crisp_sw.flows.program_run import NetworkRun, RunSettings, iss_platform
from crisp_sw.flows.result_pages import DOCUMENTS, results_page, schemas_text
from crisp_sw.results.inspection import Inspection
from crisp_sw.results.network_run import NetworkReport, RunFigures, UnitResult
from sw.tests.report.network_reports import made_up_report
from sw.tests.report.small_results import DEMO, EVALUATED, INSPECTED, PRUNED, TRAINED
from sw.tests.small_programs import CONFIG, small_network

DOCS = Path(__file__).resolve().parents[3] / "docs"


def judged(document: Document) -> dict[str, Any]:
    """The document as its file holds it, after its schema has judged it."""
    values = json.loads(json.dumps(document_json(document)))
    jsonschema.validate(values, document_schema(type(document)))
    return values


def test_page_and_schemas_are_what_the_code_says():
    assert (DOCS / "results.md").read_text(encoding="utf-8") == results_page()
    assert (DOCS / "result-schemas.json").read_text(encoding="utf-8") == schemas_text()


def test_schemas_are_schemas_of_different_names():
    schemas = json.loads(schemas_text())
    assert len(schemas) == len(DOCUMENTS)
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_entry_of_a_document_has_a_meaning():
    for kind in DOCUMENTS:
        entries = document_schema(kind)["properties"]
        missing = [name for name in entries if "description" not in entries[name]]
        assert set(missing) <= {"schema", "version"}, kind


@pytest.mark.parametrize("document", [DEMO, PRUNED, TRAINED, EVALUATED, INSPECTED, made_up_report()])
def test_documents_have_their_schema(document: Document):
    values = judged(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**values, "version": 99}, document_schema(type(document)))


def test_a_real_run_and_a_real_inspection_have_their_schema(tmp_path: Path):
    run = NetworkRun(small_network(), RunSettings(config=CONFIG), tmp_path, lambda _: None, lambda *_: None)
    figures: RunFigures = run.run([iss_platform(CONFIG)])
    made = made_up_report()
    own = {name: getattr(made, name) for name in vars(made) if name not in vars(figures)}
    judged(NetworkReport(**vars(figures), **own))
    for file in (tmp_path / "results").iterdir():
        jsonschema.validate(json.loads(file.read_text()), document_schema(UnitResult))
    layers = inspect_layers(CONFIG, small_network())
    program = inspect_program(CONFIG, small_network())
    judged(Inspection(**{**vars(INSPECTED), "layers": layers, "program": program}))
