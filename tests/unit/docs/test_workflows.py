"""What workflows call exists, and the comment on a pull request is whole Markdown, whatever is cut from it."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from slipway.cli.commands import app

WORKFLOW = Path(".github/workflows/pull-request.yml")
WORKFLOWS = sorted(WORKFLOW.parent.glob("*.yml"))


def _writing_the_comment() -> str:
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"].values()
    (script,) = (step["run"] for job in jobs for step in job["steps"] if "> comment.md" in step.get("run", ""))
    return script[script.index("\n{\n") :]


def test_fences_close_after_a_cut_inside_a_line(tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "diff.txt").write_text("x" * 50_000)
    (folder / "bill.txt").write_text("y" * 50_000)
    (tmp_path / "before.txt").write_text("before\n")
    environment = {"SLIPWAY_ENVIRONMENT": "prod", "PATH": "/usr/bin:/bin"}
    subprocess.run(["bash", "-ec", _writing_the_comment()], cwd=folder, env=environment, check=True)
    lines = (folder / "comment.md").read_text().splitlines()
    assert [line for line in lines if "`" in line and "#" not in line] == ["```", "```", "```diff", "```"]
    assert "### The bill, before and after" in lines


def _called(workflow: Path) -> set[tuple[str, ...]]:
    """The words after each `slipway` of a workflow's scripts, up to the first that is no name of a command."""
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    scripts = [step.get("run", "") for job in jobs for step in job.get("steps", ())]
    calls = [call for script in scripts for call in re.findall(r"(?<![\w./-])slipway((?: [a-z][a-z-]*)+)", script)]
    return {tuple(call.split()) for call in calls}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_each_command_that_a_workflow_calls_is_there(workflow: Path) -> None:
    for words in _called(workflow):
        command: Any = typer.main.get_command(app)
        for word in words:
            if not hasattr(command, "commands"):
                break
            assert word in command.commands, f"slipway {' '.join(words)}"
            command = command.commands[word]
        assert not hasattr(command, "commands"), f"slipway {' '.join(words)} is a group of commands"


def test_workflows_call_commands() -> None:
    assert {call for each in WORKFLOWS for call in _called(each)} >= {("preflight",), ("monitor", "drift"), ("smoke",)}
