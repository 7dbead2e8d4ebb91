"""`slipway init` writes a project that is complete, and pins the very Slipway that wrote it."""

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from slipway.cli import main
from slipway.cli.init import command
from slipway.cli.init.folder import write_project
from slipway.cli.init.pin import Pin, pin_of
from slipway.config import read_project
from slipway.models.package import load_package

ROOT = Path(__file__).parents[3]
PIN = Pin("slipway[project]==1.2.3")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    write_project(folder, "shop", PIN)
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(command, "find_pin", NoPin)
    monkeypatch.setattr(sys, "argv", ["slipway", "init", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


class NoPin:
    """A pin that is found at once."""

    def __enter__(self) -> Pin:
        return PIN

    def __exit__(self, *_: object) -> None:
        pass


def test_its_models_are_there_in_every_environment_of_the_workflows(project: Path) -> None:
    found = read_project(project / "slipway.yaml")

    assert [found.config(name).project for name in ("local", "staging", "prod")] == [
        "shop-local",
        "shop-staging",
        "shop-prod",
    ]
    for name, model in found.config("prod").models.items():
        for version in model.versions:
            load_package(project / "models" / name / str(version))


def test_what_its_recipe_and_workflows_name_is_there(project: Path) -> None:
    (model,) = read_project(project / "slipway.yaml").config("local").trained_models.values()
    module, _, function = model.recipe.partition(":")
    assert f"def {function}(data" in (project / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")

    targets = set(re.findall(r"^([a-z]+):", (project / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    workflows = [file.read_text(encoding="utf-8") for file in (project / ".github/workflows").iterdir()]
    called = {target for text in workflows for target in re.findall(r"run: make (\w+)", text)}
    assert {"setup", "test"} == called <= targets
    assert all(yaml.safe_load(text)["jobs"] for text in workflows)


def test_it_pins_slipway_and_the_cdk_cli(project: Path) -> None:
    assert (project / "requirements.txt").read_text(encoding="utf-8").splitlines()[-1] == PIN.requirement
    ours, theirs = (json.loads((folder / "package.json").read_text("utf-8")) for folder in (ROOT, project))
    lock = json.loads((project / "package-lock.json").read_text(encoding="utf-8"))
    assert theirs["devDependencies"] == ours["devDependencies"] == lock["packages"][""]["devDependencies"]
    assert theirs["name"] == lock["name"] == lock["packages"][""]["name"] == "shop"


def test_no_placeholder_is_left(project: Path) -> None:
    for file in project.rglob("*"):
        if file.is_file() and file.suffix in {".md", ".yaml", ".txt"} and "models" not in file.parts:
            assert not re.search(r"\$(name|requirement)|\$\$", file.read_text(encoding="utf-8")), file


def test_a_wheel_is_kept_in_the_project(tmp_path: Path) -> None:
    wheel = tmp_path / "slipway-1.2.3-py3-none-any.whl"
    wheel.write_bytes(b"wheel")

    write_project(tmp_path / "shop", "shop", pin_of({"url": wheel.as_uri(), "archive_info": {}}, "1.2.3"))

    (line,) = (tmp_path / "shop/requirements.txt").read_text(encoding="utf-8").splitlines()[1:]
    assert line == f"./wheels/{wheel.name}[project]"
    assert (tmp_path / "shop/wheels" / wheel.name).read_bytes() == b"wheel"


@pytest.mark.parametrize(
    ("origin", "requirement"),
    [
        (None, "slipway[project]==1.2.3"),
        (
            {"url": "https://git.test/slipway", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "slipway[project] @ git+https://git.test/slipway@abc",
        ),
        (
            {"url": "https://host.test/slipway.whl", "archive_info": {"hashes": {"sha256": "0f"}}},
            "slipway[project] @ https://host.test/slipway.whl#sha256=0f",
        ),
        (
            {"url": "file:///gone/slipway-1.2.3-py3-none-any.whl", "archive_info": {}},
            "slipway[project] @ file:///gone/slipway-1.2.3-py3-none-any.whl",
        ),
    ],
)
def test_the_pin_names_the_place_that_slipway_came_from(origin: dict[str, object] | None, requirement: str) -> None:
    assert pin_of(origin, "1.2.3") == Pin(requirement)


def test_a_new_git_repository_counts_as_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop/.git").mkdir(parents=True)
    assert run(monkeypatch, str(tmp_path / "shop")) == 0
    assert (tmp_path / "shop/app.py").is_file()
    assert not [each for each in (tmp_path / "shop").iterdir() if each.name.startswith(".slipway-init")]


def test_a_folder_with_files_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (tmp_path / "notes.txt").touch()
    assert run(monkeypatch, str(tmp_path), "--name", "shop") == 1
    assert "is not empty" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (tmp_path / "notes").touch()
    assert run(monkeypatch, str(tmp_path / "notes")) == 1
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "problem"), [("My_Shop", "lower-case letters"), ("aws-shop", "must not begin with `aws`"), ("", "letter")]
)
def test_a_name_that_no_project_can_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, name: str, problem: str
) -> None:
    assert run(monkeypatch, str(tmp_path / "shop"), "--name", name) == 1
    error = capsys.readouterr().err
    assert "--name: " in error
    assert problem in error
    assert not (tmp_path / "shop").exists()


def test_a_folder_with_brackets_is_said_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, str(tmp_path / "[bold]shop"), "--name", "shop") == 0
    out = "".join(capsys.readouterr().out.split())
    assert "[bold]shop,with" in out
    assert "Slipway" not in out or "[project]" in out
