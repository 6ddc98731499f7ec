"""Editor settings, hooks and the workflow: they say what holds, and call what there is."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pre_commit.clientlib import load_config

from tools.structure.packages import PROJECT, sources_of
from tools.structure.sources import texts

HOOKS = PROJECT / ".pre-commit-config.yaml"
WORKFLOW = PROJECT / ".github" / "workflows" / "ci.yml"
BINARY = {".png", ".safetensors", ".xz"}

in_git = pytest.mark.skipif(
    shutil.which("git") is None or not (PROJECT / ".git").exists(), reason="needs git and a checkout"
)


def git(*arguments: str, folder: Path = PROJECT) -> str:
    """What git prints."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def editor_settings() -> configparser.ConfigParser:
    """The sections of .editorconfig, of which the first has no head."""
    parser = configparser.ConfigParser()
    parser.read_string("[before all]\n" + (PROJECT / ".editorconfig").read_text(encoding="utf-8"))
    return parser


def is_executable(name: str) -> bool:
    """Whether a file of the project can be started."""
    return os.access(PROJECT / name, os.X_OK) and (PROJECT / name).is_file()


@in_git
def test_every_text_is_as_the_editor_settings_say():
    assert editor_settings()["before all"]["root"] == "true"
    assert editor_settings()["*"]["end_of_line"] == "lf"
    tracked = [PROJECT / name for name in git("ls-files", "-z").split("\0") if name]
    sources = [
        path
        for path in tracked
        if path.suffix not in BINARY and path.is_file() and "corpus" not in path.relative_to(PROJECT).parts
    ]
    assert len(sources) > 900
    for path in sources:
        text = path.read_bytes().decode("utf-8")
        assert "\r" not in text, path
        assert not text or text.endswith("\n"), path
        assert not re.search(r"[ \t]$", text, flags=re.M), path
        assert "\t" not in text or path.name == "Makefile", path


def test_editors_and_the_linter_agree_on_the_length_of_lines():
    linter = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    assert editor_settings()["*.{py,pyi}"]["max_line_length"] == str(linter["line-length"])


def hooks() -> dict[str, dict[str, Any]]:
    """The hooks, which are all our own, by name."""
    (repository,) = load_config(HOOKS)["repos"]
    assert repository["repo"] == "local"
    return {hook["id"]: hook for hook in repository["hooks"]}


def test_hooks_call_programs_that_setup_installs():
    found = hooks()
    assert list(found) == ["ruff-check", "ruff-format", "pyright"]
    for hook in found.values():
        assert is_executable(shlex.split(hook["entry"])[0]), hook["entry"]
    assert list(found["pyright"]["stages"]) == ["pre-push"]


@in_git
def test_hooks_stop_what_the_linter_refuses(tmp_path):
    for name in (HOOKS.name, "pyproject.toml"):
        shutil.copy(PROJECT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(PROJECT / ".venv")
    (tmp_path / ".gitignore").write_text(".venv\nhooks\n")
    source = tmp_path / "source.py"
    source.write_text("import os\nx = ( 1 )\n")
    git("init", "-q", folder=tmp_path)
    git("add", ".", folder=tmp_path)

    def run_hooks() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROJECT / ".venv" / "bin" / "pre-commit", "run", "--all-files"],
            cwd=tmp_path,
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "hooks")},
            capture_output=True,
            text=True,
            check=False,
        )

    refused = run_hooks()
    assert refused.returncode == 1
    assert "F401" in refused.stdout
    assert "1 file reformatted" in refused.stdout
    source.write_text("x = 1\n")
    git("add", ".", folder=tmp_path)
    passed = run_hooks()
    assert passed.returncode == 0, passed.stdout
    assert passed.stdout.count("Passed") == 2


def workflow_steps() -> list[dict[str, Any]]:
    """The steps of the workflow's only job."""
    (job,) = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"].values()
    return job["steps"]


def test_the_workflow_runs_what_must_pass_and_may_do_no_more():
    text = WORKFLOW.read_text(encoding="utf-8")
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    assert "secrets" not in text
    commands = [step["run"] for step in workflow_steps() if "run" in step]
    assert commands[-1] == ".ci/run"
    assert is_executable(commands[-1])
    for step in workflow_steps():
        assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) if "uses" in step else step["name"]


def test_the_workflow_installs_what_setup_would_ask_for():
    install = next(step["run"] for step in workflow_steps() if "apt-get install" in step.get("run", ""))
    packages = set(shlex.split(install.partition("--no-install-recommends")[2].replace("\\\n", " ")))
    setup = (PROJECT / "tools" / "setup.sh").read_text(encoding="utf-8")
    wanted = set(re.findall(r"^need_program \S+ (\S+)$", setup, flags=re.M))
    wanted |= set(re.findall(r"^optional_package (\S+) ", setup, flags=re.M))
    browser = (PROJECT / "tools" / "browser.sh").read_text(encoding="utf-8")
    listed = re.search(r"--no-install-recommends (.+)$", browser, flags=re.M)
    assert listed is not None
    wanted |= set(listed[1].split())
    assert {"g++", "iverilog", "chromium"} <= wanted
    assert wanted <= packages


def test_what_the_workflow_keeps_is_what_simulations_build():
    kept = next(
        step["with"] for step in workflow_steps() if "build/sim" in step.get("with", {}).get("path", "")
    )
    named = {text for source in sources_of("crisp_sim") for text in texts(source.read_text(encoding="utf-8"))}
    for folder in kept["path"].split():
        assert folder.startswith("build/")
        assert folder.removeprefix("build/") in named
    patterns = re.findall(r"'([^']+)'", kept["key"])
    assert patterns
    for pattern in patterns:
        assert any(PROJECT.glob(pattern.replace("**", "*"))), pattern
