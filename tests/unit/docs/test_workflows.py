"""The comment on a pull request is whole Markdown, whatever is cut from it."""

import subprocess
from pathlib import Path

import yaml

WORKFLOW = Path(".github/workflows/pull-request.yml")


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
