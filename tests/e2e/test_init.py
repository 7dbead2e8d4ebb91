"""A project of `slipway init` in an environment that has only Slipway's wheel: imported, synthesized, and run."""

import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from support.embedded import unused_port
from support.environments import ROOT, create_environment, run, uv

CARRIED = "slipway/_app/"
RECIPE = '''\
"""A model of the user's own."""

from sklearn.linear_model import LogisticRegression


def fitted():
    ages = [[18.0], [25.0], [40.0], [60.0]]
    return LogisticRegression().fit(ages, ["young", "young", "old", "old"])
'''
RECORDS = "age\n18\n25\n40\n60\n33\n51\n"
INPUTS = "- { name: age, type: float, min: 0, max: 120, nullable: false }\n"
# In the project's environment; the second argument is where the CDK would put the image's context.
BUILD = """\
import json, sys
from pathlib import Path
from slipway.application import load_part
from slipway.config import load_config
bundling, image = load_part("infra.bundling.bundle"), load_part("infra.bundling.image")
file = Path("slipway.yaml").resolve()
given = {"root": file.parent, "config_file": file, "config": load_config(file, "local")}
bundle = bundling.build_bundle("feedback", bundling.Target.LAMBDA, **given)
context = image.build_context(**given)
print(json.dumps([str(bundle), str(context)]))
"""
Command = Callable[..., str]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The versions of the lock, without digests, which a wheel of our own does not have in it."""
    file = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    lock = (ROOT / "requirements/dev.lock").read_text(encoding="utf-8")
    file.write_text("\n".join(re.findall(r"^(\S+==[^\\\n]*?) *\\?$", lock, re.MULTILINE)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def python(wheel: Path, constraints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel, and what its extra `project` brings."""
    python = create_environment(tmp_path_factory.mktemp("installed") / "venv")
    wanted = f"slipway[project] @ {wheel.as_uri()}"
    uv("pip", "install", "--quiet", "--constraints", str(constraints), "--python", str(python), wanted)
    return python


@pytest.fixture(scope="module")
def project(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project, whose CDK CLI is the checkout's: `npm ci` would bring the same."""
    folder = tmp_path_factory.mktemp("projects") / "shop"
    run([str(python.with_name("slipway")), "init", str(folder)], folder=folder.parent)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


@pytest.fixture(scope="module")
def slipway(python: Path, project: Path) -> Command:
    """Runs a command of the installed Slipway in the project; returns what it prints."""

    def command(*arguments: str) -> str:
        return run([str(python.with_name("slipway")), *arguments], folder=project).stdout

    return command


@pytest.fixture(scope="module")
def imported(project: Path, slipway: Command) -> str:
    """A model that was imported into the project, and deployed beside the example."""
    (project / "recipes/age_group.py").write_text(RECIPE, encoding="utf-8")
    (project / "records.csv").write_text(RECORDS, encoding="utf-8")
    (project / "inputs.yaml").write_text(INPUTS, encoding="utf-8")
    given = ["--records", "records.csv", "--inputs", "inputs.yaml"]
    slipway("model", "import", "--sklearn", "recipes.age_group:fitted", "--name", "age-group", *given)
    settings = yaml.safe_load((project / "slipway.yaml").read_text(encoding="utf-8"))
    settings["models"]["age-group"] = {"versions": [1], "stable": 1}
    (project / "slipway.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return "age-group"


def test_the_wheel_installs_no_name_but_slipway(wheel: Path, python: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"slipway"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    for part in ("container", "functions", "infra", "local"):
        run([str(python), "-c", f"import {part}"], folder=python.parent, exit_code=1)


def test_the_wheel_carries_what_the_checkout_has(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "container", "functions", "infra", "local"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    carried = {name.removeprefix(CARRIED) for name in zipfile.ZipFile(wheel).namelist() if name.startswith(CARRIED)}
    assert tracked
    assert set(tracked) <= carried


def test_the_requirements_are_those_that_are_installed(python: Path, project: Path, constraints: Path) -> None:
    pinned = (project / "requirements.txt").read_text(encoding="utf-8").splitlines()[-1]
    (kept,) = (project / "wheels").iterdir()
    assert pinned == f"./wheels/{kept.name}[project]"

    command = ["-m", "uv", "pip", "install", "--dry-run", "--python", str(python), "--constraints", str(constraints)]
    command += ["--reinstall-package", "slipway", "--requirements", "requirements.txt"]
    planned = run([str(python), *command], folder=project).stderr
    assert re.findall(r"^ [+~] ([\w.-]+)", planned, re.MULTILINE) == ["slipway"]


def test_bundles_and_the_images_context_are_built_from_the_wheel(python: Path, project: Path, imported: str) -> None:
    settings = (project / "slipway.yaml").read_text(encoding="utf-8")
    heavy = yaml.safe_load(settings)
    heavy["models"][imported]["tier"] = "heavy"
    (project / "slipway.yaml").write_text(yaml.safe_dump(heavy), encoding="utf-8")
    printed = run([str(python), "-c", BUILD], folder=project).stdout
    (project / "slipway.yaml").write_text(settings, encoding="utf-8")

    bundle, context = (Path(folder) for folder in json.loads(printed))
    assert bundle == project / "build/lambda/feedback"
    assert (bundle / "functions/feedback/handler.py").is_file()
    assert (bundle / "pydantic").is_dir()
    assert [each.name for each in (project / "build").iterdir() if each.name == "packages"] == ["packages"]
    assert {each.name for each in context.iterdir()} == {"container", "models", "recipes", "slipway", "slipway.yaml"}
    assert (context / "container/Dockerfile").is_file()
    assert (context / "models" / imported / "1/model.onnx").is_file()
    assert not (context / CARRIED).exists()


def test_the_cdk_synthesizes_it(python: Path, project: Path, imported: str, tmp_path: Path) -> None:
    cdk = [str(project / "node_modules/.bin/cdk"), "--no-notices", "--no-color", "synth", "--quiet"]
    context = ["--context", "slipway:target=host", "--context", "slipway:environment=prod"]
    run([*cdk, *context, "--output", str(tmp_path)], folder=project, VIRTUAL_ENV=str(python.parents[1]))

    assert (tmp_path / "shop-prod-serving.template.json").is_file()
    assert list(tmp_path.glob(f"asset.*/models/{imported}/1/model.onnx"))


@pytest.mark.usefixtures("imported")
def test_it_runs_on_the_embedded_aws(slipway: Command) -> None:
    try:
        slipway("local", "up", "--detach", "--port", str(unused_port()))
        state = json.loads(slipway("local", "status", "--json"))
        assert state["up"]
        assert state["console"]
        (answer,) = json.loads(slipway("predict", "age-group", "age=70", "--json"))["predictions"]
        assert answer["label"] == "old"
    finally:
        slipway("local", "down")


def test_a_missing_library_names_the_extra(python: Path, wheel: Path, tmp_path: Path) -> None:
    bare = create_environment(tmp_path / "venv")
    uv("pip", "install", "--quiet", "--no-deps", "--python", str(bare), str(wheel))
    code = "from pathlib import Path; from slipway.application import synthesize; synthesize(Path('slipway.yaml'))"
    done = run([str(bare), "-c", code], folder=tmp_path, exit_code=1)
    assert done.stderr.strip() == "error: aws_cdk is not installed; run `pip install 'slipway[project]'`"
