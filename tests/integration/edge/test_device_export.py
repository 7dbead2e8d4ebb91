"""The folder for a device: it runs by itself, from its archive, and Greengrass takes its recipe."""

import ast
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest
import yaml
from support.edge.exports import ROOT
from support.packages import make_text_package

from slipway.edge.device_folder import DeviceExport, export_device
from slipway.edge.outbox import Entry, Kept, Outbox
from slipway.errors import InputError, PackageError
from slipway.models.package import load_package

SCHEMA = ROOT / "tests/support/edge/greengrass_recipe.schema.json"
VARIABLES = {"artifacts:decompressedPath", "work:path"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> DeviceExport:
    return export_device(load_package(ROOT / "models/flight-delay/2"), tmp_path_factory.mktemp("device") / "out")


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The component by its runtime alone, from another folder."""
    environment = {"PYTHONPATH": str(folder / "runtime"), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)


def test_the_archive_proves_its_package_with_its_own_part_of_slipway(exported: DeviceExport, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported.archive) as archive:
        archive.extractall(tmp_path)
    where = _run(tmp_path, "-c", "import slipway; print(slipway.__file__)").stdout.strip()
    assert Path(where) == tmp_path / "runtime/slipway/__init__.py"
    component = ("-m", "slipway.edge.device", "--package", str(tmp_path / "package"), "--outbox", str(tmp_path / "o"))
    done = _run(tmp_path, *component)
    assert (done.returncode, done.stderr) == (0, "INFO flight-delay 2 answers its golden records\n")


def test_an_altered_package_stops_the_component(exported: DeviceExport, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported.archive) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "package/model.onnx").write_bytes(b"another")
    done = _run(tmp_path, "-m", "slipway.edge.device", "--package", str(tmp_path / "package"), "--outbox", "/nowhere")
    assert done.returncode == 1
    assert "was altered" in done.stderr


def test_an_unreachable_api_leaves_the_outbox_as_it_is(exported: DeviceExport, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    kept = Kept(model="flight-delay", version=2, random="0" * 24, record={"carrier": "B6"})
    outbox.add(Entry(prediction=kept))
    folders = ("--package", str(exported.folder / "package"), "--outbox", str(tmp_path / "outbox"))
    done = _run(exported.folder, "-m", "slipway.edge.device", *folders, "--api", "http://127.0.0.1:1", "--once")
    assert done.returncode == 1
    assert "unavailable" in done.stderr
    assert len(list(outbox.waiting())) == 1


def test_the_runtime_needs_nothing_but_what_the_lock_names(exported: DeviceExport) -> None:
    locked = {"numpy", "onnxruntime", "pydantic", "pydantic_core", "tokenizers", "typing_extensions", "yaml"}
    lock = (exported.folder / "requirements.lock").read_text(encoding="utf-8")
    assert all(f"{name}==" in lock for name in ("numpy", "onnxruntime", "pydantic", "pyyaml", "tokenizers"))
    needed: set[str] = set()
    for file in (exported.folder / "runtime").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                needed |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                needed.add(node.module.partition(".")[0])
    assert needed - set(sys.stdlib_module_names) - {"slipway"} <= locked


def test_the_recipe_fits_the_schema(exported: DeviceExport) -> None:
    recipe = yaml.safe_load(exported.recipe.read_text(encoding="utf-8"))
    jsonschema.validate(recipe, json.loads(SCHEMA.read_bytes()))
    (manifest,) = recipe["Manifests"]
    assert manifest["Platform"] == {"os": "linux", "architecture": "aarch64"}
    assert manifest["Artifacts"][0]["Uri"].endswith(f"/{exported.archive.name}")
    # What `greengrass-cli deployment create --recipeDir recipes --artifactDir artifacts` expects.
    place = Path("artifacts", recipe["ComponentName"], recipe["ComponentVersion"], exported.archive.name)
    assert exported.folder / place == exported.archive


def test_the_schema_refuses_what_greengrass_does(exported: DeviceExport) -> None:
    schema = json.loads(SCHEMA.read_bytes())
    recipe = yaml.safe_load(exported.recipe.read_text(encoding="utf-8"))
    wrong = ({"ComponentVersion": 2}, {"ComponentVersion": "2"}, {"Manifests": []}, {"Runs": {}})
    for change in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**recipe, **change}, schema)


def test_the_recipe_names_only_variables_that_there_are(exported: DeviceExport) -> None:
    recipe = yaml.safe_load(exported.recipe.read_text(encoding="utf-8"))
    configuration = recipe["ComponentConfiguration"]["DefaultConfiguration"]
    text = json.dumps(recipe["Manifests"][0]["Lifecycle"])
    named = {part.partition("}")[0] for part in text.split("{") if ":" in part.partition("}")[0].partition(" ")[0]}
    known = VARIABLES | {f"configuration:/{name}" for name in configuration}
    assert {name for name in named if not name.startswith('"')} <= known


def test_the_same_export_is_the_same_archive(exported: DeviceExport, tmp_path: Path) -> None:
    again = export_device(load_package(ROOT / "models/flight-delay/2"), tmp_path / "again")
    assert again.archive.read_bytes() == exported.archive.read_bytes()


def test_the_scripts_install_and_run(exported: DeviceExport, tmp_path: Path) -> None:
    """With a Python whose pip installs nothing, since a test reaches no index."""
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.write_text(
        f'#!/bin/sh\ncase "$*" in\n  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; '
        f'printf "#!/bin/sh\\necho pip \\"\\$@\\"\\n" > "$3/bin/pip"; chmod +x "$3/bin/pip";;\n'
        f'  *) exec {sys.executable} -P "$@";;\nesac\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "PYTHON": str(python)}
    work = tmp_path / "work"
    work.mkdir()
    install = ["sh", str(exported.folder / "install.sh"), str(work / "venv")]
    done = subprocess.run(install, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--require-hashes" in done.stdout
    run = ["sh", str(exported.folder / "run.sh"), str(work)]
    unset = {"SLIPWAY_API": "", "SLIPWAY_TOKEN_FILE": "", "SLIPWAY_EVERY": "300"}
    done = subprocess.run(run, env={**environment, **unset}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "INFO flight-delay 2 answers its golden records\n")


def test_a_package_without_golden_records_and_a_missing_lock_are_refused(tmp_path: Path) -> None:
    bare = make_text_package(tmp_path / "bare")
    with pytest.raises(PackageError, match=r"golden\.json"):
        export_device(bare, tmp_path / "out")
    with pytest.raises(InputError, match="--lock"):
        export_device(bare, tmp_path / "out", lock=tmp_path / "none.lock")
    assert not (tmp_path / "out").exists()
