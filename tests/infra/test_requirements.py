"""requirements.txt is all that `cdk deploy` and the command line need: shown in an environment that has only it."""

import json
import re
from pathlib import Path

import pytest
from support.environments import ROOT, create_environment, run, uv

STACKS = {"slipway-batch", "slipway-releases", "slipway-serving", "slipway-shadow", "slipway-state"}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has requirements.txt and nothing else."""
    python = create_environment(tmp_path_factory.mktemp("requirements") / "venv")
    uv("pip", "install", "--quiet", "--require-hashes", "--requirements", "requirements.txt", "--python", str(python))
    return python


def test_the_app_is_synthesized(python: Path, tmp_path: Path) -> None:
    run([str(python), "app.py"], CDK_OUTDIR=str(tmp_path))

    assert stacks_in(tmp_path) == STACKS
    serving = json.loads((tmp_path / "slipway-serving.template.json").read_text(encoding="utf-8"))
    functions = [each for each in serving["Resources"].values() if each["Type"] == "AWS::Lambda::Function"]
    assert {function["Properties"]["Runtime"] for function in functions} == {"python3.13"}
    assets = json.loads((tmp_path / "slipway-serving.assets.json").read_text(encoding="utf-8"))["files"].values()
    bundles = [tmp_path / asset["source"]["path"] for asset in assets if asset["source"]["packaging"] == "zip"]
    assert any((bundle / "onnxruntime").is_dir() for bundle in bundles)


def test_the_cdk_takes_the_active_environment(python: Path, tmp_path: Path) -> None:
    command = [str(ROOT / "node_modules" / ".bin" / "cdk"), "--no-notices", "--no-color", "synth", "--quiet"]
    command += ["--context", "slipway:target=host", "--output", str(tmp_path)]
    run(command, VIRTUAL_ENV=str(python.parents[1]))

    assert stacks_in(tmp_path) == STACKS


def test_the_command_line_starts(python: Path) -> None:
    assert "Usage: python -m slipway [OPTIONS] COMMAND" in run([str(python), "-m", "slipway", "--help"]).stdout


def test_a_command_works(python: Path) -> None:
    listed = json.loads(run([str(python), "-m", "slipway", "model", "list", "--json"]).stdout)

    assert {"tweet-sentiment", "breast-cancer"} <= {version["model"] for version in listed}


@pytest.mark.parametrize("active", [True, False])
def test_cdk_json_prefers_the_active_environment_to_the_checkouts(tmp_path: Path, active: bool) -> None:
    for name in (".venv", "active"):
        folder = tmp_path / name / "bin"
        folder.mkdir(parents=True)
        (folder / "python3").write_text(f"#!/bin/sh\necho {name} $*\n", encoding="utf-8")
        (folder / "python3").chmod(0o755)
    app = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["app"]

    variables = {"VIRTUAL_ENV": str(tmp_path / "active")} if active else {}
    printed = run(["sh", "-c", app], folder=tmp_path, **variables).stdout

    assert printed == ("active app.py\n" if active else ".venv app.py\n")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements/runtime.lock"])
def test_every_lock_pins_what_the_developers_test(name: str) -> None:
    pinned = pins(ROOT / name)
    assert pinned
    assert pinned <= pins(ROOT / "requirements" / "dev.lock")


def pins(lock: Path) -> set[str]:
    """The pins of a lock, as ``name==version`` with their markers."""
    return set(re.findall(r"^(\S+==[^\\\n]*?) *\\?$", lock.read_text(encoding="utf-8"), re.MULTILINE))


def stacks_in(folder: Path) -> set[str]:
    """The names of the templates of an assembly."""
    return {path.name.removesuffix(".template.json") for path in folder.glob("*.template.json")}
