"""The program ``crisp``, as a user would start it."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from crisp_cli.program import app


def crisp(*arguments: object, columns: int = 200) -> Result:
    """Run a command in this process, on a terminal of that width."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": str(columns)})


def figures_of(*arguments: object) -> dict:
    """What a command that succeeds prints as JSON."""
    result = crisp(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def accuracy_of(path: Path, *arguments: object) -> dict[str, float]:
    """What ``crisp evaluate`` says of a model, by kind."""
    return figures_of("evaluate", path, *arguments)["accuracy"]
