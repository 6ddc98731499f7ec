"""Nothing that a user wrote is markup or a command to the terminal, and nothing prints by another way."""

import ast
import io
from pathlib import Path

import pytest
from rich.table import Table

import crisp_sw
from crisp_cli.plain_console import PlainConsole

SOURCES = sorted(Path(crisp_sw.__file__).parent.rglob("*.py"))
OTHER_WAYS = {"Console", "from_markup", "render_markup", "echo", "secho", "print_json"}


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


@pytest.fixture
def output():
    return io.StringIO()


@pytest.mark.parametrize("text", ["[/red]", "[bold]a[/]", "[link=http://a]b", ":smile:", "/a/1 'b' 2"])
def test_markup_is_text(output, text):
    PlainConsole(file=output, width=40, force_terminal=True).print(text)
    assert output.getvalue() == f"{text}\n"


def test_control_characters_are_spelled_out(output):
    console = PlainConsole(file=output, width=40, force_terminal=True)
    console.print("\x1b[31m\a\x9b\u202e\r\nerror: b\udcff")
    assert output.getvalue() == "\\x1b[31m\\x07\\x9b\\u202e\\r\\nerror: b\\udcff\n"


def test_cells_of_tables_are_text(output):
    table = Table("[red]a[/red]\x1b", box=None)
    table.add_row("[/red]\x1b")
    PlainConsole(file=output, width=40).print(table)
    assert [line.strip() for line in output.getvalue().splitlines()] == ["[red]a[/red]\\x1b", "[/red]\\x1b"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_everything_is_printed_by_plain_consoles(path):
    for call in calls(path):
        where = f"{path}:{call.lineno}"
        assert called(call) not in OTHER_WAYS, where
        for keyword in call.keywords:
            assert keyword.arg != "markup" or ast.unparse(keyword.value) == "False", where
        if called(call) == "TextColumn":
            assert "markup" in [keyword.arg for keyword in call.keywords], where
        if isinstance(call.func, ast.Name) and call.func.id == "print":
            text = ast.unparse(call.args[0])
            assert text.startswith("json.dumps(") or text.isupper(), where
